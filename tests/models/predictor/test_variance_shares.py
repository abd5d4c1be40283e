"""The partition of variance, by hand."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import polygamma

from data.study import with_slopes
from models import simulate_study
from models.name import parse_model
from models.predictor.variance_shares import variance_shares


def test_shares_by_hand(guangdong):
    rng = np.random.default_rng(2)
    draws = xr.Dataset(
        {
            "selection_intercept": (("chain", "draw"), [[0.3]]),
            "selection_coef": (("chain", "draw", "selection_term"), rng.normal(size=(1, 1, 5))),
            "selection_sender_sd": (("chain", "draw"), [[0.7]]),
            "degree_intercept": (("chain", "draw"), [[np.log(4) - 0.125]]),
            "degree_sender_sd": (("chain", "draw"), [[0.5]]),
            "dispersion": (("chain", "draw"), [[0.75]]),
        },
        {"selection_term": guangdong.terms["selection"]},
    )
    shares = variance_shares(draws, guangdong.dyads, parse_model("zinb_sender")).squeeze()
    design = guangdong.dyads["selection_design"].to_numpy()
    explained = (design @ draws["selection_coef"].to_numpy().ravel()).var(ddof=1)
    parts = np.array([explained, 0.49, np.pi**2 / 3])
    selection = shares.sel(part="selection", source=["predictors", "sender", "residual"])
    np.testing.assert_allclose(selection, parts / parts.sum(), rtol=1e-10)
    # mean count 4, so the residual is trigamma(1 / (1/4 + 3/4)) = trigamma(1) = pi^2 / 6
    parts = np.array([0, 0.25, np.pi**2 / 6])
    degree = shares.sel(part="degree", source=["predictors", "sender", "residual"])
    np.testing.assert_allclose(degree, parts / parts.sum(), rtol=1e-10)


SLOPES = ["degree:sender:near", "degree:sender:alike"]


def slope_draws(study, sds):
    """Give one draw whose mean count is 4 but for what the slopes add to it."""
    one = ("chain", "draw")
    return xr.Dataset(
        {
            "degree_intercept": (one, [[np.log(4) - 0.125]]),
            "degree_sender_sd": (one, [[0.5]]),
            "degree_receiver_sd": (one, [[0.0]]),
            "degree_sender_slope_sd": ((*one, "degree_sender_slope_term"), [[sds]]),
            "dispersion": (one, [[0.75]]),
        },
        {"degree_sender_slope_term": ["alike", "near"], "degree_term": study.terms["degree"]},
    )


def test_random_slopes_add_what_they_vary_by():
    study = with_slopes(simulate_study(60, "nb_crossed", seed=1)[0], SLOPES)
    name = parse_model("nb_crossed")
    without, found = (
        variance_shares(slope_draws(study, sds), study.dyads, name).squeeze(drop=True)
        for sds in ([0.0, 0.0], [0.5, 2.0])
    )
    # by simulation: a million cities, each with slopes of its own and one of the study's dyads
    rng = np.random.default_rng(8)
    design = study.dyads["degree_design"].sel(degree_term=["alike", "near"]).to_numpy()
    x = (design - design.mean(axis=0))[rng.integers(len(design), size=1_000_000)]
    simulated = (rng.normal(0, [0.5, 2.0], (1_000_000, 2)) * x).sum(axis=1).var()
    ratio = found.sel(source="sender") / found.sel(source="residual")
    # the residual follows from the mean count, which the slopes raise: lognormal, by half of them
    mean = 4 * np.exp(simulated / 2)
    residual = polygamma(1, 1 / (1 / mean + 0.75))
    assert float(ratio) == pytest.approx((0.25 + simulated) / residual, rel=0.02)
    np.testing.assert_allclose(
        without.sel(source=["sender", "residual"]) * (0.25 + np.pi**2 / 6), [0.25, np.pi**2 / 6]
    )
