"""Log-probability of ties, successes and amounts, and its derivatives, compiled by numba.

Unlike counts, most of which are zeros, every row takes the same work. With x the linear predictor,
p and q the chances of success and failure, and n trials, y of them successes:

    binomial        y log p + (n - y) log q + log (n choose y)
    beta-binomial   the sums of log(p + k d) up to y, of log(q + k d) up to n - y, less that of
                    log(1 + k d) up to n, + log (n choose y);   d the dispersion
    normal          -z^2 / 2 - log sd - log(2 pi) / 2,   z = (y - x) / sd

Normal residuals that correlate by r between the two directions of a pair, z and w in standard
deviations, have the joint log-density

    -(z^2 - 2 r z w + w^2) / (2 (1 - r^2)) - log(1 - r^2) / 2 - 2 log sd - log(2 pi)
"""

import math
from typing import Any

import numba
import numpy as np

from models.compiled.fast_math import softplus_sigmoid
from models.compiled.sources import keep_by, source_key
from models.likelihood import amounts, trials
from models.likelihood.amounts import HALF_LOG_2PI
from models.likelihood.trials import DIRECT

COMPILED: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
# sums in vector registers, in the same order whether the code is fresh or comes from a cache:
# `_pairs` is compiled into its caller alone
SUMMING: dict[str, Any] = COMPILED | {"fastmath": {"contract", "reassoc"}}
BINOMIAL, BETA_BINOMIAL, NORMAL = range(3)
LOGIT, PROBIT = range(2)
SMALL, LARGE = 1e-150, 1e150  # of a product, that another factor does not leave floating point
FAR = -30.0  # below which the normal distribution function is taken from its asymptotic series
ROOT_HALF, DENSITY_AT_0 = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
Row = np.ndarray  # one value a dyad


@numba.njit(inline="always", **COMPILED)
def _probit(x: float) -> tuple[float, float]:
    """Give the log of the normal distribution function, and its derivative."""
    if x < FAR:
        s = 1.0 / (x * x)
        series = 1.0 - s * (1.0 - 3.0 * s * (1.0 - 5.0 * s * (1.0 - 7.0 * s * (1.0 - 9.0 * s))))
        return -x * x / 2.0 - math.log(-x / series) - HALF_LOG_2PI, -x / series
    above = 0.5 * math.erfc(x * ROOT_HALF)
    if x > 0.0:
        return math.log1p(-above), math.exp(-x * x / 2.0) * DENSITY_AT_0 / (1.0 - above)
    p = 0.5 * math.erfc(-x * ROOT_HALF)
    return math.log(p), math.exp(-x * x / 2.0) * DENSITY_AT_0 / p


@numba.njit(inline="always", **COMPILED)
def _chance(link: int, x: float) -> tuple[float, float]:
    """Give the log of the chance of success, and its derivative."""
    if link == LOGIT:
        _, _, below, unlikely = softplus_sigmoid(x)
        return -below, unlikely
    of_probit: tuple[float, float] = _probit(x)
    return of_probit


@numba.njit(**COMPILED)
def _rising(start: float, number: float, step: float) -> tuple[float, float, float]:
    """Sum log(start + k step) over k = 1 .. number - 1; its derivatives in start and in step."""
    value, by_start, by_step, product = 0.0, 0.0, 0.0, 1.0
    for k in range(1, int(min(number, float(DIRECT)))):
        term = start + k * step
        product *= term
        by_start += 1.0 / term
        by_step += k / term
        if product > LARGE or product < SMALL:  # one logarithm for many factors
            value += math.log(product)
            product = 1.0
    value += math.log(product)
    if number > DIRECT:  # the rest by the Euler-Maclaurin formula, as models.likelihood.trials
        low, length = start + DIRECT * step, number - DIRECT
        high, grown = start + number * step, length * step / low
        log_grown = math.log1p(grown)
        value += length * (math.log(low) + ((1.0 + grown) * log_grown - grown) / grown)
        value -= log_grown / 2.0
        # the integral of 1 / (start + k step), and of k / (start + k step)
        inverse = length * log_grown / grown / low
        by_start += inverse - (1.0 / high - 1.0 / low) / 2.0
        # k / (start + k step) = (1 - start / (start + k step)) / step
        moved = length * (1.0 - log_grown / grown) / step + DIRECT * inverse
        by_step += moved - (number / high - DIRECT / low) / 2.0
        a, b = step / high, step / low
        value += (a - b) / 12.0 - (a**3 - b**3) / 360.0 + (a**5 - b**5) / 1260.0
        by_start += -(a / high - b / low) / 12.0 + (a**3 / high - b**3 / low) / 120.0
        by_start -= (a**5 / high - b**5 / low) / 252.0
        # d / d step of (step / t)^m, t = start + k step, is m (step / t)^m start / (step t)
        of = start / step
        by_step += of * (
            (a / high - b / low) / 12.0
            - (a**3 / high - b**3 / low) / 120.0
            + (a**5 / high - b**5 / low) / 252.0
        )
    return value, by_start, by_step


