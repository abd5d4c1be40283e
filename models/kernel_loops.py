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
which need no function of the count: every row is computed as if it were a zero, and the positive
counts then replace what was written of theirs.
"""

import math
from functools import cache
from typing import Any

import numba
import numpy as np

from models.counts import EXACT
from models.fast_math import exp, softplus_sigmoid

TINY = -100.0  # log mu, below which P(y > 0) = mu to the last digit, for dispersions up to 1e20
COMPILED: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
Row = np.ndarray  # one value a dyad, or a positive count


@numba.njit(**COMPILED)
def _rising(distinct: np.ndarray, dispersion: float, table: np.ndarray, slope: np.ndarray) -> None:
    """Sum log(1 + k dispersion) up to each distinct count, and its derivative in log dispersion."""
    log_rising, rising_slope, k = 0.0, 0.0, 0
    for slot in range(distinct.size):
        while k < min(distinct[slot], EXACT):
            grown = k * dispersion
            log_rising += math.log1p(grown)
            rising_slope += grown / (1.0 + grown)
            k += 1
        table[slot], slope[slot] = log_rising, rising_slope
        if distinct[slot] > EXACT:
            high, high_slope = _smooth_sum(float(distinct[slot]), dispersion)
            low, low_slope = _smooth_sum(float(EXACT), dispersion)
            table[slot] += high - low
            slope[slot] += high_slope - low_slope


@numba.njit(**COMPILED)
def _smooth_sum(end: float, dispersion: float) -> tuple[float, float]:
    """Give the Euler-Maclaurin sum of `models.counts`, and its derivative in log dispersion."""
    grown = dispersion * end
    log_grown = math.log1p(grown)
    area = ((1.0 + grown) * log_grown - grown) / dispersion
    value = area - log_grown / 2.0 + dispersion / (12.0 * (1.0 + grown))
    slope = end * log_grown - area - grown / (2.0 * (1.0 + grown))
    return value, slope + dispersion / (12.0 * (1.0 + grown) ** 2)


@cache  # outside numba's mode it is asked for at every call
def compiled_loop(kind: str, *, has_dispersion: bool) -> Any:
    """Compile the loop of a family.

    Parameters
    ----------
    kind : str
        ``plain``, ``zero_inflated`` or ``hurdle``.
    has_dispersion : bool
        Whether counts are negative binomial; else Poisson.

    Returns
    -------
    callable
        ``(degree, selection, dispersion, at, count, constant, slot, distinct, value, by_degree,
        by_selection, by_dispersion)``: shapes (dyad,) but for the scalar ``dispersion``; ``at``
        (positions of positive counts), ``count``, ``constant`` (-log count!) and ``slot``
        (positions in ``distinct``) have one value a positive count; the last four are written,
        the last of all being the derivative in the dispersion itself. What a family has not is
        neither read nor written.
    """
    has_selection = kind != "plain"
    all_as_zeros = _all_as_zeros(kind, has_dispersion=has_dispersion)
    positives = _positives(kind, has_dispersion=has_dispersion)

    @numba.njit(**COMPILED)
    def loop(
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
        r = 1.0 / dispersion if has_dispersion else 0.0
        log_dispersion = math.log(dispersion) if has_dispersion else 0.0
        all_as_zeros(
            degree, selection, r, log_dispersion, value, by_degree, by_selection, by_dispersion
        )
        table, slope = np.zeros(distinct.size), np.zeros(distinct.size)
        if has_dispersion:
            _rising(distinct, dispersion, table, slope)
        # gathered first and scattered last, so that the loop between runs in vector registers
        of_degree = degree[at]
        of_selection = selection[at] if has_selection else of_degree
        found = np.empty((4, at.size))
        positives(
            of_degree,
            of_selection,
            dispersion,
            r,
            log_dispersion,
            count,
            constant,
            table[slot],
            slope[slot],
            found,
        )
        for k in range(at.size):
            d = at[k]
            value[d], by_degree[d] = found[0, k], found[1, k]
            if has_selection:
                by_selection[d] = found[2, k]
            if has_dispersion:
                by_dispersion[d] = found[3, k]

    return loop


def _all_as_zeros(kind: str, *, has_dispersion: bool) -> Any:
    inflated, cut = kind == "zero_inflated", kind == "hurdle"
    p_zero = _p_zero(has_dispersion=has_dispersion)

    @numba.njit(**COMPILED)
    def all_as_zeros(
        degree: Row,
        selection: Row,
        r: float,
        log_dispersion: float,
        value: Row,
        by_degree: Row,
        by_selection: Row,
        by_dispersion: Row,
    ) -> None:
        for d in range(degree.size):
            if cut:
                above, psi = softplus_sigmoid(selection[d])
                value[d], by_selection[d], by_degree[d], in_dispersion = -above, -psi, 0.0, 0.0
            else:
                log_p0, p0_degree, p0_dispersion = p_zero(degree[d], r, log_dispersion)
                eligible, value[d] = 1.0, log_p0
                if inflated:
                    above, psi = softplus_sigmoid(selection[d])
                    inner, eligible = softplus_sigmoid(selection[d] + log_p0)
                    value[d], by_selection[d] = inner - above, eligible - psi
                by_degree[d], in_dispersion = eligible * p0_degree, eligible * p0_dispersion
            if has_dispersion:
                by_dispersion[d] = in_dispersion * r

    return all_as_zeros


def _positives(kind: str, *, has_dispersion: bool) -> Any:
    inflated, cut = kind == "zero_inflated", kind == "hurdle"
    p_zero = _p_zero(has_dispersion=has_dispersion)

    @numba.njit(**COMPILED)
    def positives(
        degree: Row,
        selection: Row,
        dispersion: float,
        r: float,
        log_dispersion: float,
        count: Row,
        constant: Row,
        risen: Row,
        risen_slope: Row,
        found: np.ndarray,
    ) -> None:
        for k in range(count.size):
            y = count[k]
            log_p0, p0_degree, p0_dispersion = p_zero(degree[k], r, log_dispersion)
            value, by_degree, in_dispersion = log_p0, p0_degree, p0_dispersion
            value += y * degree[k] + constant[k]
            by_degree += y
            if has_dispersion:
                value += risen[k] + y * dispersion * log_p0
                by_degree += y * dispersion * p0_degree
                in_dispersion += risen_slope[k] + y * dispersion * p0_degree
            if cut and degree[k] < TINY:  # P(y > 0) is mu
                value -= degree[k]
                by_degree -= 1.0
            elif cut:
                value -= math.log(-math.expm1(log_p0))
                odds = 1.0 / math.expm1(-log_p0)
                by_degree += odds * p0_degree
                in_dispersion += odds * p0_dispersion
            if inflated or cut:
                below, found[2, k] = softplus_sigmoid(-selection[k])
                value -= below
            found[0, k], found[1, k], found[3, k] = value, by_degree, in_dispersion * r

    return positives


def _p_zero(*, has_dispersion: bool) -> Any:
    @numba.njit(inline="always", **COMPILED)
    def p_zero(degree: float, r: float, log_dispersion: float) -> tuple[float, float, float]:
        if has_dispersion:
            L, q = softplus_sigmoid(degree + log_dispersion)
            return -r * L, -r * q, r * (L - q)
        mu = exp(degree)
        return -mu, -mu, 0.0

    return p_zero
