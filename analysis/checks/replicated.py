"""Outcomes that a fit's model draws for the study's own dyads, read a chain at a time.

A study of 130 cities has half a gigabyte of them.
"""

import numpy as np
import xarray as xr

DRAWS = 500  # the tail probabilities of an 89 % interval then have a Monte Carlo error of 0.01


def replicated_outcomes(fit: xr.DataTree, draws: int = DRAWS) -> xr.DataArray:
    """Read replicated outcomes, evenly spaced along the chains.

    Returns
    -------
    xarray.DataArray
        Dims (draw, dyad), one chain after the other.
    """
    drawn = _drawn(fit)
    step = max(1, drawn.sizes["chain"] * drawn.sizes["draw"] // draws)
    kept = [drawn.isel(chain=chain).to_numpy()[::step] for chain in range(drawn.sizes["chain"])]
    return xr.DataArray(np.concatenate(kept), dims=("draw", "dyad"))


def predicted_mean(fit: xr.DataTree) -> xr.DataArray:
    """Average the replicated outcomes of each dyad.

    Returns
    -------
    xarray.DataArray
        The mean over all draws; dims (dyad,).
    """
    drawn = _drawn(fit)
    chains = [
        drawn.isel(chain=chain).to_numpy().mean(axis=0) for chain in range(drawn.sizes["chain"])
    ]
    return xr.DataArray(np.mean(chains, axis=0), dims="dyad")


def _drawn(fit: xr.DataTree) -> xr.DataArray:
    return fit["posterior_predictive"].to_dataset()["outcome"].transpose("chain", "draw", "dyad")
