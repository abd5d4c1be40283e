"""The partition of variance, by hand."""

import numpy as np
import xarray as xr

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
