"""Permutations of the cities against relabelled tables, whole groups and simulated nulls."""

from dataclasses import replace
from itertools import permutations as every_order
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plain import plain_declaration, plain_table
from scipy import stats

from data.declaration import Declaration
from data.errors import ModelError
from data.from_memory import study_from_table
from models import maximum_likelihood, simulate_study
from models.frequentist.fit import fit_regression
from models.frequentist.permutations import _compared, _refits, permutation_test
from models.frequentist.regression import regression
from models.simulation.simulate import TRUTH
from models.work.cluster import on_cluster
from models.work.progress import Reporter

ROOT = Path(__file__).parents[3]
DECLARATION = {
    "title": "Small",
    "models": ("poisson_pooled",),
    "dyads": {"sender": "from", "receiver": "to", "outcome": "y", "exposure": "days"},
    "formula": {"selection": "near + alike", "degree": "near + alike"},
}
SLOPES = ["degree_coef[near]", "degree_coef[alike]"]


def study_of(table):
    return study_from_table(table, Declaration.model_validate(DECLARATION), "small")


def made_up(senders, receivers, seed):
    """Give a table of dyads with counts that have nothing to do with the predictors."""
    rng = np.random.default_rng(seed)
    dyads = [(i, j) for i in senders for j in receivers if i != j]
    return pd.DataFrame(dyads, columns=["from", "to"]).assign(
        y=rng.poisson(rng.gamma(1, 4, len(dyads))),
        days=rng.integers(1, 9, len(dyads)),
        near=rng.normal(size=len(dyads)).round(3),
        alike=rng.normal(size=len(dyads)).round(3),
    )


def relabelled(table, new_name, *columns):
    """Give the dyad (i, j) what another one has in `columns`; leave out those that get nothing."""
    there = table.set_index(["from", "to"])[list(columns)]
    source = list(zip(table["from"].map(new_name), table["to"].map(new_name), strict=True))
    found = [dyad in there.index for dyad in source]
    moved = there.loc[[dyad for dyad in source if dyad in there.index]]
    return table[found].assign(**{column: moved[column].to_numpy() for column in columns})


def permuted_p(study, model, *, seed=20221, **settings):
    return permutation_test(study, maximum_likelihood(study, model), seed=seed, **settings)


def z_values(study, model):
    fit = maximum_likelihood(study, model)
    return fit.parameters.to_series() / fit.standard_errors()


@pytest.mark.parametrize("family", ["zinb", "hurdle_nb"])
def test_a_permuted_statistic_is_that_of_the_relabelled_table(family, guangdong):
    data = regression(guangdong, family)
    observed = maximum_likelihood(guangdong, f"{family}_pooled").parameters.to_numpy()
    found = _refits(data, observed * data.scales, seed=7).statistics(3)
    cities = guangdong.dyads["city"].to_numpy()
    new_name = dict(zip(cities, np.random.default_rng([7, 3]).permutation(cities), strict=True))
    table = plain_table(guangdong)
    ends = {"sender": "from", "receiver": "to"}
    table = relabelled(table.rename(columns=ends), new_name, "services")
    table = table.rename(columns={new: old for old, new in ends.items()})
    permuted = study_from_table(table, plain_declaration(guangdong), "permuted")
    expected = z_values(permuted, f"{family}_pooled")
    assert np.isfinite(found).all()
    assert found == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_p_values_are_those_of_the_whole_group_where_a_dyad_is_missing():
    table = made_up("abcd", "abcd", seed=1).drop(index=4)
    observed = z_values(study_of(table), "poisson_pooled")[SLOPES].abs()
    reached = []
    for order in every_order("abcd"):
        permuted = relabelled(table, dict(zip("abcd", order, strict=True)), "y", "days")
        z = z_values(study_of(permuted), "poisson_pooled")[SLOPES].abs()
        reached.append(z >= observed - 1e-6)
    exact = pd.DataFrame(reached).mean()
    found = permuted_p(study_of(table), "poisson_pooled", permutations=799)
    assert found.index.to_list() == SLOPES
    assert (found["permutations"] == 799).all()
    assert ((found["p"] - exact).abs() < 4 * found["error"]).all()
    assert np.allclose(found["error"], np.sqrt(exact * (1 - exact) / 799), rtol=0.1)


def test_p_values_are_uniform_without_effects_where_city_effects_mislead_wald_tests():
    none = {"near": 0.0, "alike": 0.0}
    truth = {**TRUTH, "degree_coef": none}
    found = pd.concat(
        permuted_p(
            simulate_study(8, "poisson_srm", seed=seed, truth=truth)[0],
            "poisson_pooled",
            permutations=19,
            seed=seed,
        ).loc[["degree_coef[near]"]]
        for seed in range(32)
    )
    wald = 2 * stats.norm.sf(found["z"].abs())
    assert stats.binomtest(int((wald <= 0.1).sum()), 32, 0.1).pvalue < 1e-4
    quarters = np.bincount((found["p"].to_numpy() * 20).round().astype(int) - 1, minlength=20)
    assert stats.chisquare(quarters.reshape(4, 5).sum(axis=1)).pvalue > 1e-3
    assert stats.binomtest(int((found["p"] <= 0.1).sum()), 32, 0.1).pvalue > 1e-3


