"""Fits too large to hold a value for every draw and dyad."""

import arviz as az
import numpy as np
import pytest
import xarray as xr

import models.inference.predictive
import models.inference.sample
from analysis.checks.replicated import predicted_mean, replicated_outcomes
from models import sample
from models.leave_out.loo import psis

pytestmark = pytest.mark.slow

HOW = {"draws": 60, "tune": 200, "chains": 2, "seed": 3, "progress": False}


@pytest.mark.filterwarnings("ignore::models.inference.sample.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_a_large_fit_keeps_fewer_counts_and_computes_the_log_likelihood(guangdong, monkeypatch):
    whole = sample(guangdong, "poisson_crossed", **HOW)
    monkeypatch.setattr(models.inference.sample, "KEPT", 420 * 120 - 1)
    monkeypatch.setattr(models.inference.predictive, "REPLICATED", 420 * 50)
    large = sample(guangdong, "poisson_crossed", **HOW)
    assert "log_likelihood" in whole.children
    assert "log_likelihood" not in large.children
    # 120 draws of 420 counts, of which 50 may be kept: every third
    counts = large["posterior_predictive"]["outcome"]
    assert counts["draw"].to_numpy().tolist() == list(range(0, 60, 3))
    assert large["prior_predictive"].sizes["draw"] == 50  # of 1000, every 20th
    np.testing.assert_allclose(psis(large, "dyad").elpd_i, az.loo(whole).elpd_i, atol=1e-8)
    # replicated means have the posterior's: of 40 and of 120 draws, within Monte Carlo error
    both = [fit["posterior_predictive"]["outcome"] for fit in (large, whole)]
    error = xr.concat(both, "draw", join="outer").std(("chain", "draw")) / np.sqrt(40)
    z = (predicted_mean(large) - predicted_mean(whole)) / error.to_numpy()
    assert abs(z).max() < 5
    assert replicated_outcomes(large).sizes == {"draw": 40, "dyad": 420}
