"""The fused likelihood of ties, successes and amounts against the graph that it replaces."""

from dataclasses import replace

import numpy as np
import pytest
from likelihoods import of_same_density
from pytensor import function, grad
from pytensor import tensor as pt
from scipy import stats

from models import build, simulate_study
from models.compiled.dense import fused_dense, fused_pairs
from models.compiled.log_prob import data_of_outcomes
from models.compiled.log_prob_of_draws import log_prob_of_outcomes, log_prob_sums
from models.likelihood.amounts import by_pairs, joint_density, other_direction
from models.likelihood.arrays import pytensor_arrays
from models.likelihood.families import FAMILIES
from models.likelihood.observed import Observed

DENSE = [name for name, family in FAMILIES.items() if family.kind in ("trials", "amounts")]
TRIALS = np.array([1, 1, 2, 12, 31, 32, 33, 34, 200, 1000, 10**5, 5])
SUCCESSES = np.array([0, 1, 1, 0, 31, 5, 33, 1, 100, 999, 40, 2])
AMOUNTS = np.array([0.0, 1.5, -3.0, 40.0, -1e-3, 2.0, 7.0, 0.1, -0.2, 5.0, 6.0, 1.0])
EXTREMES = [-700.0, -30.0, 0.0, 30.0, 700.0]


def observed_of(name):
    if name == "normal":
        return Observed(AMOUNTS)
    if name.startswith("bernoulli"):
        return Observed(SUCCESSES > 1)
    return Observed(SUCCESSES, TRIALS)


def compiled(name, mode, *, fused):
    """Compile log-probability, with gradients in the predictor and in the log scale."""
    family, observed = FAMILIES[name], observed_of(name)
    predictor, log_scale = pt.dvector(), pt.dscalar()
    scale = pt.exp(log_scale) if family.scale else None
    degree, selection = (predictor, None) if name == "normal" else (None, predictor)
    if fused:
        value = fused_dense(family, observed, predictor, scale)
    else:
        at = degree, selection, scale, observed.trials
        value = family.log_prob(observed.outcome.astype(float), *at, xp=pytensor_arrays())
    inputs = [predictor, *([log_scale] if family.scale else [])]
    weights = 1 + pt.arange(12) / 10  # a derivative in the wrong place is seen
    slopes = grad((value * weights).sum(), inputs)
    return function([predictor, log_scale], [value, *slopes], mode=mode, on_unused_input="ignore")


@pytest.fixture(scope="module")
def ways():
    """Give, for every family, the graph and the operation, in numba and by itself."""
    return {
        name: (
            compiled(name, "FAST_COMPILE", fused=False),
            compiled(name, "NUMBA", fused=True),
            compiled(name, "FAST_COMPILE", fused=True),
        )
        for name in DENSE
    }


@pytest.mark.parametrize("name", DENSE)
def test_it_is_the_graph(ways, name):
    rng = np.random.default_rng(5)
    for _ in range(20):
        at = rng.normal(0, 2, 12), rng.normal(-0.5, 1)
        graph, *others = (each(*at) for each in ways[name])
        for found in others:
            np.testing.assert_allclose(found[0], graph[0], rtol=1e-9, atol=1e-9)
            for one, other in zip(found[1:], graph[1:], strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-6)


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e4])
def test_it_is_the_graph_at_the_extremes(ways, name, scale):
    for predictor in EXTREMES:
        at = np.full(12, predictor), np.log(scale)
        graph, fused, _ = (each(*at) for each in ways[name])
        assert all(np.isfinite(each).all() for each in fused)
        np.testing.assert_allclose(fused[0], graph[0], rtol=1e-9, atol=1e-9 * TRIALS.max())
        for one, other in zip(fused[1:], graph[1:], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6 * TRIALS.max())