def test_a_permutation_that_repeats_the_counts_is_as_extreme_as_they_are():
    # the search ends elsewhere in the last digits; (1 + 2) / (1 + 3), one missing
    others = np.array([-2.0 * (1 - 1e-9), 2.0 * (1 + 1e-9), 1.9, np.nan])
    assert _compared(2.0, others)["p"] == 0.75


def test_a_strong_effect_gets_the_smallest_p_and_no_effect_does_not():
    truth = {**TRUTH, "degree_coef": {"near": 1.5, "alike": 0.0}}
    study, _ = simulate_study(14, "nb_pooled", seed=2, truth=truth)
    found = permuted_p(study, "nb_pooled", permutations=99)
    assert found.loc["degree_coef[near]", "p"] == 0.01
    assert found.loc["degree_coef[near]", "error"] == pytest.approx(0.01)
    assert found.loc["degree_coef[alike]", "p"] > 0.05


def test_the_number_of_processes_changes_nothing_and_progress_is_told():
    class Heard(Reporter):
        def __init__(self):
            self.said = []

        def stage(self, text):
            self.said.append(text)

        def advance(self, done, total, note=""):
            self.said.append((done, total))

    study, _ = simulate_study(6, "nb_pooled", seed=8)
    here, there = Heard(), Heard()
    alone = permuted_p(study, "nb_pooled", permutations=45, reporter=here, seed=3)
    with on_cluster() as run:
        both = permuted_p(study, "nb_pooled", permutations=45, reporter=there, seed=3, run=run)
    pd.testing.assert_frame_equal(alone, both)
    assert here.said[1:] == [(10, 45), (20, 45), (30, 45), (40, 45), (45, 45)]
    assert len(there.said) == 6
    assert there.said[-1] == (45, 45)
    other = permuted_p(study, "nb_pooled", permutations=45, seed=4)
    assert not other["p"].equals(alone["p"])
    assert other["z"].to_numpy() == pytest.approx(alone["z"].to_numpy(), abs=1e-6)


def test_cities_that_only_send_change_places_with_their_like():
    study = study_of(made_up("abc", "wxyz", seed=2))
    data = regression(study, "poisson")
    refits = _refits(data, np.zeros(3), seed=1)
    counts = data.outcome.reshape(3, 4)
    assert (refits.permuted(1).outcome != data.outcome).any()
    for number in range(20):
        permuted = refits.permuted(number)
        assert permuted.weight.all()
        # the same rows and columns, in another order
        assert (
            np.sort(permuted.outcome.reshape(3, 4).sum(axis=0)).tolist()
            == np.sort(counts.sum(axis=0)).tolist()
        )
        assert (
            np.sort(permuted.outcome.reshape(3, 4).sum(axis=1)).tolist()
            == np.sort(counts.sum(axis=1)).tolist()
        )


def test_what_is_not_identified_has_no_p_and_its_permutations_are_counted():
    study, _ = simulate_study(8, "poisson_pooled", seed=6, truth={**TRUTH, "degree_intercept": 5})
    # without a zero the study is refused by name; its likelihood has a maximum all the same
    fit = fit_regression(regression(study, "zip"), {"model": "zip_pooled"}, seed=20221)
    found = permutation_test(study, fit, seed=20221, permutations=19)
    selection = found[found.index.str.startswith("selection")]
    assert selection[["p", "error"]].isna().to_numpy().all()
    assert (selection["permutations"] == 0).all()
    degree = found[found.index.str.startswith("degree")]
    assert (degree["permutations"] == 19).all()
    assert degree["p"].between(0.05, 1).all()


def test_permutations_that_are_not_identified_do_not_count():
    study, _ = simulate_study(4, "zip_pooled", seed=1)
    found = permuted_p(study, "zip_pooled", permutations=49)
    used = found.loc["selection_coef[near]", "permutations"]
    assert 0 < used < 49
    assert found.loc["degree_coef[near]", "permutations"] == 49
    hits = found.loc["selection_coef[near]", "p"] * (1 + used)
    assert hits == pytest.approx(round(hits), abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"permutations": 0}, "permutations is 0; it lies between 1 and 1000000"),
        ({"permutations": 5, "seed": -1}, "seed is -1; it must not be negative"),
    ],
)
def test_bad_arguments_are_refused(guangdong, arguments, message):
    with pytest.raises(ModelError, match=message):
        permuted_p(guangdong, "nb_pooled", **arguments)


def test_counts_without_cities_are_refused(guangdong):
    data = regression(guangdong, "nb")
    with pytest.raises(ModelError, match="sender"):
        _refits(replace(data, cities=None), np.zeros(data.problem.size), seed=1)
