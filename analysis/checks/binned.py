"""Counts of dyads in bins: few enough to look at, one a count where counts are small."""

import numpy as np
import xarray as xr

from analysis.checks.replicated import replicated_outcomes

SINGLE, MOST = 10, 30  # counts that are never binned; bins


def binned_counts(fit: xr.DataTree, draws: int) -> tuple[xr.DataTree, np.ndarray]:
    """Put the numbers of bins in place of counts, observed and replicated.

    The second is the first count of each bin. Each count is a bin of its own as long as there are
    few; else bins that widen with the count begin at 10. The last begins right above the largest
    observed count.
    """
    observed = fit["observed_data"]["outcome"]
    first = _bins(int(observed.max()))
    replicated = replicated_outcomes(fit, draws).expand_dims("chain")
    counts = {"observed_data": observed, "posterior_predictive": replicated}
    binned = {
        group: xr.Dataset({"outcome": (own.dims, np.searchsorted(first, own, side="right") - 1)})
        for group, own in counts.items()
    }
    return xr.DataTree.from_dict(binned), first


def _bins(largest: int) -> np.ndarray:
    """Give the first count of each bin; the last one begins above the largest."""
    if largest < MOST:
        return np.arange(largest + 2)
    ratio = ((largest + 1) / SINGLE) ** (1 / (MOST - SINGLE - 1))
    first = list(range(SINGLE + 1))
    while first[-1] <= largest:
        first.append(first[-1] + int(np.ceil(first[-1] * (ratio - 1))))
    first[-1] = largest + 1
    return np.array(first)
