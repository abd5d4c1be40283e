"""Maximum likelihood against published estimates and other software's."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis.chapters.maximum_likelihood import inflation_state
from models.frequentist.fit import fit_regression
from models.frequentist.ratios import likelihood_tests
from models.frequentist.regression import Regression
from models.frequentist.table import SIGN, frequentist_table

# pscl 1.5.5 and MASS 7.3-58 on bioChemists
LOG_LIKELIHOOD = {
    "poisson": -1651.0563,
    "nb": -1560.9583,
    "zip": -1604.7729,
    "zinb": -1549.9909,
    "hurdle_nb": -1552.5966,
}
EXPECTED_ZEROS = {"poisson": 191.42, "nb": 277.79, "zinb": 285.43}
COUNT = {
    "fem": (-0.195508, 0.075593),
    "mar": (0.097583, 0.084452),
    "kid5": (-0.151732, 0.054206),
    "phd": (-0.000700, 0.036270),
    "ment": (0.024786, 0.003493),
}
INFLATION = {
    "fem": (0.635870, 0.848896),
    "mar": (-1.499437, 0.938656),
    "kid5": (0.628409, 0.442775),
    "phd": (-0.037733, 0.308006),
    "ment": (-0.882274, 0.316219),
}
CONSTANTS = {"degree": (0.416747, 0.143596), "selection": (0.191606, 1.3228)}


@pytest.fixture(scope="module")
def biochemists(shared):
    """Give the counts of articles and the five predictors."""
    table = pd.read_csv(shared / "biochemists.csv")
    X = table[["kid5", "phd", "ment"]].astype(float)
    X.insert(0, "fem", (table["fem"] == "Women").astype(float))
    X.insert(1, "mar", (table["mar"] == "Married").astype(float))
    return table["art"].to_numpy(), X


def fitted(counts, predictors, family, selection=None):
    selection = predictors if selection is None else selection
    designs = {"selection": selection, "degree": predictors}
    data = Regression(family, counts, designs, np.zeros(len(counts)))
    return data, fit_regression(data, {"model": f"{family}_pooled", "title": "bioChemists"})


@pytest.mark.parametrize("family", LOG_LIKELIHOOD)
def test_log_likelihoods_are_pscls(biochemists, family):
    _, fit = fitted(*biochemists, family)
    assert fit.log_likelihood == pytest.approx(LOG_LIKELIHOOD[family], abs=1e-3)
    assert fit.flags == ()
    assert fit.gradient_norm < 1e-6
    if family in EXPECTED_ZEROS:
        assert fit.expected_zeros == pytest.approx(EXPECTED_ZEROS[family], abs=0.01)


def test_zinb_estimates_and_standard_errors_are_pscls(biochemists):
    _, fit = fitted(*biochemists, "zinb")
    table = frequentist_table(fit, "information")
    rows = {("degree", term): values for term, values in COUNT.items()}
    rows |= {("selection", term): (-b, se) for term, (b, se) in INFLATION.items()}
    rows |= {(part, "constant"): values for part, values in CONSTANTS.items()}
    for row, (estimate, error) in rows.items():
        assert table.loc[row, "estimate"] == pytest.approx(estimate, abs=1e-3), row
        assert table.loc[row, "se_information"] == pytest.approx(error, rel=0.01), row
    for term, (estimate, _) in INFLATION.items():
        assert table.loc[("selection", term), SIGN] == pytest.approx(estimate, abs=1e-3)
    log_theta = -table.loc[("dispersion", "log dispersion"), "estimate"]
    assert np.exp(log_theta) == pytest.approx(2.65477, abs=1e-3)
    error = table.loc[("dispersion", "log dispersion"), "se_information"]
    assert error == pytest.approx(0.135470, rel=0.01)


def test_constant_inflation_is_reported_as_not_identified(biochemists):
    counts, X = biochemists
    _, fit = fitted(counts, X, "zinb", X[[]])
    assert fit.log_likelihood == pytest.approx(-1560.9585, abs=1e-3)
    assert "inflation not identified: the nb fits as well" in inflation_state(fit)
    errors = fit.standard_errors()
    assert np.isnan(errors["selection_intercept"])
    _, nb = fitted(counts, X, "nb")
    # with the inflation gone, the rest is the negative binomial
    expected = nb.standard_errors()
    np.testing.assert_allclose(errors[expected.index], expected, rtol=1e-4)


def test_vuong_has_three_answers(biochemists):
    data, fit = fitted(*biochemists, "zinb")
    found = likelihood_tests(data, fit.pointwise.to_numpy())
    # the reference tests NB against ZINB: the signs are the opposite
    for name, z, p in (("raw", 2.24, 0.012), ("AIC", 1.02, 0.155), ("BIC", -1.94, 0.026)):
        assert found.loc[f"Vuong {name}", "statistic"] == pytest.approx(z, abs=0.006)
        assert found.loc[f"Vuong {name}", "p"] == pytest.approx(p, abs=6e-4)
    # LR of the dispersion: twice the difference of the published log-likelihoods
    ratio = 2 * (LOG_LIKELIHOOD["zinb"] - LOG_LIKELIHOOD["zip"])
    assert found.loc["LR dispersion", "statistic"] == pytest.approx(ratio, abs=3e-3)
    # LR of the inflation's predictors: against the intercept-only inflation
    ratio = 2 * (LOG_LIKELIHOOD["zinb"] + 1560.9585)
    assert found.loc["LR selection", "statistic"] == pytest.approx(ratio, abs=3e-3)
    assert found.loc["LR selection", "df"] == 5


def test_randhie_is_statas():
    # Stata's estimates stand in statsmodels' own tests: inflation ~ lncoins, count ~ idp
    data = sm.datasets.randhie.load_pandas()
    X = data.exog
    counts = data.endog.to_numpy().astype(int)
    designs = {"selection": X[["lncoins"]], "degree": X[["idp"]]}
    fit = fit_regression(
        Regression("zinb", counts, designs, np.zeros(len(X))),
        {"model": "zinb_pooled", "title": "randhie"},
    )
    table = frequentist_table(fit, "information")
    assert fit.log_likelihood == pytest.approx(-44077.91, abs=1e-2)
    expected = {
        ("selection", "lncoins"): -1.883859,
        ("selection", "constant"): 10.280888,
        ("degree", "idp"): -0.204769,
        ("degree", "constant"): 1.137985,
        ("dispersion", "log dispersion"): np.log(1.344457),
    }
    # relative: Stata stopped where the gradient's norm is 0.04, which is 2e-4 from the maximum
    for row, estimate in expected.items():
        assert table.loc[row, "estimate"] == pytest.approx(estimate, rel=1e-4), row
