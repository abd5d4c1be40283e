"""A stored fit is ArviZ's: its functions take the file as it is."""

import warnings

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from analysis import load
from analysis.posterior.main_parameters import main_parameters
from data.guangdong import FOLDER

MAIN = ["degree_coef", "degree_sender_sd", "dispersion"]


@pytest.fixture(scope="module")
def path(sampled):
    """Give the file of a fit, which `interlocal sample` wrote."""
    return sampled[0] / "guangdong" / "default" / "zinb_srm.nc"


@pytest.fixture(scope="module")
def fit(path):
    """Open the file as anybody would, without this package."""
    with az.from_netcdf(path, engine="h5netcdf") as tree:
        yield tree


@pytest.fixture(scope="module")
def loo(fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some Pareto k are high, which ArviZ warns of
        return az.loo(fit, pointwise=True)


@pytest.fixture(autouse=True)
def closed():
    """Close what is drawn."""
    yield
    plt.close("all")


# as anybody would call them on a fit: the function, and what it takes beside the fit
STATISTICS = [
    *((function, {}) for function in (az.summary, az.rhat, az.ess, az.mcse, az.hdi, az.eti)),
    *((function, {}) for function in (az.bfmi, az.loo_pit, az.psense, az.metrics)),
    (az.diagnose, {"show_diagnostics": False}),
    (az.extract, {"num_samples": 10}),
    (az.psense_summary, {"var_names": MAIN}),
]
PLOTS = [
    (az.plot_dist, {"var_names": MAIN}),
    (az.plot_trace, {"var_names": MAIN}),
    (az.plot_trace_dist, {"var_names": MAIN}),
    (az.plot_rank, {"var_names": MAIN}),
    (az.plot_rank_dist, {"var_names": MAIN}),
    (az.plot_autocorr, {"var_names": ["dispersion"]}),
    (az.plot_ess, {"var_names": MAIN}),
    (az.plot_mcse, {"var_names": MAIN}),
    (az.plot_forest, {"var_names": MAIN}),
    (az.plot_ridge, {"var_names": MAIN}),
    (az.plot_pair, {"var_names": ["degree_coef"]}),
    (az.plot_parallel, {"var_names": MAIN}),
    (az.plot_prior_posterior, {"var_names": MAIN}),
    (az.plot_psense_dist, {"var_names": MAIN}),
    (az.plot_psense_quantities, {"var_names": MAIN}),
    (az.plot_ppc_dist, {"kind": "ecdf"}),
    (az.plot_ppc_tstat, {"t_stat": "mean"}),
    *((function, {}) for function in (az.plot_energy, az.plot_convergence_dist, az.plot_loo_pit)),
    *((function, {}) for function in (az.plot_ppc_pit, az.plot_ppc_rootogram)),
    *((function, {}) for function in (az.plot_ppc_interval, az.plot_ppc_pava)),
]


@pytest.mark.parametrize(("function", "settings"), STATISTICS)
def test_arviz_computes(function, settings, fit):
    assert function(fit, **settings) is not None


@pytest.mark.parametrize(("function", "settings"), PLOTS)
def test_arviz_draws(function, settings, fit):
    assert isinstance(function(fit, **settings), az.PlotCollection)


def test_arviz_leaves_out_and_draws_pareto_k(fit, loo):
    assert loo.n_data_points == 420
    assert loo.pareto_k.dims == ("dyad",)
    assert isinstance(az.plot_khat(loo), az.PlotCollection)


def test_arviz_compares_stored_fits(path, fit, tmp_path):
    twice = {"one": fit, "other": load(FOLDER, "zinb_srm", results=path.parents[2])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = az.compare(twice)
    assert table["elpd_diff"].tolist() == [0, 0]
    assert isinstance(az.plot_compare(table), az.PlotCollection)


def test_its_numbers_are_ours(fit, loo):
    draws = main_parameters(fit).sel(parameter="degree sender sd")
    table = az.summary(fit, var_names=["degree_sender_sd"], round_to="none", fmt="wide")
    assert table["mean"].item() == pytest.approx(float(draws.mean()))
    # ArviZ divides both by their own number of terms
    assert float(az.bfmi(fit)["energy"].min()) == pytest.approx(fit.attrs["min_bfmi"], rel=2e-3)
    rhat = az.rhat(fit)
    worst = max(float(values.max()) for values in rhat.data_vars.values())
    assert worst == pytest.approx(fit.attrs["max_r_hat"], abs=2e-3)
    assert np.isfinite(loo.elpd)


def test_groups_have_the_names_that_arviz_knows(fit):
    assert set(fit.children) == {
        *("posterior", "sample_stats", "prior", "prior_predictive", "posterior_predictive"),
        *("log_likelihood", "log_prior", "observed_data", "constant_data"),
    }
    for group in ("posterior", "prior", "posterior_predictive", "log_likelihood", "log_prior"):
        variables = fit[group].data_vars.values()
        assert all(values.dims[:2] == ("chain", "draw") for values in variables), group
    assert isinstance(fit, xr.DataTree)
