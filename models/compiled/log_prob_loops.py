"""Log-probability of counts and its derivatives in one pass over the dyads, compiled by numba.

For a dyad with linear predictors `degree` (log mu) and `selection` (logit psi) and dispersion
alpha, write t = degree + log alpha, L = log(1 + alpha mu) = softplus(t), q = sigmoid(t), so that
the negative binomial has log P(0) = -L / alpha and, for y > 0,

    log p(y) = log P(0) + y (degree - L) + sum_{k<y} log(1 + k alpha) - log y!

Their derivatives in degree and in log alpha are

    log P(0)    -q / alpha                 (L - q) / alpha
    log p(y)    -q / alpha + y (1 - q)     (L - q) / alpha - y q + sum_{k<y} k alpha / (1 + k alpha)

and those of the Poisson distribution the limits for alpha = 0. A zero that may be inflated has
log P(0) = softplus(selection + log p0) - softplus(selection). Most counts of a network are zeros,
which need no function of the count: every row is computed as if it were a zero, in vector
registers, and the positive counts then replace what was written of theirs, from exponentials and
logarithms that the first pass has left in a small scratch.
"""

import math
from typing import Any

import numba
import numpy as np
from scipy.special import gammaln

from models.compiled.fast_math import exp, softplus_sigmoid
from models.compiled.sources import keep_by, source_key
from models.likelihood.counts import EXACT

TINY = -100.0  # log mu, below which P(y > 0) = mu to the last digit, for dispersions up to 1e20
LARGE = 1e150  # so that another factor does not overflow
CHUNK = 480  # dyads: what they need of the scratch and of the arrays stays in the fastest cache
COMPILED: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
PLAIN, ZERO_INFLATED, HURDLE = range(3)
KINDS = {"plain": PLAIN, "zero_inflated": ZERO_INFLATED, "hurdle": HURDLE}
Row = np.ndarray  # one value a dyad, or a positive count


def positive_counts(counts: np.ndarray) -> tuple[np.ndarray, ...]:
    """Take from counts what the loops need of them.

    Parameters
    ----------
    counts : numpy.ndarray of int
        Shape (dyad,).

    Returns
    -------
    at, count, constant, slot, distinct : numpy.ndarray
        As `log_prob_and_slopes` describes them. They cannot be written to, as PyTensor's constants
        cannot: numba compiles the loops once for both.
    """
    at = np.flatnonzero(counts)
    distinct, slot = np.unique(counts[at], return_inverse=True)
    positive = counts[at].astype(float)
    found = at, positive, -gammaln(positive + 1), slot.astype(np.int64), distinct
    for array in found:
        array.flags.writeable = False
    return found


@numba.njit(**COMPILED)
def _rising(distinct: np.ndarray, dispersion: float, table: np.ndarray, slope: np.ndarray) -> None:
    """Sum log(1 + k dispersion) up to each distinct count, and its derivative in log dispersion."""
    log_rising, product, rising_slope, k = 0.0, 1.0, 0.0, 0
    for slot in range(distinct.size):
        while k < min(distinct[slot], EXACT):
            grown = k * dispersion
            product *= 1.0 + grown
            rising_slope += grown / (1.0 + grown)
            k += 1
            if product > LARGE:  # one logarithm for many factors
                log_rising += math.log(product)
                product = 1.0
        table[slot], slope[slot] = log_rising + math.log(product), rising_slope
        if distinct[slot] > EXACT:
            high, high_slope = _smooth_sum(float(distinct[slot]), dispersion)
            low, low_slope = _smooth_sum(float(EXACT), dispersion)
            table[slot] += high - low
            slope[slot] += high_slope - low_slope


@numba.njit(**COMPILED)
def _smooth_sum(end: float, dispersion: float) -> tuple[float, float]:
    """Give the Euler-Maclaurin sum of `counts.py`, and its derivative in log dispersion."""
    grown = dispersion * end
    log_grown = math.log1p(grown)
    area = ((1.0 + grown) * log_grown - grown) / dispersion
    value = area - log_grown / 2.0 + dispersion / (12.0 * (1.0 + grown))
    slope = end * log_grown - area - grown / (2.0 * (1.0 + grown))
    return value, slope + dispersion / (12.0 * (1.0 + grown) ** 2)


