"""What a dyad can expect: the quantities in which effects and predictions are told."""

from typing import Any

import numpy as np

from models.likelihood.arrays import NUMPY, Array
from models.likelihood.families import Family

QUANTITIES = {
    "p_eligible": "probability of being an eligible partner",
    "expected_if_eligible": "expected count, if eligible",
    "expected": "expected count",
    "p_zero": "probability of a zero",
}


def outcomes(family: Family, degree: Array, selection: Any, dispersion: Any) -> dict[str, Array]:
    """Compute every outcome quantity that a family has.

    Returns
    -------
    dict of str to numpy.ndarray
        By the names of ``QUANTITIES``, each shape (..., dyad). Families without a selection part
        lack ``p_eligible`` and ``expected_if_eligible``; the latter is the mean mu of the counts
        that are inflated with zeros, and the mean of the truncated counts of a hurdle.
    """
    found: dict[str, Array] = {}
    if selection is not None:
        found["p_eligible"] = NUMPY.sigmoid(selection)
        # the mean where eligibility is certain
        found["expected_if_eligible"] = family.mean(degree, np.inf, dispersion)
    found["expected"] = family.mean(degree, selection, dispersion)
    found["p_zero"] = family.p_zero(degree, selection, dispersion)
    return found
