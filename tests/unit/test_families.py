"""Families against SciPy and against each other."""

import numpy as np
import pytest
from scipy import stats

from models.families import FAMILIES

DEGREE = np.array([-3.0, -0.5, 0.0, 1.2, 2.5, 4.0])
SELECTION = np.array([-2.0, 0.3, 5.0, -0.4, 1.0, 0.0])
COUNT = np.array([0, 1, 0, 7, 130, 2500])


def scipy_nb(dispersion, degree=DEGREE):
    return stats.nbinom(1 / dispersion, 1 / (1 + dispersion * np.exp(degree)))


@pytest.mark.parametrize("dispersion", [0.05, 0.9, 4.0])
def test_nb_is_scipys(dispersion):
    expected = scipy_nb(dispersion)
    nb = FAMILIES["nb"]
    np.testing.assert_allclose(
        nb.log_prob(COUNT, DEGREE, None, dispersion), expected.logpmf(COUNT), rtol=1e-10
    )
    np.testing.assert_allclose(nb.p_zero(DEGREE, None, dispersion), expected.pmf(0), rtol=1e-12)
    np.testing.assert_allclose(nb.mean(DEGREE, None), expected.mean(), rtol=1e-12)


@pytest.mark.parametrize("dispersion", [0.05, 0.9, 4.0])
def test_zinb_is_a_mixture_of_scipys_nb_and_a_zero(dispersion):
    psi = 1 / (1 + np.exp(-SELECTION))
    mixture = psi * scipy_nb(dispersion).pmf(COUNT) + (1 - psi) * (COUNT == 0)
    zinb = FAMILIES["zinb"]
    actual = zinb.log_prob(COUNT, DEGREE, SELECTION, dispersion)
    seen = mixture > 0  # SciPy's pmf underflows at 2500 counts around a mean of 55
    np.testing.assert_allclose(actual[seen], np.log(mixture[seen]), rtol=1e-10)
    np.testing.assert_allclose(
        zinb.p_zero(DEGREE, SELECTION, dispersion),
        1 - psi + psi * scipy_nb(dispersion).pmf(0),
        rtol=1e-12,
    )
    np.testing.assert_allclose(zinb.mean(DEGREE, SELECTION), psi * np.exp(DEGREE), rtol=1e-12)


def test_zinb_becomes_nb_as_psi_goes_to_one():
    certain = np.full_like(DEGREE, 50.0)
    np.testing.assert_allclose(
        FAMILIES["zinb"].log_prob(COUNT, DEGREE, certain, 0.7),
        FAMILIES["nb"].log_prob(COUNT, DEGREE, None, 0.7),
        rtol=1e-12,
    )


def test_nb_becomes_poisson_as_dispersion_goes_to_zero():
    count, degree = COUNT[:5], DEGREE[:5]
    np.testing.assert_allclose(
        FAMILIES["nb"].log_prob(count, degree, None, 1e-8),
        stats.poisson(np.exp(degree)).logpmf(count),
        rtol=2e-6,  # the distance of the two distributions is of order dispersion y^2
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_have_the_mean_and_the_zeros_of_the_family(name):
    family, draws, dispersion = FAMILIES[name], 200_000, 0.6
    degree, selection = np.array([-1.0, 0.5, 2.0]), np.array([-1.0, 0.4, 2.0])
    # one row of parameters a draw, as in a posterior
    counts = family.draw(
        np.random.default_rng(1),
        np.tile(degree, (draws, 1)),
        np.tile(selection, (draws, 1)),
        np.full((draws, 1), dispersion),
    )
    assert counts.shape == (draws, 3)
    mean, p_zero = family.mean(degree, selection), family.p_zero(degree, selection, dispersion)
    error = counts.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(counts.mean(axis=0) - mean) < 4.5 * error)
    error = np.sqrt(p_zero * (1 - p_zero) / draws)
    assert np.all(np.abs((counts == 0).mean(axis=0) - p_zero) < 4.5 * error)


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_is_nan_at_the_extremes(name):
    count = np.array([0, 1, 1000, 10**6])
    for degree in (-700.0, 0.0, 300.0):
        for selection in (-700.0, 700.0):
            for dispersion in (1e-6, 1.0, 1e4):
                value = FAMILIES[name].log_prob(
                    count, np.full(4, degree), np.full(4, selection), dispersion
                )
                assert not np.isnan(value).any()
                assert np.all(value <= 1e-9)