@numba.njit(cache=True, **COMPILED)
def log_prob_and_slopes(
    kind: int,
    has_dispersion: bool,
    degree: Row,
    selection: Row,
    dispersion: float,
    at: Row,
    count: Row,
    constant: Row,
    slot: Row,
    distinct: Row,
    value: Row,
    by_degree: Row,
    by_selection: Row,
    by_dispersion: Row,
) -> None:
    """Compute log-probabilities and their derivatives.

    Parameters
    ----------
    kind : int
        ``PLAIN``, ``ZERO_INFLATED`` or ``HURDLE``.
    has_dispersion : bool
        Whether counts are negative binomial; else Poisson.
    degree, selection : numpy.ndarray
        Linear predictors, shape (dyad,); ``selection`` is empty where the family has none.
    dispersion : float
        The dispersion; anything where the family has none.
    at, count, constant, slot : numpy.ndarray
        One a positive count: its position, itself, -log count!, its position in ``distinct``.
    distinct : numpy.ndarray of int
        The distinct positive counts, ascending.
    value, by_degree, by_selection, by_dispersion : numpy.ndarray
        Written: the log-probability of each dyad, and its derivatives, the last in the dispersion
        itself. What the family has not is neither read nor written.
    """
    r = 1.0 / dispersion if has_dispersion else 0.0
    log_dispersion = math.log(dispersion) if has_dispersion else 0.0
    table, slope = np.zeros(distinct.size), np.zeros(distinct.size)
    if has_dispersion:
        _rising(distinct, dispersion, table, slope)
    scratch = np.empty(4 * CHUNK)
    k = 0
    for first in range(0, degree.size, CHUNK):
        last = min(first + CHUNK, degree.size)
        _as_zeros(
            *(kind, has_dispersion, degree[first:last], selection[first:last], r, log_dispersion),
            *(value[first:last], by_degree[first:last], by_selection[first:last]),
            *(by_dispersion[first:last], scratch),
        )
        end = k
        while end < at.size and at[end] < last:
            end += 1
        _positives(
            *(kind, has_dispersion, degree, dispersion, r, log_dispersion, first, scratch),
            *(at[k:end], count[k:end], constant[k:end], slot[k:end], table, slope),
            *(value, by_degree, by_selection, by_dispersion),
        )
        k = end


@numba.njit(cache=True, nogil=True, **COMPILED)
def log_prob_of_draws(
    kind: int,
    has_dispersion: bool,
    degree: np.ndarray,
    selection: np.ndarray,
    dispersion: Row,
    at: Row,
    count: Row,
    constant: Row,
    slot: Row,
    distinct: Row,
    value: np.ndarray,
) -> None:
    """Compute log-probabilities for many draws.

    Parameters
    ----------
    kind, has_dispersion : int, bool
        As `log_prob_and_slopes` takes them.
    degree, selection : numpy.ndarray
        Linear predictors, shape (draw, dyad); ``selection`` is (draw, 0) where there is none.
    dispersion : numpy.ndarray
        Shape (draw,).
    at, count, constant, slot, distinct : numpy.ndarray
        As `positive_counts` gives them.
    value : numpy.ndarray
        Written, shape (draw, dyad).
    """
    dyads = degree.shape[1]
    by_degree, by_selection, by_dispersion = np.empty(dyads), np.empty(dyads), np.empty(dyads)
    for draw in range(degree.shape[0]):
        log_prob_and_slopes(
            *(kind, has_dispersion, degree[draw], selection[draw], dispersion[draw]),
            *(at, count, constant, slot, distinct, value[draw]),
            *(by_degree, by_selection, by_dispersion),
        )


