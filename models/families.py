"""Families: how a count arises from the linear predictors of a dyad.

Each family is its log-probability, its mean, its probability of a zero and a random draw. The
arguments are the same everywhere: `count` (whole numbers; dims ..., dyad), `degree` (log mean of
an eligible dyad), `selection` (logit of P(eligible); only where the family has that part) and
`dispersion` (Stata's alpha: Var = mu + dispersion mu^2). Draws come before dyads in the dims.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from data.declaration import Part
from models.arrays import NUMPY, Array, Arrays

EXACT = 1000  # counts up to here take the exact sum in `log_rising`, larger ones log-gamma
LARGEST_RATE = 1e15  # keeps NumPy's Poisson draws, and sums of them, inside int64


class LogProb(Protocol):
    """Log-probability of counts."""

    def __call__(
        self,
        count: Array,
        degree: Array,
        selection: Array,
        dispersion: Array,
        xp: Arrays = NUMPY,
    ) -> Array: ...


@dataclass(frozen=True)
class Family:
    """One way in which counts arise.

    Attributes
    ----------
    parts : tuple of str
        The linear predictors that it needs.
    has_dispersion : bool
        Whether it has a dispersion parameter.
    log_prob : callable
        ``(count, degree, selection, dispersion, xp)`` to the log-probability of each count.
    mean : callable
        ``(degree, selection)`` to the expected count.
    p_zero : callable
        ``(degree, selection, dispersion)`` to P(count = 0).
    draw : callable
        ``(rng, degree, selection, dispersion)`` to int64 counts.
    """

    parts: tuple[Part, ...]
    has_dispersion: bool
    log_prob: LogProb
    mean: Callable[[Array, Array], Array]
    p_zero: Callable[[Array, Array, Array], Array]
    draw: Callable[[np.random.Generator, Array, Array, Array], np.ndarray]


def log_rising(count: Array, dispersion: Array, xp: Arrays) -> Array:
    """Sum log(1 + k dispersion) over k = 0 .. count - 1.

    This is log Gamma(count + r) - log Gamma(r) + count log(dispersion) for r = 1 / dispersion,
    without the cancellation that the difference suffers for large r, and computed once for each
    distinct count.

    Parameters
    ----------
    count : numpy.ndarray of int, or a PyTensor variable
        Counts, shape (dyad,). Counts that are known now are each computed once.
    dispersion : array
        Shape () or (draw, 1).
    xp : Arrays
        The library to compute in.

    Returns
    -------
    array
        Shape (dyad,) or (draw, dyad).
    """
    if not isinstance(count, np.ndarray):  # a shared variable, whose counts may change
        r = 1 / dispersion
        return xp.gammaln(count + r) - xp.gammaln(r) + count * xp.log(dispersion)
    distinct, position = np.unique(count, return_inverse=True)
    steps = np.arange(min(distinct[-1], EXACT), dtype=float)
    summed = xp.cumsum(xp.log1p(dispersion * steps), axis=-1)
    table = xp.concatenate([xp.zeros_like(summed[..., :1]), summed], axis=-1)
    table = table[..., np.minimum(distinct, EXACT)]
    if distinct[-1] > EXACT:
        r = 1 / dispersion
        beyond = np.maximum(distinct, EXACT).astype(float)
        table = table + (
            xp.gammaln(beyond + r) - xp.gammaln(EXACT + r) + (beyond - EXACT) * xp.log(dispersion)
        )
    return table[..., position]


def _nb_log_prob(
    count: Array,
    degree: Array,
    selection: Array,
    dispersion: Array,
    xp: Arrays = NUMPY,
) -> Array:
    # With r = 1 / dispersion: y log mu - (y + r) log(1 + dispersion mu) + log_rising - log y!
    log_odds = degree + xp.log(dispersion)
    return (
        count * degree
        - (count + 1 / dispersion) * xp.softplus(log_odds)
        + log_rising(count, dispersion, xp)
        - _log_factorial(count, xp)
    )


def _log_factorial(count: Array, xp: Arrays) -> Array:
    known = isinstance(count, np.ndarray)
    return (NUMPY if known else xp).gammaln(count + 1.0)


def _nb_log_p_zero(degree: Array, dispersion: Array, xp: Arrays) -> Array:
    return -xp.softplus(degree + xp.log(dispersion)) / dispersion


def _nb_draw(
    rng: np.random.Generator, degree: Array, selection: Array, dispersion: Array
) -> np.ndarray:
    with np.errstate(over="ignore"):
        rate = rng.gamma(1 / dispersion, dispersion, np.shape(degree + dispersion)) * np.exp(degree)
    return np.asarray(rng.poisson(np.minimum(rate, LARGEST_RATE)))


def _zero_inflated(
    log_prob: LogProb,
    log_p_zero: Callable[[Array, Array, Arrays], Array],
    draw: Callable[[np.random.Generator, Array, Array, Array], np.ndarray],
    *,
    has_dispersion: bool,
) -> Family:
    # P(0) = 1 - psi + psi p0 = (1 + exp(s) p0) / (1 + exp(s)) for psi = sigmoid(s)
    def log_zero(degree: Array, selection: Array, dispersion: Array, xp: Arrays) -> Array:
        inner = selection + log_p_zero(degree, dispersion, xp)
        return xp.softplus(inner) - xp.softplus(selection)

    def inflated(
        count: Array,
        degree: Array,
        selection: Array,
        dispersion: Array,
        xp: Arrays = NUMPY,
    ) -> Array:
        positive = log_prob(count, degree, selection, dispersion, xp) - xp.softplus(-selection)
        return xp.where(count < 1, log_zero(degree, selection, dispersion, xp), positive)

    def draw_inflated(
        rng: np.random.Generator, degree: Array, selection: Array, dispersion: Array
    ) -> np.ndarray:
        eligible = rng.random(np.shape(degree + selection)) < NUMPY.sigmoid(selection)
        return np.where(eligible, draw(rng, degree, selection, dispersion), 0)

    return Family(
        parts=("selection", "degree"),
        has_dispersion=has_dispersion,
        log_prob=inflated,
        mean=lambda degree, selection: NUMPY.sigmoid(selection) * np.exp(degree),
        p_zero=lambda degree, selection, dispersion: np.exp(
            log_zero(degree, selection, dispersion, NUMPY)
        ),
        draw=draw_inflated,
    )


FAMILIES: dict[str, Family] = {
    "nb": Family(
        parts=("degree",),
        has_dispersion=True,
        log_prob=_nb_log_prob,
        mean=lambda degree, selection: np.exp(degree),
        p_zero=lambda degree, selection, dispersion: np.exp(
            _nb_log_p_zero(degree, dispersion, NUMPY)
        ),
        draw=_nb_draw,
    ),
    "zinb": _zero_inflated(_nb_log_prob, _nb_log_p_zero, _nb_draw, has_dispersion=True),
}
