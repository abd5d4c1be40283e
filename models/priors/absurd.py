"""Whether a prior is absurd for a study: it expects outcomes far beyond the observed ones."""

import numpy as np
import xarray as xr

FAR = 10  # an outcome this many times the largest observed one is far beyond the data
ABSURD = 0.05  # the share of such outcomes from which on a prior is called absurd


def far_share(expected: np.ndarray | xr.DataArray, observed: np.ndarray) -> float:
    """Give the share of outcomes drawn from a prior that are far beyond those observed.

    Amounts are measured from the mean of the observed ones.
    """
    if observed.dtype.kind == "f":
        center = observed.mean()
        expected, observed = np.abs(np.asarray(expected) - center), np.abs(observed - center)
    return float((expected > FAR * observed.max()).mean())


def absurdity(far: float) -> str:
    """Say what is wrong with a prior that expects such a share; empty where nothing is."""
    if far <= ABSURD:
        return ""
    return (
        f"Absurd prior: {far:.0%} of the outcomes that it expects lie beyond {FAR} times the "
        f"largest observed one, more than {ABSURD:.0%}. Narrow the degree intercept, the "
        "coefficients or the sds."
    )
