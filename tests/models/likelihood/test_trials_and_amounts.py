"""Families of ties, successes and amounts against SciPy and against their definitions."""

import math

import numpy as np
import pytest
from pytensor import function, grad
from pytensor import tensor as pt
from scipy import special, stats

from models.likelihood.amounts import correlated_draw, given_other, other_direction
from models.likelihood.arrays import NUMPY, pytensor_arrays
from models.likelihood.families import FAMILIES
from models.likelihood.trials import log_rising_from

PREDICTOR = np.array([-4.0, -0.7, 0.0, 0.4, 1.5, 3.0])
TRIALS = np.array([1, 3, 12, 33, 40, 1000])
SUCCESSES = np.array([0, 3, 5, 1, 40, 800])
TIES = np.array([0, 1, 0, 0, 1, 1])
EXTREMES = [-700.0, -37.0, -30.0, -1.0, 0.0, 30.0, 700.0]
OF_TRIALS = [name for name, family in FAMILIES.items() if family.link is not None]


def scipys(name, predictor, dispersion, trials):
    """Give SciPy's distribution of a family of trials."""
    p, q = (
        (special.ndtr if "probit" in name else special.expit)(x) for x in (predictor, -predictor)
    )
    if name.startswith("beta"):
        return stats.betabinom(trials, p / dispersion, q / dispersion)
    return stats.binom(trials, p)


def data_of(name):
    return (TIES, np.ones(6, dtype=int)) if name.startswith("bern") else (SUCCESSES, TRIALS)


@pytest.mark.parametrize("dispersion", [0.05, 0.9, 4.0])
@pytest.mark.parametrize("name", OF_TRIALS)
def test_family_is_scipys(name, dispersion):
    family, (successes, trials) = FAMILIES[name], data_of(name)
    expected = scipys(name, PREDICTOR, dispersion, trials)
    at = (None, PREDICTOR, dispersion, trials)
    np.testing.assert_allclose(
        family.log_prob(successes, *at), expected.logpmf(successes), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(family.mean(*at), expected.mean(), rtol=1e-10)
    np.testing.assert_allclose(family.variance(*at), expected.var(), rtol=1e-10)
    np.testing.assert_allclose(family.p_zero(*at), expected.pmf(0), rtol=1e-10, atol=1e-300)


def test_amounts_are_scipys():
    family, amounts = FAMILIES["normal"], np.array([-3.0, 0.0, 0.1, 5.0, 1e6, -1e-9])
    expected = stats.norm(PREDICTOR, 1.7)
    at = (PREDICTOR, None, 1.7, None)
    np.testing.assert_allclose(family.log_prob(amounts, *at), expected.logpdf(amounts), rtol=1e-12)
    np.testing.assert_array_equal(family.mean(*at), expected.mean())
    np.testing.assert_allclose(family.variance(*at), expected.var())


@pytest.mark.parametrize("name", [*OF_TRIALS, "normal"])
def test_draws_have_the_mean_and_variance_of_the_family(name):
    family, draws = FAMILIES[name], 100_000
    predictor, trials = np.array([-1.0, 0.4, 2.0]), np.array([1, 7, 40])
    degree, selection = (predictor, None) if name == "normal" else (None, predictor)
    rows = [None if x is None else np.tile(x, (draws, 1)) for x in (degree, selection)]
    if name.startswith("bern") or name == "normal":
        trials = None
    drawn = family.draw(np.random.default_rng(1), *rows, np.full((draws, 1), 0.6), trials)
    assert drawn.shape == (draws, 3)
    mean = family.mean(degree, selection, 0.6, trials)
    variance = family.variance(degree, selection, 0.6, trials)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 4.5 * np.sqrt(variance / draws))
    squares = (drawn - mean) ** 2
    error = squares.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 4.5 * error)


def test_limits():
    # a tie is a success of one trial, and without a dispersion a beta-binomial is binomial
    at = (None, PREDICTOR)
    one = np.ones(6, dtype=int)
    np.testing.assert_allclose(
        FAMILIES["bernoulli"].log_prob(TIES, *at, None),
        FAMILIES["betabinomial"].log_prob(TIES, *at, 3.0, one),
        rtol=1e-13,
    )
    np.testing.assert_allclose(
        FAMILIES["betabinomial"].log_prob(SUCCESSES, *at, 1e-11, TRIALS),
        FAMILIES["binomial"].log_prob(SUCCESSES, *at, None, TRIALS),
        atol=1e-4,
    )


@pytest.mark.parametrize("step", [1e-8, 1e-3, 1.0, 1e4])
@pytest.mark.parametrize("start", [1e-12, 0.02, 1.0])
def test_long_sums_keep_their_precision(start, step):
    number = np.array([1, 31, 32, 33, 500, 10**6])
    expected = [math.fsum(np.log(start + np.arange(n) * step)) for n in number]
    found = log_rising_from(np.full(6, np.log(start)), number, step, 10**6, NUMPY)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.fixture(scope="module")
def gradients():
    """Compile log-probability and gradients of every family of trials."""
    predictor, log_dispersion = pt.dvector(), pt.dscalar()
    compiled = {}
    for name in OF_TRIALS:
        successes, trials = data_of(name)
        family = FAMILIES[name]
        inputs = [predictor, *([log_dispersion] if family.scale else [])]
        arguments = None, predictor, pt.exp(log_dispersion), trials
        value = family.log_prob(successes, *arguments, xp=pytensor_arrays())
        compiled[name] = function(
            [predictor, log_dispersion],
            [value, *grad(value.sum(), inputs)],
            on_unused_input="ignore",
        )
    return compiled


@pytest.mark.parametrize("name", OF_TRIALS)
def test_nothing_is_nan_at_the_extremes(gradients, name):
    for predictor in EXTREMES:
        for dispersion in (1e-8, 1.0, 1e4):
            value, *slopes = gradients[name](np.full(6, predictor), np.log(dispersion))
            assert not np.isnan(value).any()
            assert np.all(value <= 1e-9)
            for slope in slopes:
                assert np.isfinite(slope).all(), (predictor, dispersion)


def test_the_other_direction_is_found_and_conditioned_on():
    sender, receiver = np.array(list("abac")), np.array(list("bacb"))
    other = other_direction(sender, receiver)
    assert other.tolist() == [1, 0, -1, -1]
    mean, sd, rho, y = np.array([1.0, 2.0, 3.0, 4.0]), 0.7, -0.6, np.array([0.5, 3.0, 2.0, 5.0])
    follows = np.array([False, True, False, False])
    given = given_other(mean, sd, rho, (y - mean)[other], follows, NUMPY)
    found = FAMILIES["normal"].log_prob(y, given[0], None, given[1])
    covariance = sd**2 * np.array([[1, rho], [rho, 1]])
    both = stats.multivariate_normal(mean[:2], covariance).logpdf(y[:2])
    assert found[:2].sum() == pytest.approx(both, rel=1e-13)
    np.testing.assert_allclose(found[2:], stats.norm(mean[2:], sd).logpdf(y[2:]))


def test_draws_of_both_directions_correlate():
    other = np.array([1, 0, -1])
    drawn = correlated_draw(
        np.random.default_rng(2), np.zeros((200_000, 3)), np.array(2.0), np.array(0.7), other
    )
    np.testing.assert_allclose(np.cov(drawn.T), [[4, 2.8, 0], [2.8, 4, 0], [0, 0, 4]], atol=0.05)
