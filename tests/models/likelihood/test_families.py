"""Families against SciPy, against their definitions and against each other."""

import numpy as np
import pytest
from pytensor import function, grad
from pytensor import tensor as pt
from scipy import stats

from data.outcomes import COUNT
from models.likelihood.arrays import pytensor_arrays
from models.likelihood.families import FAMILIES as BUILT_IN

FAMILIES = {name: family for name, family in BUILT_IN.items() if family.outcome is COUNT}
DEGREE = np.array([-3.0, -0.5, 0.0, 1.2, 2.5, 4.0])
SELECTION = np.array([-2.0, 0.3, 5.0, -0.4, 1.0, 0.0])
COUNT = np.array([0, 1, 0, 7, 40, 130])
PSI = 1 / (1 + np.exp(-SELECTION))
EXTREMES = [-700.0, -30.0, 0.0, 30.0, 700.0]


def scipys(name, degree, psi, dispersion):
    """Give pmf, mean and variance of a family, from SciPy's distributions and the definitions."""
    mu = np.exp(degree)
    counts = stats.poisson(mu)
    if "nb" in name:
        counts = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mu))
    share = psi
    if name in ("poisson", "nb"):
        share = np.ones_like(mu)
    if name.startswith("hurdle"):
        share = psi / counts.sf(0)  # of the whole distribution, zeros left out
    mean = share * counts.mean()
    variance = share * (counts.var() + counts.mean() ** 2) - mean**2

    def pmf(count):
        zero = 1 - psi if name.startswith("hurdle") else 1 - share + share * counts.pmf(0)
        return np.where(count == 0, zero, share * counts.pmf(count))

    return pmf, mean, variance


@pytest.mark.parametrize("dispersion", [0.05, 0.9, 4.0])
@pytest.mark.parametrize("name", FAMILIES)
def test_family_is_scipys(name, dispersion):
    family = FAMILIES[name]
    pmf, mean, variance = scipys(name, DEGREE, PSI, dispersion)
    at = (DEGREE, SELECTION, dispersion)
    expected = np.log(pmf(COUNT))
    np.testing.assert_allclose(family.log_prob(COUNT, *at), expected, rtol=1e-10)
    np.testing.assert_allclose(family.p_zero(*at), pmf(np.zeros(6)), rtol=1e-10)
    np.testing.assert_allclose(family.mean(*at, None), mean, rtol=1e-10)
    np.testing.assert_allclose(family.variance(*at, None), variance, rtol=1e-10)


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_have_the_mean_variance_and_zeros_of_the_family(name):
    family, draws, dispersion = FAMILIES[name], 200_000, 0.6
    degree, selection = np.array([-1.0, 0.5, 2.0]), np.array([-1.0, 0.4, 2.0])
    # one row of parameters a draw, as in a posterior
    counts = family.draw(
        np.random.default_rng(1),
        np.tile(degree, (draws, 1)),
        np.tile(selection, (draws, 1)),
        np.full((draws, 1), dispersion),
        None,
    )
    assert counts.shape == (draws, 3)
    pmf, mean, variance = scipys(name, degree, 1 / (1 + np.exp(-selection)), dispersion)
    assert np.all(np.abs(counts.mean(axis=0) - mean) < 4.5 * np.sqrt(variance / draws))
    squares = (counts - mean) ** 2
    error = squares.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 4.5 * error)
    for count in (0, 1, 5):
        p = pmf(np.full(3, count))
        error = np.sqrt(p * (1 - p) / draws)
        assert np.all(np.abs((counts == count).mean(axis=0) - p) < 4.5 * error)


@pytest.mark.parametrize("name", FAMILIES)
def test_dyads_that_are_all_zeros(name):
    # as of a unit that is left out; one row of parameters a draw
    family, degree = FAMILIES[name], np.array([[0.3, -1.0], [1.0, 2.0]])
    at = (degree, degree - 0.5, np.array([[0.4], [2.0]]))
    found = family.log_prob(np.zeros(2, dtype=np.int64), *at)
    np.testing.assert_allclose(found, np.log(family.p_zero(*at)), rtol=1e-14)


