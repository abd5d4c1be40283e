"""The twin of a fit in statsmodels: the same maximum, in its signs and its constants."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from data.errors import ModelError
from models import maximum_likelihood, simulate_study
from models.frequentist.fit import fit_regression
from models.frequentist.regression import regression
from models.frequentist.statsmodels_twin import statsmodels_results
from models.simulation.simulate import TRUTH

FAMILIES = ["poisson", "nb", "zip", "zinb"]


@pytest.fixture(scope="module")
def fits(guangdong):
    """Give the fit of each family to Guangdong, and its twin."""
    found = {family: maximum_likelihood(guangdong, f"{family}_pooled") for family in FAMILIES}
    return {name: (fit, statsmodels_results(guangdong, fit)) for name, fit in found.items()}


def with_exposure(family, seed=5):
    """Give a simulated regression whose exposures differ."""
    data = regression(simulate_study(30, f"{family}_pooled", seed=seed)[0], family)
    exposure = np.random.default_rng(seed).uniform(0.5, 5, data.count.size)
    return replace(data, offset=np.log(exposure))


@pytest.mark.parametrize("family", FAMILIES)
def test_statsmodels_finds_the_same_likelihood_where_its_own_score_is_zero(fits, family):
    fit, twin = fits[family]
    assert twin.llf == pytest.approx(fit.log_likelihood, abs=1e-6)
    assert twin.aic == pytest.approx(fit.aic, abs=1e-6)
    assert twin.bic == pytest.approx(fit.bic, abs=1e-6)
    assert twin.converged
    assert np.abs(twin.model.score(twin.params.to_numpy())).max() < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_standard_errors_are_those_of_the_observed_information(fits, family):
    fit, twin = fits[family]
    ours = fit.standard_errors()
    for name, error in ours.items():
        if "_coef[" in name:
            part, term = name.removesuffix("]").split("_coef[")
            column = f"inflate_{term}" if part == "selection" else term
            assert twin.bse[column] == pytest.approx(error, rel=1e-4)
    if "alpha" in twin.bse:  # the delta method
        expected = ours["log_dispersion"] * twin.params["alpha"]
        assert twin.bse["alpha"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_linear_predictors_are_ours_up_to_the_sign_of_inflation(family):
    data = with_exposure(family)
    fit = fit_regression(data, {"model": family})
    twin = statsmodels_results(data, fit)
    estimates = fit.parameters.to_series()

    def predictor(part):
        X = data.designs[part]
        coefs = estimates[[f"{part}_coef[{term}]" for term in X]].to_numpy()
        return estimates[f"{part}_intercept"] + (X - X.mean()).to_numpy() @ coefs

    offset = data.offset - data.offset.mean()
    mu = np.exp(predictor("degree") + offset)
    if "selection" in data.designs:
        eligible = 1 / (1 + np.exp(-predictor("selection")))
        assert twin.predict(which="mean-main") == pytest.approx(mu, rel=1e-9)
        assert twin.predict(which="prob-main") == pytest.approx(eligible, rel=1e-9)
    else:
        assert twin.predict() == pytest.approx(mu, rel=1e-9)


def test_columns_keep_their_names_and_the_sign_turns(fits):
    fit, twin = fits["zinb"]
    estimates = fit.parameters.to_series()
    proximity = "scale(proximity)"
    assert twin.params[f"inflate_{proximity}"] == -estimates[f"selection_coef[{proximity}]"]
    assert twin.params[proximity] == estimates[f"degree_coef[{proximity}]"]
    assert twin.params["alpha"] == pytest.approx(np.exp(estimates["log_dispersion"]))
    assert list(twin.params.index[[0, 6, 12]]) == ["inflate_const", "const", "alpha"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_summary_is_that_of_statsmodels_and_survives_a_pickle(fits, family):
    _, twin = fits[family]
    text = str(pickle.loads(pickle.dumps(twin)).summary())  # noqa: S301 - just written
    assert f"{twin.llf:#.5g}" in text
    assert "scale(proximity)" in text
    assert "nan" not in text


def test_the_null_model_is_the_one_that_statsmodels_fits(fits):
    _, twin = fits["nb"]
    count = twin.model.endog
    null = sm.NegativeBinomialP(count, np.ones(count.size)).fit(disp=0)
    assert twin.llnull == pytest.approx(null.llf, abs=1e-5)


def test_zero_inflated_poisson_errors_are_the_curvature_of_its_likelihood():
    # statsmodels' own Hessian lacks P(0) in its mixed derivatives: 30 % here
    truth = {**TRUTH, "degree_intercept": -0.5, "selection_intercept": 0.5}
    study, _ = simulate_study(30, "zip_pooled", seed=3, truth=truth)
    twin = statsmodels_results(study, maximum_likelihood(study, "zip_pooled"))
    at, step = twin.params.to_numpy(), 1e-3
    hessian = np.empty((at.size, at.size))
    moves = step * np.eye(at.size)
    for j, a in enumerate(moves):
        for k, b in enumerate(moves):
            corners = [(a + b, 1), (a - b, -1), (b - a, -1), (-a - b, 1)]
            total = sum(sign * twin.model.loglike(at + move) for move, sign in corners)
            hessian[j, k] = total / (4 * step**2)
    expected = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert twin.bse.to_numpy() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_unit_of_a_predictor_changes_its_coefficient_only(family):
    data = with_exposure(family)
    designs = {part: X.assign(near=X["near"] * 1e6) for part, X in data.designs.items()}
    large = replace(data, designs=designs)
    one = statsmodels_results(data, fit_regression(data, {"model": family}))
    other = statsmodels_results(large, fit_regression(large, {"model": family}))
    unit = pd.Series(1.0, index=one.params.index)
    unit[[name for name in unit.index if name.endswith("near")]] = 1e-6
    assert (other.params / unit).to_numpy() == pytest.approx(one.params.to_numpy(), rel=1e-5)
    assert (other.bse / unit).to_numpy() == pytest.approx(one.bse.to_numpy(), rel=1e-5)


def test_what_statsmodels_cannot_do_is_refused_in_a_line(guangdong, fits):
    hurdle = maximum_likelihood(guangdong, "hurdle_nb_pooled")
    with pytest.raises(ModelError, match=r"^hurdle_nb: statsmodels has no such model"):
        statsmodels_results(guangdong, hurdle)
    plain, _ = simulate_study(20, "nb_pooled", seed=4, truth={**TRUTH, "degree_intercept": 5})
    everywhere = maximum_likelihood(plain, "zinb_pooled")
    with pytest.raises(ModelError, match=r"proper maximum; here, inflation not identified"):
        statsmodels_results(plain, everywhere)
    fit, _ = fits["nb"]
    with pytest.raises(ModelError, match="not of this study"):
        statsmodels_results(plain, fit)
    other = replace(regression(guangdong, "nb"), count=guangdong.dyads["count"].to_numpy()[::-1])
    with pytest.raises(ModelError, match="not of this study: its log-likelihood is"):
        statsmodels_results(other, fit)
    far = with_exposure("zinb")
    designs = {part: X.assign(near=X["near"] + 1e6) for part, X in far.designs.items()}
    far = replace(far, designs=designs)
    with pytest.raises(ModelError, match="write scale"):
        statsmodels_results(far, fit_regression(far, {"model": "zinb"}))
