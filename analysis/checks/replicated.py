"""Counts that a fit's model draws for the study's own dyads, read a chain at a time.

A study of 130 cities has half a gigabyte of them.
"""

import numpy as np
import xarray as xr

DRAWS = 500  # the tail probabilities of an 89 % interval then have a Monte Carlo error of 0.01


def replicated_counts(fit: xr.DataTree, draws: int = DRAWS) -> xr.DataArray:
    """Read replicated counts, evenly spaced along the chains.

    Returns
    -------
    xarray.DataArray
        Whole numbers; dims (draw, dyad), one chain after the other.
    """
    counts = _counts(fit)
    step = max(1, counts.sizes["chain"] * counts.sizes["draw"] // draws)
    kept = [counts.isel(chain=chain).to_numpy()[::step] for chain in range(counts.sizes["chain"])]
    return xr.DataArray(np.concatenate(kept), dims=("draw", "dyad"))


def predicted_mean(fit: xr.DataTree) -> xr.DataArray:
    """Average the replicated counts of each dyad.

    Returns
    -------
    xarray.DataArray
        The mean over all draws; dims (dyad,).
    """
    counts = _counts(fit)
    chains = [
        counts.isel(chain=chain).to_numpy().mean(axis=0) for chain in range(counts.sizes["chain"])
    ]
    return xr.DataArray(np.mean(chains, axis=0), dims="dyad")


def _counts(fit: xr.DataTree) -> xr.DataArray:
    return fit["posterior_predictive"].to_dataset()["count"].transpose("chain", "draw", "dyad")