def test_limits():
    nb, zinb, zip_, poisson = (FAMILIES[name] for name in ("nb", "zinb", "zip", "poisson"))
    certain = np.full_like(DEGREE, 50.0)
    np.testing.assert_allclose(
        zinb.log_prob(COUNT, DEGREE, certain, 0.7), nb.log_prob(COUNT, DEGREE, None, 0.7), 1e-12
    )
    np.testing.assert_allclose(
        zip_.log_prob(COUNT, DEGREE, certain, None), poisson.log_prob(COUNT, DEGREE, None, None)
    )
    # NB and Poisson differ by about dispersion (y - mu)^2 / 2
    np.testing.assert_allclose(
        zinb.log_prob(COUNT, DEGREE, SELECTION, 1e-12),
        zip_.log_prob(COUNT, DEGREE, SELECTION, None),
        rtol=1e-8,
    )


def test_hurdle_is_the_positive_part_of_zinb_up_to_normalisation():
    at, positive = (DEGREE, SELECTION, 0.8), np.array([1, 2, 3, 7, 40, 130])
    difference = FAMILIES["hurdle_nb"].log_prob(positive, *at) - FAMILIES["zinb"].log_prob(
        positive, *at
    )
    p_zero = FAMILIES["nb"].p_zero(DEGREE, None, 0.8)
    np.testing.assert_allclose(difference, -np.log1p(-p_zero), atol=1e-11)


@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 1.0, 1e4])
def test_large_counts_keep_their_precision(dispersion):
    # sum log(1 + k dispersion), term by term, is what log-gamma differences lose
    count = np.array([999, 1000, 1001, 50_000, 10**6])
    degree = np.full(5, 9.0)
    rising = [np.log1p(dispersion * np.arange(y)).sum() for y in count]
    log_odds = 9.0 + np.log(dispersion)
    rest = count * 9.0 - (count + 1 / dispersion) * np.logaddexp(0, log_odds)
    factorial = [np.log(np.arange(1, y + 1)).sum() for y in count]
    np.testing.assert_allclose(
        FAMILIES["nb"].log_prob(count, degree, None, dispersion),
        rising + rest - factorial,
        rtol=1e-9,
    )


@pytest.fixture(scope="module")
def gradients():
    """Compile log-probability and gradients of every family, for four counts."""
    count = np.array([0, 1, 37, 10**6])
    degree, selection, log_dispersion = pt.dvector(), pt.dvector(), pt.dscalar()
    compiled = {}
    for name, family in FAMILIES.items():
        inputs = [degree]
        inputs += [selection] if "selection" in family.parts else []
        inputs += [log_dispersion] if family.scale else []
        value = family.log_prob(
            count, degree, selection, pt.exp(log_dispersion), xp=pytensor_arrays()
        )
        outputs = [value, *grad(value.sum(), inputs)]
        compiled[name] = function(
            [degree, selection, log_dispersion], outputs, on_unused_input="ignore"
        )
    return compiled


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_is_nan_at_the_extremes(gradients, name):
    for degree in EXTREMES:
        for selection in EXTREMES:
            for dispersion in (1e-8, 1.0, 1e4):
                at = (np.full(4, degree), np.full(4, selection), np.log(dispersion))
                value, *slopes = gradients[name](*at)
                assert not np.isnan(value).any()
                assert np.all(value <= 1e-9)
                for slope in slopes:
                    assert np.isfinite(slope).all(), (at, slopes)


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_central_differences(gradients, name):
    rng, step = np.random.default_rng(4), 1e-4
    for _ in range(20):
        at = [rng.normal(1, 2, 4), rng.normal(0, 2, 4), rng.normal(0, 1)]
        _, *slopes = gradients[name](*at)
        family = FAMILIES[name]
        moved = [0]
        moved += [1] if "selection" in family.parts else []
        moved += [2] if family.scale else []
        for which, slope in zip(moved, slopes, strict=True):
            up, down = list(at), list(at)
            up[which], down[which] = at[which] + step, at[which] - step
            change = (gradients[name](*up)[0] - gradients[name](*down)[0]) / (2 * step)
            expected = change.sum() if which == 2 else change
            # a log-probability of 1e7 is rounded at 2e-9, its difference at 1e-5
            np.testing.assert_allclose(np.sum(slope) if which == 2 else slope, expected, 1e-6, 1e-4)