@numba.njit(**COMPILED)
def _as_zeros(
    kind: int,
    has_dispersion: bool,
    degree: Row,
    selection: Row,
    r: float,
    log_dispersion: float,
    value: Row,
    by_degree: Row,
    by_selection: Row,
    by_dispersion: Row,
    scratch: Row,
) -> None:
    # loops of one softplus each, of which a processor works at several rows at once; in one loop
    # with three it waits for each in turn
    if kind != PLAIN:
        for d in range(selection.size):
            above, psi, below, not_psi = softplus_sigmoid(selection[d])
            value[d], by_selection[d] = -above, -psi
            scratch[2 * CHUNK + d], scratch[3 * CHUNK + d] = below, not_psi
    if kind == HURDLE:
        by_degree[:], by_dispersion[:] = 0.0, 0.0
        return
    if has_dispersion:
        for d in range(degree.size):
            scratch[d], scratch[CHUNK + d] = _nb_zero(degree[d], r, log_dispersion)
    else:
        for d in range(degree.size):
            scratch[d] = scratch[CHUNK + d] = -exp(degree[d])
    if kind == ZERO_INFLATED:
        for d in range(degree.size):
            log_p0, p0_degree = scratch[d], scratch[CHUNK + d]
            inner, eligible, _, _ = softplus_sigmoid(selection[d] + log_p0)
            value[d] += inner
            by_selection[d] += eligible
            by_degree[d] = eligible * p0_degree
            by_dispersion[d] = eligible * (p0_degree - log_p0) * r
    else:
        for d in range(degree.size):
            value[d], by_degree[d] = scratch[d], scratch[CHUNK + d]
            by_dispersion[d] = (by_degree[d] - value[d]) * r


@numba.njit(inline="always", **COMPILED)
def _nb_zero(degree: float, r: float, log_dispersion: float) -> tuple[float, float]:
    """Give log P(0) and its derivative in degree; that in log dispersion is their difference."""
    L, q, _, _ = softplus_sigmoid(degree + log_dispersion)
    return -r * L, -r * q


@numba.njit(**COMPILED)
def _positives(
    kind: int,
    has_dispersion: bool,
    degree: Row,
    dispersion: float,
    r: float,
    log_dispersion: float,
    first: int,
    scratch: Row,
    at: Row,
    count: Row,
    constant: Row,
    slot: Row,
    table: Row,
    slope: Row,
    value: Row,
    by_degree: Row,
    by_selection: Row,
    by_dispersion: Row,
) -> None:
    for k in range(at.size):
        d, y = at[k], count[k]
        log_p0, p0_degree = scratch[d - first], scratch[d - first + CHUNK]
        if kind == HURDLE and has_dispersion:
            log_p0, p0_degree = _nb_zero(degree[d], r, log_dispersion)
        elif kind == HURDLE:
            log_p0 = p0_degree = -exp(degree[d])
        in_dispersion = p0_degree - log_p0
        log_p, in_degree = log_p0 + y * degree[d] + constant[k], p0_degree + y
        if has_dispersion:
            log_p += table[slot[k]] + y * dispersion * log_p0
            in_degree += y * dispersion * p0_degree
            in_dispersion += slope[slot[k]] + y * dispersion * p0_degree
        if kind == HURDLE:
            if degree[d] < TINY:  # P(y > 0) is mu
                log_p -= degree[d]
                in_degree -= 1.0
            else:
                log_p -= math.log(-math.expm1(log_p0))
                odds = 1.0 / math.expm1(-log_p0)
                in_degree += odds * p0_degree
                in_dispersion += odds * (p0_degree - log_p0)
        if kind != PLAIN:
            log_p -= scratch[d - first + 2 * CHUNK]
            by_selection[d] = scratch[d - first + 3 * CHUNK]
        value[d], by_degree[d] = log_p, in_degree
        if has_dispersion:
            by_dispersion[d] = in_dispersion * r


keep_by(source_key(__file__), log_prob_and_slopes, log_prob_of_draws)
