"""The fused likelihood against the graph that it replaces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likelihoods import COUNTS, FAMILIES, agrees_to_last_digits, compiled, of_same_density, points
from pytensor import dprint
from scipy import special

from models import build
from models.compiled.fast_math import exp, softplus_sigmoid
from models.compiled.log_prob import data_of_outcomes, fused_log_prob
from models.compiled.log_prob_loops import CHUNK
from models.compiled.log_prob_of_draws import log_prob_of_outcomes, log_prob_sums
from models.likelihood.arrays import pytensor_arrays
from models.likelihood.counts import POISSON
from models.likelihood.families import FAMILIES as BUILT_IN
from models.likelihood.families import plain
from models.likelihood.observed import Observed


@pytest.fixture(scope="module")
def both():
    """Give, for every family, the graph and the fused operation, compiled by numba."""
    xp = pytensor_arrays()
    return {
        name: (
            compiled(family, lambda *at, f=family: f.log_prob(COUNTS, *at, xp=xp), "NUMBA"),
            compiled(family, lambda *at, f=family: fused_log_prob(f, COUNTS, *at), "NUMBA"),
        )
        for name, family in FAMILIES.items()
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_the_graph(both, name):
    for at in points():
        graph, fused = (each(*at) for each in both[name])
        np.testing.assert_allclose(fused[0], graph[0], rtol=1e-9)
        for one, other in zip(fused[1:], graph[1:], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 1.0, 1e4])
def test_it_is_the_graph_at_the_extremes(both, name, dispersion):
    for degree in (-700.0, -30.0, 0.0, 30.0, 700.0):
        for selection in (-700.0, -30.0, 0.0, 30.0, 700.0):
            at = (np.full(12, degree), np.full(12, selection), np.log(dispersion))
            graph, fused = (each(*at) for each in both[name])
            assert all(np.isfinite(each).all() for each in fused)
            assert agrees_to_last_digits(fused[0], graph[0], degree)
            scale = 1e-8 * np.maximum(1, np.abs(graph[0]).max())
            for one, other in zip(fused[1:], graph[1:], strict=True):
                if name.startswith("hurdle") and degree == -700.0 and other.ndim == 0:
                    continue  # the graph loses P(y > 0), which is no normal number: see below
                np.testing.assert_allclose(one, other, rtol=1e-8, atol=scale)


@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 1.0, 1e4])
def test_where_every_count_would_be_zero_the_dispersion_acts_by_the_rising_product_alone(
    both, dispersion
):
    # P(y > 0) = mu: what is left is d/d log alpha of sum_{k<y} log(1 + k alpha), term by term
    at = (np.full(12, -700.0), np.zeros(12), np.log(dispersion))
    steps = [dispersion * np.arange(y) for y in COUNTS]
    rising = np.array([(each / (1 + each)).sum() for each in steps])
    expected = float((rising * (1 + np.arange(12) / 10)).sum())
    assert both["hurdle_nb"][1](*at)[3] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_outside_numba_it_is_the_same(both, name):
    family = FAMILIES[name]
    plain = compiled(family, lambda *at: fused_log_prob(family, COUNTS, *at), "FAST_COMPILE")
    at = next(points())
    for one, other in zip(plain(*at), both[name][1](*at), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("name", ["zinb", "hurdle_nb", "poisson"])
def test_dyads_of_several_chunks_are_computed_as_alone(both, name):
    times = 2 * CHUNK // len(COUNTS) + 1
    family, counts = FAMILIES[name], np.tile(COUNTS, times)
    many = compiled(family, lambda *at: fused_log_prob(family, counts, *at), "NUMBA")
    blocks = [at[:2] for at, _ in zip(points(), range(20), strict=True)] * times
    degree, selection = (np.concatenate(each[:times]) for each in zip(*blocks, strict=True))
    value, *slopes = many(degree, selection, 0.3)
    weights = 1 + np.arange(len(counts)) / 10
    for k in range(times):
        here = slice(12 * k, 12 * k + 12)
        alone, *own = both[name][1](degree[here], selection[here], 0.3)
        np.testing.assert_allclose(value[here], alone, rtol=1e-12)
        for all_of_them, one in zip(slopes[: len(family.parts)], own, strict=False):
            expected = one / weights[:12] * weights[here]
            np.testing.assert_allclose(all_of_them[here], expected, rtol=1e-9, atol=1e-12)


@given(
    degree=st.floats(-750, 750),
    selection=st.floats(-750, 750),
    log_dispersion=st.floats(np.log(1e-8), np.log(1e4)),
)
@settings(max_examples=300, deadline=None)
def test_it_is_never_nan(both, degree, selection, log_dispersion):
    at = (np.full(12, degree), np.full(12, selection), log_dispersion)
    for _, fused in both.values():
        assert not any(np.isnan(each).any() for each in fused(*at))


@pytest.mark.parametrize("model", ["zinb_srm", "hurdle_nb_crossed", "poisson_pooled"])
def test_a_model_has_the_same_density_either_way(guangdong, model):
    graph = of_same_density(*(build(guangdong, model, likelihood=of) for of in ("graph", "fused")))
    assert "FusedLogProb" in graph


def test_exponential_and_logarithm_are_those_of_numpy():
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.uniform(-708, 709, 5000), rng.normal(0, 1, 5000)])
    np.testing.assert_allclose([exp(each) for each in x], np.exp(x), rtol=4e-16)
    both_sides = np.concatenate([x[5000:], rng.uniform(-700, 700, 5000)])
    found = np.array([softplus_sigmoid(each) for each in both_sides]).T
    for sign, softplus, sigmoid in ((1, *found[:2]), (-1, *found[2:])):
        at = sign * both_sides
        np.testing.assert_allclose(softplus, np.logaddexp(0, at), rtol=1e-15)
        np.testing.assert_allclose(sigmoid, special.expit(at), rtol=1e-15)


@pytest.mark.parametrize("name", FAMILIES)
def test_many_draws_at_once_have_the_same_log_probability(name):
    family, rng = FAMILIES[name], np.random.default_rng(4)
    degree, selection = rng.normal(0, 2, (2, 7, len(COUNTS)))
    selection = selection if "selection" in family.parts else None
    dispersion = rng.uniform(0.1, 3, (7, 1)) if family.scale else None
    expected = family.log_prob(COUNTS, degree, selection, dispersion)
    found = log_prob_of_outcomes(family, Observed(COUNTS), degree, selection, dispersion)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_counts_of_another_distribution_are_not_taken_for_these(guangdong, monkeypatch):
    constant = replace(POISSON, log_prob=lambda count, *_: np.where(count == 1, 0.0, -np.inf))
    family = plain(constant)
    found = log_prob_of_outcomes(family, Observed(np.array([1, 1])), np.zeros((3, 2)), None, None)
    np.testing.assert_array_equal(found, 0.0)
    monkeypatch.setitem(BUILT_IN, "constant", family)
    assert "FusedLogProb" not in str(dprint(build(guangdong, "constant_pooled").logp(), file="str"))


@pytest.mark.parametrize("name", ["zinb", "poisson"])
def test_sums_of_other_counts_follow_the_formulas(name):
    family, rng = FAMILIES[name], np.random.default_rng(9)
    other = replace(family, distribution=replace(family.distribution, draw=lambda *_: None))
    base = {part: rng.normal(0, 1, (3, len(COUNTS))) for part in family.parts}
    uses = {part: rng.integers(0, 2, (2, len(COUNTS))).astype(float) for part in family.parts}
    dispersion = rng.uniform(0.3, 2, 3) if family.scale else None
    points = rng.normal(0, 1, (3, 5, 2))
    loops, formulas = (
        log_prob_sums(each, Observed(COUNTS), base, uses, dispersion, points)
        for each in (family, other)
    )
    np.testing.assert_allclose(loops[0], formulas[0], rtol=1e-12)
    np.testing.assert_allclose(loops[1], formulas[1], rtol=1e-6)


OTHER_COUNTS = {"doubled": lambda c: 2 * c, "large": lambda c: 900 * c, "more": lambda c: c + 1}


@pytest.mark.parametrize("model", ["zinb_crossed", "hurdle_nb_crossed", "poisson_pooled"])
@pytest.mark.parametrize("counts", OTHER_COUNTS)
def test_exchanged_counts_have_the_density_of_a_model_built_for_them(guangdong, model, counts):
    other = OTHER_COUNTS[counts](guangdong.dyads["outcome"].to_numpy())
    fresh = replace(guangdong, dyads=guangdong.dyads.assign(outcome=("dyad", other)))
    expected, exchanged = build(fresh, model), build(guangdong, model, exchangeable=("outcomes",))
    shares = {data.name: data.get_value() for data in expected.data_vars}
    known = data_of_outcomes(BUILT_IN[model.rpartition("_")[0]], Observed(other))
    for name, values in (known | shares).items():
        exchanged[name].set_value(values)
    graph = of_same_density(expected, exchanged)
    assert "FusedLogProb" in graph
    assert ("FusedPredictor" in graph) == (model != "poisson_pooled")
