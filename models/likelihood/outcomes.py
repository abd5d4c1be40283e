"""What a dyad can expect: the quantities in which effects and predictions are told."""

from typing import Any

import numpy as np

from data.outcomes import SUCCESSES, TIE
from models.likelihood.arrays import NUMPY, Array
from models.likelihood.families import Family

CHANCES = {TIE: "p_tie", SUCCESSES: "p_success"}  # the chance that a family's predictor is of
ODDS_RATIO = "odds_ratio"  # of the mean chance, after a change against before
QUANTITIES = {
    "p_eligible": "probability of being an eligible partner",
    "p_tie": "probability of a tie",
    "p_success": "probability of a success",
    ODDS_RATIO: "odds ratio",
    "expected_if_eligible": "expected outcome, if eligible",
    "expected": "expected outcome",
    "p_zero": "probability of a zero",
}
OF_COUNTS = {"expected_if_eligible": "expected count, if eligible", "expected": "expected count"}


def quantities(family: Family) -> dict[str, str]:
    """Give the words for the quantities of a family."""
    if family.link is not None:
        return QUANTITIES | {"expected": "expected number of successes"}
    return QUANTITIES | (OF_COUNTS if family.outcome.is_whole else {"expected": "expected amount"})


def outcomes(
    family: Family, degree: Any, selection: Any, scale: Any, trials: Any = None
) -> dict[str, Array]:
    """Compute every outcome quantity that a family has.

    Returns
    -------
    dict of str to numpy.ndarray
        By the names of ``QUANTITIES``, each shape (..., dyad). ``p_tie`` of ties; ``p_success`` and
        ``expected`` of successes; ``expected`` of amounts; of counts ``expected`` and ``p_zero``,
        and with a selection part ``p_eligible`` and ``expected_if_eligible``, which is the mean mu
        of the counts that are inflated with zeros, and the mean of the truncated counts of a
        hurdle.
    """
    found: dict[str, Array] = {}
    if family.link is not None:
        found[CHANCES[family.outcome]] = family.link.p(selection)
        if family.outcome is TIE:
            return found
    elif selection is not None:
        found["p_eligible"] = NUMPY.sigmoid(selection)
        # the mean where eligibility is certain
        found["expected_if_eligible"] = family.mean(degree, np.inf, scale, trials)
    found["expected"] = family.mean(degree, selection, scale, trials)
    if degree is not None and family.log_zero is not None:
        found["p_zero"] = family.p_zero(degree, selection, scale, trials)
    return found
