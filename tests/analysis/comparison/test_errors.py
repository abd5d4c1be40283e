"""Errors of differences of elpd: closed forms, and each definition taken at its word."""

import numpy as np
import pytest

from analysis.comparison.errors import (
    cities_of_units,
    errors_of_sum,
    independent,
    jackknife,
    ruling,
)
from models import simulate_study
from models.leave_out.units import rows_of_units

CITIES = 9


@pytest.fixture(scope="module")
def dyads():
    return simulate_study(CITIES, "nb_pooled", seed=4)[0].dyads


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_of_three_cities_by_hand():
    # 0 -> 1, 0 -> 2, 1 -> 0, 1 -> 2, 2 -> 0, 2 -> 1
    cities = np.array([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 7.0])
    # without city 0 the mean is (4 + 7) / 2 = 5.5, without 1 it is 3.5, without 2 it is 2; their
    # mean is 11 / 3, and 2 / 3 of the sum of the squared deviations 37 / 6
    assert jackknife(values, cities) == pytest.approx(6 * np.sqrt(2 / 3 * 37 / 6))
    assert independent(values) == pytest.approx(np.sqrt(6 * 14 / 3))


def test_of_sums_of_two_cities_it_is_that_of_the_cities(dyads, rng):
    own = rng.normal(size=CITIES)
    cities = cities_of_units(dyads, "dyad")
    # each city stands in 2 (n - 1) dyads
    expected = 2 * (CITIES - 1) * np.sqrt(CITIES * own.var(ddof=1))
    assert jackknife(own[cities].sum(axis=0), cities) == pytest.approx(expected, rel=1e-12)
    assert independent(own[cities].sum(axis=0)) < 0.5 * expected


def test_of_independent_values_it_is_too_large_by_a_known_factor(dyads, rng):
    cities = cities_of_units(dyads, "dyad")
    draws = rng.normal(size=(20_000, cities.shape[1]))
    found = np.mean([jackknife(values, cities) ** 2 for values in draws])
    plain = np.mean([independent(values) ** 2 for values in draws])
    assert plain == pytest.approx(CITIES * (CITIES - 1), rel=0.01)
    assert found / plain == pytest.approx(2 * (CITIES - 1) / (CITIES - 2), rel=0.02)


def test_it_is_the_definition_taken_at_its_word(dyads, rng):
    some = dyads.isel(dyad=rng.permutation(dyads.sizes["dyad"])[:50])
    values = rng.normal(size=50)
    sender, receiver = (some[side].to_numpy() for side in ("sender", "receiver"))
    means = [
        values[(sender != city) & (receiver != city)].mean() for city in some["city"].to_numpy()
    ]
    expected = 50 * np.sqrt((CITIES - 1) * np.var(means))
    found = errors_of_sum(values, cities_of_units(some, "dyad"))
    assert found.these == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("unit", ["dyad", "pair", "city"])
def test_names_and_order_change_nothing(dyads, rng, unit):
    cities = cities_of_units(dyads, unit)
    values = rng.normal(size=cities.shape[1])
    renamed, order = rng.permutation(CITIES), rng.permutation(values.size)
    one, other = (
        errors_of_sum(values, cities),
        errors_of_sum(values[order], renamed[cities[:, order]]),
    )
    assert [other.these, other.others] == pytest.approx([one.these, one.others], rel=1e-12)
    turned = errors_of_sum(-3 * values, cities[::-1])
    assert turned.others == pytest.approx(3 * one.others, rel=1e-12)


def test_cities_of_units_are_those_of_their_labels(dyads):
    names = dyads["city"].to_numpy()
    for unit, between in (("dyad", " -> "), ("pair", " & ")):
        labels = list(rows_of_units(dyads, unit))
        for label, both in zip(labels, cities_of_units(dyads, unit).T, strict=True):
            assert set(label.split(between)) == set(names[both])


def test_by_city_each_count_stands_in_two_units(dyads, rng):
    of_dyads = rng.normal(size=dyads.sizes["dyad"])
    values = np.array([of_dyads[rows].sum() for rows in rows_of_units(dyads, "city").values()])
    found = errors_of_sum(values, cities_of_units(dyads, "city"))
    assert found.others == pytest.approx(2 * np.sqrt(CITIES * values.var(ddof=1)), rel=1e-12)
    assert found.these == found.others


def test_a_city_in_every_dyad_leaves_nothing_to_hold_it_against():
    star = np.array([[0, 0, 0], [1, 2, 3]])
    assert np.isnan(jackknife(np.array([1.0, 2.0, 3.0]), star))
    assert np.isnan(independent(np.array([1.0])))


def test_one_unit_may_make_up_the_error():
    assert ruling(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(9 / 12)
    assert ruling(np.array([1.0, -1.0, 1.0, -1.0])) == pytest.approx(0.25)
    assert ruling(np.zeros(5)) == 0
