"""The compiled loops over ties, successes and amounts, as NumPy's functions call them."""

import numpy as np

from models.compiled.dense_loops import (
    BETA_BINOMIAL,
    BINOMIAL,
    LOGIT,
    NORMAL,
    PROBIT,
    dense_log_prob_of_draws,
    dense_sums,
)
from models.likelihood.arrays import NUMPY
from models.likelihood.families import AMOUNTS, Family
from models.likelihood.observed import Observed
from models.likelihood.trials import LOGIT as LOGIT_LINK
from models.likelihood.trials import PROBIT as PROBIT_LINK
from models.likelihood.trials import Trials, log_choose

LINKS = {LOGIT_LINK: LOGIT, PROBIT_LINK: PROBIT}
KINDS = {"binomial": BINOMIAL, "beta_binomial": BETA_BINOMIAL}


def is_dense(family: Family) -> bool:
    """Tell whether the loops know a family of ties, successes or amounts."""
    if not isinstance(family.distribution, Trials):
        return family is AMOUNTS
    return family.distribution.name in KINDS and family.distribution.link in LINKS


def codes_of(family: Family) -> tuple[int, int]:
    """Give the loops' numbers of a family's kind and link."""
    if not isinstance(family.distribution, Trials):
        return NORMAL, LOGIT
    return KINDS[family.distribution.name], LINKS[family.distribution.link]


def known_outcomes(family: Family, observed: Observed) -> tuple[np.ndarray, ...]:
    """Give outcome, trials and the constant as the loops take them, (dyad,) floats.

    They cannot be written to, as PyTensor's constants cannot: numba compiles the loops once for
    both.
    """
    outcome, number = observed.outcome, observed.number
    constant = np.zeros(outcome.size)
    if family.link is not None:
        constant = np.asarray(log_choose(number, outcome, NUMPY), dtype=float)
    found = outcome.astype(float), number.astype(float), constant
    for array in found:
        array.flags.writeable = False
    return found


def dense_of_draws(
    family: Family, observed: Observed, predictor: np.ndarray, scale: np.ndarray | None
) -> np.ndarray:
    """Compute the same for many draws: predictor (draw, dyad), scale (draw, 1) or None."""
    value = np.empty(predictor.shape)
    given = np.ones(len(predictor)) if scale is None else np.ascontiguousarray(scale[:, 0])
    dense_log_prob_of_draws(
        *(*codes_of(family), np.ascontiguousarray(predictor), given),
        *(*known_outcomes(family, observed), value),
    )
    return value


def dense_log_prob_sums(
    family: Family,
    observed: Observed,
    base: np.ndarray,
    use: np.ndarray,
    scale: np.ndarray | None,
    effects: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute what `models.compiled.log_prob_of_draws.log_prob_sums` does, of one predictor."""
    value, gradient = np.empty(effects.shape[:2]), np.empty(effects.shape)
    given = np.ones(len(effects)) if scale is None else np.ascontiguousarray(scale)
    dense_sums(
        *(*codes_of(family), np.ascontiguousarray(base), np.ascontiguousarray(use), given),
        *(np.ascontiguousarray(effects), *known_outcomes(family, observed)),
        *(value, gradient),
    )
    return value, gradient
