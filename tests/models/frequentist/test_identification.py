"""What the data do not determine is named, and has no standard error."""

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.maximum_likelihood import inflation_state
from models.frequentist.fit import fit_regression
from models.frequentist.regression import Regression
from models.frequentist.table import frequentist_table

N = 600


def fitted(family, count, selection=None, degree=None):
    """Fit counts with the predictors that are given."""
    empty = pd.DataFrame(index=range(len(count)))
    designs = {"selection": empty if selection is None else selection}
    designs["degree"] = empty if degree is None else degree
    data = Regression(family, count, designs, np.zeros(len(count)))
    return fit_regression(data, {"model": f"{family}_pooled", "title": "made up"})


@pytest.fixture
def rng():
    """Give a seeded generator."""
    return np.random.default_rng(8)


def test_a_family_never_fits_worse_than_its_limits(rng):
    count = rng.negative_binomial(2, 0.3, N)
    X = pd.DataFrame({"x": rng.normal(size=N)})
    fits = {f: fitted(f, count, X, X).log_likelihood for f in ("poisson", "nb", "zip", "zinb")}
    assert fits["zinb"] >= max(fits["nb"], fits["zip"]) - 1e-6
    assert min(fits["nb"], fits["zip"]) >= fits["poisson"] - 1e-6


def test_fewer_zeros_than_the_negative_binomial_expects(rng):
    count = np.where(rng.random(N) < 0.02, 0, 1 + rng.negative_binomial(2, 0.3, N))
    fit = fitted("zinb", count)
    assert inflation_state(fit).startswith("inflation not identified: the nb fits as well")
    errors = fit.standard_errors()
    assert np.isnan(errors["selection_intercept"])
    nb = fitted("nb", count)
    assert fit.log_likelihood == pytest.approx(nb.log_likelihood, abs=1e-5)
    np.testing.assert_allclose(errors.drop("selection_intercept"), nb.standard_errors(), rtol=1e-5)
    table = frequentist_table(fit, "information")
    unknown = table.loc[("selection", "intercept"), ["se_information", "z", "p", "lower", "ratio"]]
    assert unknown.isna().all()


def test_counts_that_vary_less_than_poisson_ones(rng):
    count = rng.binomial(10, 0.6, N)
    fit = fitted("nb", count)
    assert fit.flags[0].startswith("the dispersion is at its boundary, 0: the poisson fits as well")
    poisson = fitted("poisson", count)
    assert fit.log_likelihood == pytest.approx(poisson.log_likelihood, abs=1e-5)
    errors = fit.standard_errors()
    assert np.isnan(errors["log_dispersion"])
    # closed form: the log of a Poisson mean has the standard error 1 / sqrt(n mean)
    assert errors["degree_intercept"] == pytest.approx(1 / np.sqrt(N * count.mean()), rel=1e-6)


def test_zeros_that_a_predictor_separates(rng):
    group = np.repeat([0.0, 1.0], N // 2)
    count = np.where(group == 1, 0, rng.negative_binomial(2, 0.3, N))
    fit = fitted("hurdle_nb", count, selection=pd.DataFrame({"group": group}))
    assert any("separation in the selection part" in flag and "group" in flag for flag in fit.flags)
    errors = fit.standard_errors()
    assert np.isnan(errors["selection_coef[group]"])
    assert np.isfinite(errors["degree_intercept"])


def test_a_group_without_counts_separates_the_degree_part(rng):
    group = np.repeat([0.0, 1.0], N // 2)
    count = np.where(group == 1, 0, rng.poisson(3, N))
    fit = fitted("poisson", count, degree=pd.DataFrame({"group": group}))
    assert any("separation in the degree part" in flag and "group" in flag for flag in fit.flags)
    assert np.isnan(fit.standard_errors()["degree_coef[group]"])


def test_positive_counts_more_skewed_than_a_log_series(rng):
    # beyond its limit, the log series, the truncated negative binomial has no more to give
    count = np.where(rng.random(N) < 0.5, 0, np.where(rng.random(N) < 0.9, 1, 60))
    fit = fitted("hurdle_nb", count)
    assert any("dispersion runs to infinity" in flag for flag in fit.flags)
    assert fit.standard_errors()[["degree_intercept", "log_dispersion"]].isna().all()


def test_a_proper_maximum_has_no_flags(rng):
    x = rng.normal(size=N)
    eligible = rng.random(N) < 1 / (1 + np.exp(-0.5 - x))
    count = np.where(eligible, rng.negative_binomial(3, 0.3, N), 0)
    fit = fitted("zinb", count, selection=pd.DataFrame({"x": x}))
    assert fit.flags == ()
    assert "Inflation is identified at the maximum" in inflation_state(fit)
    assert fit.standard_errors().notna().all()
