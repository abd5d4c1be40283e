"""PSIS in blocks against arviz, and what exact refits replace."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from models.inference import pointwise
from models.inference.pointwise import total_log_likelihood
from models.leave_out.loo import high_k, in_sample, psis, with_others
from models.work.netcdf import open_tree


@pytest.fixture(scope="module")
def fit(sampled):
    """Give the fit of one model of Guangdong."""
    with open_tree(sampled[0] / "guangdong/default/zinb_srm.nc", "") as opened:
        yield opened


@pytest.mark.parametrize("block", [10**9, 4000 * 50])
@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_dyads_are_arvizs(fit, block, monkeypatch):
    monkeypatch.setattr(pointwise, "BLOCK", block)
    ours, theirs = psis(fit, "dyad"), az.loo(fit, pointwise=True)
    np.testing.assert_allclose(ours.elpd_i, theirs.elpd_i, atol=1e-8)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k, atol=1e-8)
    for figure in ("elpd", "se", "p", "good_k"):
        assert getattr(ours, figure) == pytest.approx(getattr(theirs, figure), abs=1e-8)
    labels = fit["log_likelihood"]["dyad"].to_numpy()
    assert ours.elpd_i["dyad"].to_numpy().tolist() == labels.tolist()


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_pairs_are_arvizs_on_the_joint_density(fit, monkeypatch):
    monkeypatch.setattr(pointwise, "BLOCK", 4000 * 64)
    pair = fit["constant_data"]["dyad_pair"]
    values = fit["log_likelihood"].to_dataset()["outcome"].load()
    summed = values.assign_coords(dyad_pair=("dyad", pair.to_numpy())).groupby("dyad_pair").sum()
    tree = xr.DataTree.from_dict(
        {
            "posterior": fit["posterior"].to_dataset(),
            "log_likelihood": summed.to_dataset(name="outcome"),
        }
    )
    theirs, ours = az.loo(tree, pointwise=True), psis(fit, "pair")
    expected = theirs.elpd_i.sel(dyad_pair=ours.elpd_i["pair"].to_numpy())
    np.testing.assert_allclose(ours.elpd_i, expected, atol=1e-8)
    assert ours.n_data_points == 210


@pytest.mark.parametrize("unit", ["dyad", "pair"])
def test_a_fit_that_keeps_no_pointwise_log_likelihood_computes_it(fit, unit, monkeypatch):
    monkeypatch.setattr(pointwise, "BLOCK", 4000 * 100)
    kept_groups = {k: v for k, v in fit.to_dict().items() if k != "/log_likelihood"}
    large = xr.DataTree.from_dict(kept_groups)
    assert "log_likelihood" not in large.children
    kept, computed = psis(fit, unit), psis(large, unit)
    np.testing.assert_allclose(computed.elpd_i, kept.elpd_i, atol=1e-8)
    np.testing.assert_allclose(computed.pareto_k, kept.pareto_k, atol=1e-6)
    of_dyads = fit["log_likelihood"].to_dataset()["outcome"].sum("dyad")
    for each in (fit, large):
        np.testing.assert_allclose(total_log_likelihood(each), of_dyads, rtol=1e-10)


def test_a_citys_density_in_sample_is_that_of_all_its_dyads(fit):
    found = in_sample(fit, "city")
    dyads = fit["constant_data"]
    of = (dyads["sender"] == "Foshan") | (dyads["receiver"] == "Foshan")
    joint = fit["log_likelihood"]["outcome"].isel(dyad=np.flatnonzero(of)).sum("dyad")
    assert found["Foshan"] == pytest.approx(float(np.log(np.exp(joint).mean())), abs=1e-9)
    assert len(found) == 21


def test_refitted_units_are_replaced(fit):
    estimate = psis(fit, "dyad")
    doubtful = high_k(estimate)
    k = estimate.pareto_k.to_series()
    assert doubtful == k.index[k > estimate.good_k].tolist()
    labels = estimate.elpd_i["dyad"].to_numpy()[:2].tolist()
    found = with_others(estimate, pd.Series([-1.0, -2.0], index=labels))
    assert found.elpd_i.sel(dyad=labels).to_numpy().tolist() == [-1.0, -2.0]
    assert found.pareto_k.sel(dyad=labels).to_numpy().tolist() == [0.0, 0.0]
    rest = slice(2, None)
    assert found.elpd == pytest.approx(-3 + float(estimate.elpd_i[rest].sum()))
    # p_loo = lpd - elpd: what the elpd loses, it gains
    assert found.p + found.elpd == pytest.approx(estimate.p + estimate.elpd)


@pytest.mark.parametrize("shape", [(2, 2), (4, 250)])
def test_units_whose_density_is_constant_or_has_a_spike(shape):
    log_likelihood = np.full((*shape, 3), -2.0)
    log_likelihood[0, 0, 2] = -8.0
    of = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "log_likelihood": xr.Dataset({"outcome": ((*of, "dyad"), log_likelihood)}),
            "posterior": xr.Dataset({"x": (of, np.random.default_rng(1).normal(size=shape))}),
            "constant_data": xr.Dataset(coords={"dyad": ["a", "b", "c"]}),
        }
    )
    tree.attrs["model"] = "nb_pooled"
    found, draws = psis(tree, "dyad"), np.prod(shape)
    harmonic = -np.log((np.exp(2) * (draws - 1) + np.exp(8)) / draws)
    np.testing.assert_allclose(found.elpd_i, [-2, -2, harmonic], rtol=1e-12)
    assert found.pareto_k.to_numpy().tolist() == [0, 0, np.inf]
    assert high_k(found) == ["c"]
    # the mean density less the density left out
    mean = np.log((np.exp(-2) * (draws - 1) + np.exp(-8)) / draws)
    np.testing.assert_allclose(found.p_loo_i, [0, 0, mean - harmonic], atol=1e-12)