@numba.njit(**COMPILED)
def _logit_binomial(
    predictor: Row, success: Row, trials: Row, constant: Row, value: Row, slope: Row
) -> None:
    for d in range(predictor.size):
        above, psi, below, not_psi = softplus_sigmoid(predictor[d])
        failures = trials[d] - success[d]
        value[d] = constant[d] - success[d] * below - failures * above
        slope[d] = success[d] * not_psi - failures * psi


@numba.njit(**COMPILED)
def _binomial(
    link: int, predictor: Row, success: Row, trials: Row, constant: Row, value: Row, slope: Row
) -> None:
    for d in range(predictor.size):
        y, failures = success[d], trials[d] - success[d]
        value[d], slope[d] = constant[d], 0.0
        if y > 0.0:
            log_p, up = _chance(link, predictor[d])
            value[d] += y * log_p
            slope[d] += y * up
        if failures > 0.0:
            log_q, down = _chance(link, -predictor[d])
            value[d] += failures * log_q
            slope[d] -= failures * down


@numba.njit(**COMPILED)
def _beta_binomial(
    link: int,
    predictor: Row,
    dispersion: float,
    success: Row,
    trials: Row,
    constant: Row,
    value: Row,
    slope: Row,
    by_dispersion: Row,
) -> None:
    known, of_trials, of_trials_step = -1.0, 0.0, 0.0
    for d in range(predictor.size):
        y, n = success[d], trials[d]
        log_p, up = _chance(link, predictor[d])
        log_q, down = _chance(link, -predictor[d])
        p, q = math.exp(log_p), math.exp(log_q)
        density = p * up  # of the link at the predictor
        if n != known:
            known = n
            of_trials, _, of_trials_step = _rising(1.0, n, dispersion)
        value[d] = constant[d] - of_trials
        slope[d], by_dispersion[d] = 0.0, -of_trials_step
        if y > 0.0:
            rising, by_start, by_step = _rising(p, y, dispersion)
            value[d] += log_p + rising
            slope[d] += up + density * by_start
            by_dispersion[d] += by_step
        if y < n:
            rising, by_start, by_step = _rising(q, n - y, dispersion)
            value[d] += log_q + rising
            slope[d] -= down + density * by_start
            by_dispersion[d] += by_step


@numba.njit(**COMPILED)
def _normal(predictor: Row, sd: float, amount: Row, value: Row, slope: Row, by_sd: Row) -> None:
    inverse, constant = 1.0 / sd, -math.log(sd) - HALF_LOG_2PI
    for d in range(predictor.size):
        z = (amount[d] - predictor[d]) * inverse
        value[d] = constant - z * z / 2.0
        slope[d] = z * inverse
        by_sd[d] = (z * z - 1.0) * inverse


@numba.njit(cache=True, **COMPILED)
def dense_log_prob(
    kind: int,
    link: int,
    predictor: Row,
    scale: float,
    outcome: Row,
    trials: Row,
    constant: Row,
    value: Row,
    slope: Row,
    by_scale: Row,
) -> None:
    """Compute log-probabilities and their derivatives.

    Parameters
    ----------
    kind, link : int
        ``BINOMIAL``, ``BETA_BINOMIAL`` or ``NORMAL``; ``LOGIT`` or ``PROBIT``.
    predictor : numpy.ndarray
        Linear predictor, shape (dyad,).
    scale : float
        Dispersion or residual standard deviation; anything where the family has none.
    outcome, trials, constant : numpy.ndarray of float
        Successes, trials and the log of how many ways there are to choose them; amounts, and
        anything. Shape (dyad,).
    value, slope, by_scale : numpy.ndarray
        Written: the log-probability of each dyad, and its derivatives in its predictor and in the
        scale.
    """
    if kind == NORMAL:
        _normal(predictor, scale, outcome, value, slope, by_scale)
    elif kind == BETA_BINOMIAL:
        _beta_binomial(*(link, predictor, scale, outcome, trials, constant, value, slope, by_scale))
    else:
        by_scale[:] = 0.0
        if link == LOGIT:
            _logit_binomial(predictor, outcome, trials, constant, value, slope)
        else:
            _binomial(link, predictor, outcome, trials, constant, value, slope)


@numba.njit(cache=True, nogil=True, **COMPILED)
def dense_log_prob_of_draws(
    kind: int,
    link: int,
    predictor: np.ndarray,
    scale: Row,
    outcome: Row,
    trials: Row,
    constant: Row,
    value: np.ndarray,
) -> None:
    """Compute log-probabilities for many draws: predictor and value are (draw, dyad)."""
    dyads = predictor.shape[1]
    slope, by_scale = np.empty(dyads), np.empty(dyads)
    for draw in range(predictor.shape[0]):
        dense_log_prob(
            *(kind, link, predictor[draw], scale[draw], outcome, trials, constant),
            *(value[draw], slope, by_scale),
        )


