"""The search for the maximum: against statsmodels, other seeds, and the limits of a family."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from in_statsmodels import model_of, parameters_of
from likelihoods import FAMILIES

from data import read_study
from models import maximum_likelihood, simulate_study
from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.optimum import _step, find_optimum
from models.frequentist.problem import Point
from models.frequentist.regression import regression

STUDIES = range(1, 41)
FLAT = 1e-6
SAME = 1e-6


@pytest.fixture(scope="module")
def studies():
    """Give simulated pooled studies of 21 cities."""
    return {seed: simulate_study(21, "zinb_pooled", seed=seed)[0] for seed in STUDIES}


@pytest.fixture(scope="module")
def fits(studies):
    """Give their fits."""
    return {seed: maximum_likelihood(study, "zinb_pooled") for seed, study in studies.items()}


def log_likelihoods_of_statsmodels(study, fit):
    """Search with BFGS and Newton, from statsmodels' own start and from our maximum."""
    model = model_of(regression(study, "zinb"))
    ends = []
    for method in ("bfgs", "newton"):
        for start in (None, parameters_of(fit)):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    ends.append(model.fit(start, method=method, maxiter=1000, disp=0).llf)
                except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                    ends.append(np.nan)
    return ends


def test_every_search_ends_at_a_maximum_or_names_the_boundary(fits):
    for seed, fit in fits.items():
        assert fit.gradient_norm < FLAT, seed
        curvature = np.linalg.eigvalsh(fit.covariance.sel(kind="information").fillna(1.0))
        assert curvature.min() > 0 or fit.flags, seed


def test_no_maximum_is_below_those_of_statsmodels(studies, fits):
    found = 0
    for seed, fit in fits.items():
        theirs = log_likelihoods_of_statsmodels(studies[seed], fit)
        assert np.isfinite(theirs).any(), seed
        assert fit.log_likelihood > np.nanmax(theirs) - SAME, seed
        found += bool(np.nanmax(theirs) > fit.log_likelihood - 1e-3)
    assert found == len(fits)  # they are searches of the same likelihood


def test_other_random_starts_find_the_same_maximum(studies, fits):
    for seed, study in studies.items():
        problem = regression(study, "zinb").problem
        for other in (1, 2):
            again = find_optimum(problem, seed=other).point
            assert again.value == pytest.approx(fits[seed].log_likelihood, abs=SAME), seed


@pytest.mark.parametrize("drawn", ["nb_pooled", "zinb_pooled", "poisson_pooled"])
@pytest.mark.parametrize("family", ["nb", "zip", "zinb"])
def test_a_family_fits_no_worse_than_its_limits(drawn, family):
    for seed in (1, 2, 3):
        study, _ = simulate_study(8, drawn, seed=seed)
        problem = regression(study, family).problem
        value = find_optimum(problem).point.value
        for limit in LIKELIHOODS[family].limits:
            smaller = find_optimum(replace(problem, family=limit)).point.value
            assert value > smaller - SAME


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("positive", [[1], [1, 1], [1, 2], [5000]])
def test_a_search_among_almost_only_zeros_ends(family, positive):
    # nearly every direction leads to infinity here, where the likelihood has no numbers
    study, _ = simulate_study(15, "zinb_pooled", seed=10)
    problem = regression(study, family).problem
    count = np.zeros_like(problem.outcome)
    count[: len(positive)] = positive
    start = problem.designs["degree"][:, 1]
    count = count[np.argsort(np.argsort(-start))]  # the positive counts are those of near dyads
    found = find_optimum(replace(problem, outcome=count))
    assert np.isfinite(found.point.value)
    assert found.point.value <= 0


@pytest.mark.parametrize("bend", [[1, 2, 3], [-1, 2, 3], [-3, -2, -1], [0, 1, 2]])
@pytest.mark.parametrize("slope", [[1, 1, 1], [0, 1, 1], [0, 0, 1e-9], [5, 0, 0]])
@pytest.mark.parametrize("radius", [0.1, 10.0])
def test_no_step_within_the_radius_promises_more(bend, slope, radius):
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    gradient, hessian = turn @ slope, -(turn * bend) @ turn.T
    step, promised = _step(Point(np.zeros(3), 0.0, gradient, hessian), radius)
    assert np.linalg.norm(step) < 1.1 * radius * (1 + 1e-9)
    assert promised == pytest.approx(gradient @ step + step @ hessian @ step / 2, rel=1e-6)
    others = rng.normal(size=(5000, 3))
    others *= radius * rng.random((5000, 1)) ** (1 / 3) / np.linalg.norm(others, axis=1)[:, None]
    gains = others @ gradient + np.einsum("ij,jk,ik->i", others, hessian, others) / 2
    assert promised > gains.max() * (1 - 1e-6)


@pytest.mark.parametrize("seed", [20221, 1, 2, 3, 4, 5])
def test_the_maximum_that_a_rule_of_shared_regions_hides_is_found(shared, seed):
    # glmmTMB and pscl stop at -528.7000, and reach -517.0441 from better starts; where selection
    # is a rule of shared regions and distance, the likelihood rises further, to infinity
    problem = regression(read_study(shared / "opengr" / "gelderland"), "zinb").problem
    found = find_optimum(problem, seed=seed)
    assert found.point.value > -517.0441 - 1e-4
    values = [point.value for point in found.maxima]
    for known in (-517.0441, -528.7000):
        assert any(value == pytest.approx(known, abs=1e-4) for value in values)
    assert find_optimum(replace(problem, family="zip"), seed=seed).point.value > -520.6532 - 1e-4
