"""How good a fit's chances are for ties that it has not seen."""

import warnings

import arviz as az
import numpy as np
import xarray as xr

from data.outcomes import TIE
from models.inference.fit import Fit


def brier_score(fit: xr.DataTree) -> tuple[float, float, float]:
    """Score the chances of ties, each left out by importance sampling.

    Returns
    -------
    score : float
        The mean squared difference of chance and tie (Brier 1950), which for ties is arviz's CRPS.
    error : float
        Its standard error, which takes dyads for independent.
    of_share : float
        The score of one chance for all, the share of ties.
    """
    tie = fit["observed_data"]["outcome"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of Pareto k, which `compare` tells of
        found = az.loo_score(fit, kind="crps")
    return -float(found.mean), float(found.se), float(np.mean(tie) * (1 - np.mean(tie)))


def left_out_score(fit: xr.DataTree) -> str:
    """Say how good the chances of ties are; empty for a fit of another outcome, or too large."""
    if Fit(fit).name.family.outcome is not TIE or "log_likelihood" not in fit.children:
        return ""
    score, error, of_share = brier_score(fit)
    return (
        f"Brier score of ties that the model has not seen: {score:.4f} (SE {error:.4f}, which "
        f"takes dyads for independent), {1 - score / of_share:.0%} below that of the share of ties "
        f"alone, {of_share:.4f}; lower is better."
    )
