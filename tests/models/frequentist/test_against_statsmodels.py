"""Our maxima where statsmodels' own likelihoods have theirs, in its signs and its constants."""

from dataclasses import replace

import numpy as np
import pytest
from in_statsmodels import MODELS, model_of, parameters_of

from models import maximum_likelihood, simulate_study
from models.frequentist.fit import fit_regression
from models.frequentist.regression import regression
from models.simulation.simulate import TRUTH

STEP = 1e-5  # of differences, in standard deviations of a predictor


def with_exposure(family):
    """Give a simulated regression whose exposures differ."""
    data = regression(simulate_study(30, f"{family}_pooled", seed=5)[0], family)
    exposure = np.random.default_rng(5).uniform(0.5, 5, data.outcome.size)
    return replace(data, offset=np.log(exposure))


def errors_by_differences(model, at, scales):
    """Give the standard errors that follow from differences of statsmodels' score.

    Its own Hessian will not do: for `ZeroInflatedPoisson` the mixed derivatives lack a factor
    (30 % of a standard error), for the negative binomial its steps do not follow the scales.
    """
    moves = np.diag(STEP / scales)
    hessian = np.array([model.score(at + move) - model.score(at - move) for move in moves])
    hessian /= 2 * STEP / scales[:, None]
    return np.sqrt(np.diag(np.linalg.inv(-(hessian + hessian.T) / 2)))


@pytest.mark.parametrize("family", MODELS)
def test_the_likelihood_is_the_same_and_its_score_zero(guangdong, family):
    fit = maximum_likelihood(guangdong, f"{family}_pooled")
    data = regression(guangdong, family)
    model, at = model_of(data), parameters_of(fit)
    assert model.loglike(at) == pytest.approx(fit.log_likelihood, abs=1e-6)
    assert np.abs(model.score(at)).max() < 1e-5
    assert fit.aic == pytest.approx(2 * at.size - 2 * model.loglike(at), abs=1e-6)
    assert fit.bic == pytest.approx(at.size * np.log(420) - 2 * model.loglike(at), abs=1e-6)
    ours, errors = fit.standard_errors(), errors_by_differences(model, at, data.scales)
    coefs = ours.index.str.contains("_coef[", regex=False)
    assert ours[coefs].to_numpy() == pytest.approx(errors[coefs], rel=1e-4)
    if "log_dispersion" in ours:  # the delta method
        assert errors[-1] == pytest.approx(ours["log_dispersion"] * at[-1], rel=1e-4)


@pytest.mark.parametrize("family", MODELS)
def test_the_linear_predictors_are_ours_up_to_the_sign_of_inflation(family):
    data = with_exposure(family)
    fit = fit_regression(data, {"model": family})
    model, at = model_of(data), parameters_of(fit)
    estimates = fit.parameters.to_series()

    def predictor(part):
        X = data.designs[part]
        coefs = estimates[[f"{part}_coef[{term}]" for term in X]].to_numpy()
        return estimates[f"{part}_intercept"] + (X - X.mean()).to_numpy() @ coefs

    mu = np.exp(predictor("degree") + data.offset - data.offset.mean())
    assert model.loglike(at) == pytest.approx(fit.log_likelihood, rel=1e-9)
    if "selection" in data.designs:
        eligible = 1 / (1 + np.exp(-predictor("selection")))
        assert model.predict(at, which="mean-main") == pytest.approx(mu, rel=1e-9)
        assert model.predict(at, which="prob-main") == pytest.approx(eligible, rel=1e-9)
    else:
        assert model.predict(at) == pytest.approx(mu, rel=1e-9)


def test_zero_inflated_poisson_errors_are_the_curvature_of_its_likelihood():
    truth = {**TRUTH, "degree_intercept": -0.5, "selection_intercept": 0.5}
    data = regression(simulate_study(30, "zip_pooled", seed=3, truth=truth)[0], "zip")
    fit = fit_regression(data, {"model": "zip"})
    model, at, step = model_of(data), parameters_of(fit), 1e-3
    hessian = np.empty((at.size, at.size))
    moves = step * np.eye(at.size)
    for j, a in enumerate(moves):
        for k, b in enumerate(moves):
            corners = [(a + b, 1), (a - b, -1), (b - a, -1), (-a - b, 1)]
            total = sum(sign * model.loglike(at + move) for move, sign in corners)
            hessian[j, k] = total / (4 * step**2)
    expected = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    coefs = fit.parameters.to_series().index.str.contains("_coef[", regex=False)
    assert fit.standard_errors()[coefs].to_numpy() == pytest.approx(expected[coefs], rel=1e-3)


@pytest.mark.parametrize("family", MODELS)
def test_the_unit_of_a_predictor_changes_its_coefficient_only(family):
    data = with_exposure(family)
    designs = {part: X.assign(near=X["near"] * 1e6) for part, X in data.designs.items()}
    one = fit_regression(data, {"model": family})
    other = fit_regression(replace(data, designs=designs), {"model": family})
    unit = np.where([name.endswith("[near]") for name in data.names], 1e-6, 1.0)
    np.testing.assert_allclose(other.parameters / unit, one.parameters, rtol=1e-5)
    np.testing.assert_allclose(other.standard_errors() / unit, one.standard_errors(), rtol=1e-5)
