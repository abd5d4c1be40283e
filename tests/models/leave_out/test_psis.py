"""A unit left out by weighing draws: against a closed form, its own spread, and arviz."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from models.inference.gate import good_k
from models.leave_out.psis import reweighted

SD = 0.5  # of the parameter, given all units
SHAPE = 4, 250


def densities(rng, y):
    """Draw the parameter, and give the log density of a unit N(parameter, 1) in each draw."""
    return norm.logpdf(y, SD * rng.normal(size=SHAPE))


def left_out(y):
    """Give the log of 1 / E[1 / p(y | parameter)], a Gaussian integral."""
    rest = 1 - SD**2
    return -(np.log(2 * np.pi / rest) / 2 + y**2 / (2 * rest))


def test_errors_are_the_spread_over_many_sets_of_draws():
    units, sets, rng = (1.0, 1.5), 400, np.random.default_rng(5)
    found, errors, joint = [], [], []
    for _ in range(sets):
        theta = SD * rng.normal(size=SHAPE)
        each = [reweighted(norm.logpdf(y, theta)) for y in units]
        found.append([one.elpd for one in each])
        errors.append([np.linalg.norm(one.influence) for one in each])
        joint.append(np.linalg.norm(sum(one.influence for one in each)))
    spread = np.std(found, axis=0)
    # the sd of 400 values is known to 3.5 %; the draws are independent, but their ESS is estimated
    np.testing.assert_allclose(np.mean(errors, axis=0), spread, rtol=0.12)
    expected = [left_out(y) for y in units]
    # smoothing the tail biases a density, by little beside its error
    assert (abs(np.mean(found, axis=0) - expected) < 0.4 * spread).all()
    total = np.std(np.sum(found, axis=1))
    assert np.mean(joint) == pytest.approx(total, rel=0.12)
    assert total > 1.2 * np.sqrt((spread**2).sum())  # the units share their draws


def test_density_and_k_are_arvizs():
    log_density = densities(np.random.default_rng(1), 1.0)
    ours = reweighted(log_density)
    # twice, for arviz doubts a log-likelihood of one unit
    pointwise = xr.DataArray(log_density, dims=("chain", "draw")).expand_dims(unit=2)
    tree = xr.DataTree.from_dict({"log_likelihood": pointwise.to_dataset(name="y")})
    inverse = np.exp(log_density.min() - log_density)
    reff = min(1, float(az.ess(inverse, method="mean")) / inverse.size)
    theirs = az.loo(tree, pointwise=True, reff=reff)
    assert ours.elpd == pytest.approx(float(theirs.elpd_i[0]), abs=1e-9)
    assert ours.pareto_k == pytest.approx(float(theirs.pareto_k[0]), abs=1e-9)
    assert theirs.good_k == pytest.approx(good_k(log_density.size))
    assert ours.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("shape", [SHAPE, (2, 2), (1, 16), (4, 1)])
def test_a_unit_that_says_nothing_changes_nothing(shape):
    found = reweighted(np.full(shape, -3.0))
    assert found.elpd == pytest.approx(-3)
    assert np.linalg.norm(found.influence) == pytest.approx(0, abs=1e-12)
    assert found.pareto_k == 0
    assert reweighted(np.full(shape, -3.0) + 1e-14 * np.arange(shape[1])).pareto_k == 0


@pytest.mark.parametrize(("rare", "often"), [(0.001, 0.4), (0.4, 0.001)])
@pytest.mark.parametrize("shape", [(4, 4), (2, 2), (4, 250)])
def test_a_tail_that_cannot_be_fitted_has_no_k(rare, often, shape):
    density = np.full(shape, often)
    density[0, 0] = rare
    found = reweighted(np.log(density))
    assert found.pareto_k == np.inf
    # nothing is smoothed: the harmonic mean of the densities
    assert found.elpd == pytest.approx(-np.log(np.mean(1 / density)), rel=1e-12)


@pytest.mark.parametrize("draws", [1, 2, 4, 10, 24])
def test_too_few_draws_have_no_k(draws):
    log_density = densities(np.random.default_rng(2), 1.0)[:2, :draws]
    found = reweighted(log_density)
    if log_density.size < 25:
        assert found.pareto_k == np.inf
        assert found.elpd == pytest.approx(-np.log(np.mean(np.exp(-log_density))), rel=1e-12)
    else:
        assert np.isfinite(found.pareto_k)
    assert np.isfinite(found.influence).all()