@numba.njit(cache=True, **COMPILED)
def dense_sums(
    kind: int,
    link: int,
    base: np.ndarray,
    use: np.ndarray,
    scale: np.ndarray,
    effects: np.ndarray,
    outcome: Row,
    trials: Row,
    constant: Row,
    value: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Add log-probabilities up at several points a draw, with the derivatives in the effects.

    Parameters
    ----------
    base, use, effects : numpy.ndarray
        The predictor without the effects (draw, dyad); how each effect enters it (draw, effect,
        dyad), with one draw where all are alike; the points (draw, point, effect).
    value, gradient : numpy.ndarray
        Written: shapes (draw, point) and (draw, point, effect).
    """
    dyads = base.shape[1]
    predictor, of_dyads = np.empty(dyads), np.empty(dyads)
    slope, by_scale = np.empty(dyads), np.empty(dyads)
    for s in range(effects.shape[0]):
        enters = use[s if use.shape[0] > 1 else 0]
        for p in range(effects.shape[1]):
            predictor[:] = base[s]
            for k in range(effects.shape[2]):
                effect = effects[s, p, k]
                for d in range(dyads):
                    predictor[d] += effect * enters[k, d]
            dense_log_prob(
                *(kind, link, predictor, scale[s], outcome, trials, constant),
                *(of_dyads, slope, by_scale),
            )
            value[s, p] = of_dyads.sum()
            for k in range(effects.shape[2]):
                total = 0.0
                for d in range(dyads):
                    total += slope[d] * enters[k, d]
                gradient[s, p, k] = total


@numba.njit(cache=True, **COMPILED)
def pairs_log_density(
    pairs: int,
    predictor: Row,
    sd: float,
    correlation: float,
    amount: Row,
    kept: Row,
    slope: Row,
) -> tuple[float, float, float]:
    """Compute the log-density of amounts whose residuals correlate, and its derivatives.

    Parameters
    ----------
    pairs : int
        How many pairs have both directions: these come first in every array, the other directions
        in the same order behind them, then the dyads whose other direction has no row.
    predictor, amount : numpy.ndarray
        Means and amounts, shape (dyad,).
    kept : numpy.ndarray
        0 for a dyad that is left out, of which the other direction is taken alone; shape (dyad,).
        Empty where none is.
    slope : numpy.ndarray
        Written: the derivatives in the means, shape (dyad,).

    Returns
    -------
    value, by_sd, by_correlation : float
        The log-density, and its derivatives in the standard deviation and in the correlation.
    """
    inverse, left = 1.0 / sd, 1.0 - correlation * correlation
    alone = -math.log(sd) - HALF_LOG_2PI
    both = 2.0 * alone - math.log(left) / 2.0
    value, squares, products, dyads, joint = 0.0, 0.0, 0.0, 0, 0
    if kept.size == 0:
        squares, products = _pairs(
            *(predictor[:pairs], predictor[pairs : 2 * pairs], amount[:pairs]),
            *(amount[pairs : 2 * pairs], inverse, correlation, inverse / left),
            *(slope[:pairs], slope[pairs : 2 * pairs]),
        )
        joint = pairs
    else:
        for p in range(pairs):
            one, other = kept[p] != 0.0, kept[p + pairs] != 0.0
            z = (amount[p] - predictor[p]) * inverse
            w = (amount[p + pairs] - predictor[p + pairs]) * inverse
            slope[p] = slope[p + pairs] = 0.0
            if one and other:
                slope[p] = (z - correlation * w) * inverse / left
                slope[p + pairs] = (w - correlation * z) * inverse / left
                squares += z * z + w * w
                products += z * w
                joint += 1
            elif one or other:
                at, alone_z = (p, z) if one else (p + pairs, w)
                slope[at] = alone_z * inverse
                value -= alone_z * alone_z / 2.0
                dyads += 1
    for d in range(2 * pairs, predictor.size):
        slope[d] = 0.0
        if kept.size == 0 or kept[d] != 0.0:
            z = (amount[d] - predictor[d]) * inverse
            slope[d] = z * inverse
            value -= z * z / 2.0
            dyads += 1
    # of pairs: -(squares - 2 r products) / (2 (1 - r^2))
    of_pairs = (squares - 2.0 * correlation * products) / left
    by_sd = (of_pairs - 2.0 * value - 2.0 * joint - dyads) * inverse
    by_correlation = (products - correlation * of_pairs + correlation * joint) / left
    return value - of_pairs / 2.0 + joint * both + dyads * alone, by_sd, by_correlation


@numba.njit(**SUMMING)
def _pairs(
    one: Row,
    other: Row,
    amount: Row,
    amount_back: Row,
    inverse: float,
    correlation: float,
    factor: float,
    slope: Row,
    slope_back: Row,
) -> tuple[float, float]:
    """Write the slopes of whole pairs; add up the squares of residuals, and their products."""
    squares, products = 0.0, 0.0
    for p in range(one.size):
        z, w = (amount[p] - one[p]) * inverse, (amount_back[p] - other[p]) * inverse
        slope[p] = (z - correlation * w) * factor
        slope_back[p] = (w - correlation * z) * factor
        squares += z * z + w * w
        products += z * w
    return squares, products


KEY = source_key(__file__, amounts.__file__, trials.__file__)
keep_by(KEY, dense_log_prob, dense_log_prob_of_draws, dense_sums, pairs_log_density)
