"""Tests of the dispersion, the inflation and the parts against written-out forms."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from models import maximum_likelihood, simulate_study
from models.frequentist.fit import fit_regression, regression
from models.frequentist.ratios import likelihood_tests
from models.frequentist.regression import Regression


@pytest.fixture(scope="module")
def study():
    """Give a simulated study of 420 dyads."""
    return simulate_study(21, "zinb_pooled", seed=3)[0]


def found_in(study, family, fit):
    return likelihood_tests(regression(study, family), fit.pointwise.to_numpy())


def test_dispersion_has_half_its_mass_at_zero(study):
    zinb, zip_ = (maximum_likelihood(study, f"{family}_pooled") for family in ("zinb", "zip"))
    row = found_in(study, "zinb", zinb).loc["LR dispersion"]
    ratio = 2 * (zinb.log_likelihood - zip_.log_likelihood)
    assert row["statistic"] == pytest.approx(ratio, abs=1e-6)
    assert row["p"] == pytest.approx(chi2.sf(ratio, 1) / 2, rel=1e-6)


def test_parts_are_tested_against_their_intercepts(study):
    data = regression(study, "zinb")
    fit = fit_regression(data, {"model": "zinb_pooled", "title": ""})
    for part in ("selection", "degree"):
        without = {**data.designs, part: data.designs[part][[]]}
        smaller = fit_regression(
            Regression("zinb", data.outcome, without, data.offset), {"model": "", "title": ""}
        )
        row = found_in(study, "zinb", fit).loc[f"LR {part}"]
        ratio = 2 * (fit.log_likelihood - smaller.log_likelihood)
        assert row["statistic"] == pytest.approx(ratio, abs=1e-6)
        assert row["df"] == 2
        assert row["p"] == pytest.approx(chi2.sf(ratio, 2), rel=1e-6)


def test_vuong_is_its_formula(study):
    zinb, nb = (maximum_likelihood(study, f"{family}_pooled") for family in ("zinb", "nb"))
    m = (zinb.pointwise - nb.pointwise).to_numpy()
    n, more = m.size, 3  # an intercept and two coefficients
    for name, less in (("raw", 0), ("AIC", more), ("BIC", more * np.log(n) / 2)):
        z = (m.sum() - less) / (np.sqrt(n) * m.std(ddof=1))
        row = found_in(study, "zinb", zinb).loc[f"Vuong {name}"]
        assert row["statistic"] == pytest.approx(z, rel=1e-9)
        assert row["p"] == pytest.approx(norm.sf(abs(z)), rel=1e-9)
        assert row["meaning"] == f"favours {'zinb' if z > 0 else 'nb'}"


def test_a_ratio_is_never_negative():
    study, _ = simulate_study(12, "poisson_pooled", seed=7)
    fit = maximum_likelihood(study, "nb_pooled")
    row = found_in(study, "nb", fit).loc["LR dispersion"]
    assert row["statistic"] >= 0
    assert 0 <= row["p"] <= 1


def test_a_family_at_its_limit_is_not_held_against_it():
    rng = np.random.default_rng(8)
    count = np.where(rng.random(600) < 0.02, 0, 1 + rng.negative_binomial(2, 0.3, 600))
    empty = pd.DataFrame(index=range(600))
    data = Regression("zinb", count, {"selection": empty, "degree": empty}, np.zeros(600))
    fit = fit_regression(data, {"model": "zinb_pooled", "title": ""})
    found = likelihood_tests(data, fit.pointwise.to_numpy())
    assert fit.flags
    assert not found.index.str.startswith("Vuong").any()