@pytest.mark.parametrize("name", DENSE)
def test_slopes_are_central_differences(ways, name):
    rng, step = np.random.default_rng(4), 1e-4
    _, fused, _ = ways[name]
    weights = 1 + np.arange(12) / 10
    for _ in range(5):
        predictor, log_scale = rng.normal(0, 1, 12), rng.normal(-0.5, 0.5)
        _, slope, *of_scale = fused(predictor, log_scale)
        up, down = (fused(predictor + sign * step, log_scale)[0] for sign in (1, -1))
        np.testing.assert_allclose(slope, weights * (up - down) / (2 * step), rtol=1e-5, atol=1e-4)
        for found in of_scale:
            up, down = (fused(predictor, log_scale + sign * step)[0] for sign in (1, -1))
            change = weights @ (up - down) / (2 * step)
            assert found == pytest.approx(change, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("name", DENSE)
def test_many_draws_and_sums_follow_the_family(name):
    family, observed, rng = FAMILIES[name], observed_of(name), np.random.default_rng(9)
    (part,) = family.parts
    predictor = rng.normal(0, 1, (3, 12))
    scale = rng.uniform(0.3, 2, (3, 1)) if family.scale else None
    degree, selection = (predictor, None) if part == "degree" else (None, predictor)
    expected = family.log_prob(observed.outcome, degree, selection, scale, observed.trials)
    found = log_prob_of_outcomes(family, observed, degree, selection, scale)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    uses = {part: rng.integers(0, 2, (2, 12)).astype(float)}
    given = None if scale is None else scale[:, 0]
    points = rng.normal(0, 1, (3, 4, 2))
    value, gradient = log_prob_sums(family, observed, {part: predictor}, uses, given, points)
    others = replace(family, distribution=None, kind="other")  # no loops know it
    by_formulas = log_prob_sums(others, observed, {part: predictor}, uses, given, points)
    np.testing.assert_allclose(value, by_formulas[0], rtol=1e-10)
    np.testing.assert_allclose(gradient, by_formulas[1], rtol=1e-5, atol=1e-4)


SENDER, RECEIVER = np.array(list("abacdca")), np.array(list("bacabdd"))
OTHER = other_direction(SENDER, RECEIVER)
ORDER, PAIRS = by_pairs(SENDER, RECEIVER)


@pytest.mark.parametrize("kept", [None, np.ones(7), np.array([0, 1, 1, 1, 0, 1, 1.0])])
def test_correlated_residuals_have_the_density_of_the_pairs(kept):
    rng = np.random.default_rng(3)
    mean, y, sd, rho = rng.normal(size=7), rng.normal(size=7), 0.8, -0.4
    there = np.flatnonzero(np.ones(7) if kept is None else kept)

    def by_scipy(mean, sd, rho):
        covariance = sd**2 * (np.eye(7) + rho * (OTHER[:, None] == np.arange(7)))
        joint = stats.multivariate_normal(mean[there], covariance[np.ix_(there, there)])
        return joint.logpdf(y[there])

    def graph(*moved):
        whole = np.ones(7) if kept is None else kept
        return joint_density(*moved, y, OTHER, pt.as_tensor(whole), pytensor_arrays())

    def fused(*moved):
        return fused_pairs(PAIRS, *moved, y[ORDER], None if kept is None else kept[ORDER])

    assert PAIRS == 2  # a and b, a and c
    inputs, natural = [pt.dvector(), pt.dscalar(), pt.dscalar()], np.arange(7)
    ways = (graph, natural, "FAST_COMPILE"), (fused, ORDER, "NUMBA"), (fused, ORDER, "FAST_COMPILE")
    for of_pairs, order, mode in ways:
        value = of_pairs(*inputs)
        slopes = grad(value, inputs)
        found, of_mean, *others = function(inputs, [value, *slopes], mode=mode)(
            mean[order], sd, rho
        )
        assert float(found) == pytest.approx(by_scipy(mean, sd, rho), rel=1e-12)
        step = 1e-6
        for k, d in enumerate(order):
            move = step * (np.arange(7) == d)
            change = by_scipy(mean + move, sd, rho) - by_scipy(mean - move, sd, rho)
            assert of_mean[k] == pytest.approx(change / (2 * step), abs=1e-7)
        moves = ((step, 0.0), (0.0, step))
        for slope, (more_sd, more_rho) in zip(others, moves, strict=True):
            up, down = (by_scipy(mean, sd + s * more_sd, rho + s * more_rho) for s in (1, -1))
            assert float(slope) == pytest.approx((up - down) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("model", ["binomial_crossed", "normal_srm_dyadic", "betabinomial_crossed"])
def test_exchanged_outcomes_have_the_density_of_a_model_built_for_them(model):
    (study, _), (other, _) = (simulate_study(6, model, seed=seed) for seed in (1, 2))
    dyads = study.dyads
    outcome = np.minimum(other.dyads["outcome"], dyads.get("trials", np.inf))
    units = {"location": 0.3, "unit": 2.0}  # of both, or amounts would have their own
    changed, given = (
        replace(study, dyads=dyads.assign(outcome=("dyad", values, units)))
        for values in (outcome.to_numpy().astype(dyads["outcome"].dtype), dyads["outcome"].data)
    )
    expected, exchanged = build(changed, model), build(given, model, exchangeable=("outcomes",))
    values = {data.name: data.get_value() for data in expected.data_vars}
    family = FAMILIES[model.partition("_")[0]]
    values |= data_of_outcomes(family, Observed.of(changed.dyads))
    for name, value in values.items():
        exchanged[name].set_value(value)
    graph = of_same_density(expected, exchanged)
    assert ("FusedPairs" if "dyadic" in model else "FusedDense") in graph
