"""The two distributions of counts that families are made of: Poisson and negative binomial.

Arguments are the same everywhere: `degree` (log mean) and `dispersion` (Stata's alpha: Var = mu +
dispersion mu^2; None for the Poisson). Everything is a function of the linear predictor, never
of its exponential alone, so that nothing is NaN for |degree| up to 700, dispersions from 1e-8 to
1e4 and counts up to 2^53.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.likelihood.arrays import NUMPY, Array, Arrays

EXACT = 1000  # terms of `log_rising` that are summed one by one
LARGEST_RATE = 1e15  # keeps NumPy's Poisson draws, and sums of them, inside int64


@dataclass(frozen=True)
class Counts:
    """A distribution of counts.

    Attributes
    ----------
    log_prob : callable
        ``(count, degree, dispersion, xp)`` to the log-probability of each count.
    draw, draw_positive : callable
        ``(rng, degree, dispersion)`` to int64 counts, of the whole or of the positive part.
    """

    has_dispersion: bool
    log_prob: Callable[[Array, Array, Array, Arrays], Array]
    log_p_zero: Callable[[Array, Array, Arrays], Array]
    draw: Callable[[np.random.Generator, Array, Array], np.ndarray]
    draw_positive: Callable[[np.random.Generator, Array, Array], np.ndarray]

    def variance(self, degree: Array, dispersion: Array) -> Array:
        """Give the variance, mu + dispersion mu^2.

        Returns
        -------
        array
            Shape (..., dyad).
        """
        mu = np.exp(degree)
        return mu + (dispersion * mu**2 if self.has_dispersion else 0)


def log_rising(count: Array, dispersion: Array, xp: Arrays) -> Array:
    """Sum log(1 + k dispersion) over k = 0 .. count - 1.

    This is log Gamma(count + r) - log Gamma(r) + count log(dispersion) for r = 1 / dispersion,
    without the cancellation that the difference suffers for large r, and computed once for each
    distinct count. Beyond 1000 terms the rest follows from the Euler-Maclaurin formula, whose
    error is below 1e-12 there.

    Parameters
    ----------
    count : numpy.ndarray of int, or a PyTensor variable
        Counts, shape (dyad,). Counts that are known now are each computed once.
    dispersion : array
        Shape () or (draw, 1).

    Returns
    -------
    array
        Shape (dyad,) or (draw, dyad).
    """
    if not isinstance(count, np.ndarray):  # a shared variable, whose counts may change
        r = 1 / dispersion
        return xp.gammaln(count + r) - xp.gammaln(r) + count * xp.log(dispersion)
    distinct, position = np.unique(count, return_inverse=True)
    steps = np.arange(max(1, min(distinct[-1], EXACT)), dtype=float)
    summed = xp.cumsum(xp.log1p(dispersion * steps), axis=-1)
    table = xp.concatenate([xp.zeros_like(summed[..., :1]), summed], axis=-1)
    table = table[..., np.minimum(distinct, EXACT)]
    if distinct[-1] > EXACT:
        beyond = np.maximum(distinct, EXACT).astype(float)
        table = table + (
            _smooth_sum(beyond, dispersion, xp) - _smooth_sum(float(EXACT), dispersion, xp)
        )
    return table[..., position]


def _smooth_sum(end: Array, dispersion: Array, xp: Arrays) -> Array:
    # Euler-Maclaurin for f(x) = log(1 + x dispersion): the integral of f, less f / 2, plus f' / 12
    grown = dispersion * end
    log_grown = xp.log1p(grown)
    return (
        ((1 + grown) * log_grown - grown) / dispersion
        - log_grown / 2
        + dispersion / (12 * (1 + grown))
    )


def _log_factorial(count: Array, xp: Arrays) -> Array:
    known = isinstance(count, np.ndarray)
    return (NUMPY if known else xp).gammaln(count + 1.0)


def _nb_log_prob(count: Array, degree: Array, dispersion: Array, xp: Arrays) -> Array:
    # With r = 1 / dispersion: y log mu - (y + r) log(1 + dispersion mu) + log_rising - log y!
    log_odds = degree + xp.log(dispersion)
    return (
        count * degree
        - (count + 1 / dispersion) * xp.softplus(log_odds)
        + log_rising(count, dispersion, xp)
        - _log_factorial(count, xp)
    )


def _nb_log_p_zero(degree: Array, dispersion: Array, xp: Arrays) -> Array:
    return -xp.softplus(degree + xp.log(dispersion)) / dispersion


def _nb_draw(rng: np.random.Generator, degree: Array, dispersion: Array) -> np.ndarray:
    with np.errstate(over="ignore"):
        rate = rng.gamma(1 / dispersion, dispersion, np.shape(degree + dispersion)) * np.exp(degree)
    return _poisson(rng, rate)


def _nb_draw_positive(rng: np.random.Generator, degree: Array, dispersion: Array) -> np.ndarray:
    # A negative binomial counts the arrivals in [0, 1] of a process with a gamma rate: P(first
    # arrival > t) = (1 + dispersion mu t)^(-1 / dispersion). Draw the first arrival, given that
    # it falls into [0, 1]; then the rate, given that arrival; then the arrivals after it.
    mu = np.exp(degree)
    p_positive = -np.expm1(_nb_log_p_zero(degree, dispersion, NUMPY))
    log_survival = np.log1p(-rng.random(np.shape(mu * dispersion)) * p_positive)
    first = np.expm1(-dispersion * log_survival) / (dispersion * mu)
    shape = 1 / dispersion + 1
    rate = rng.gamma(shape, 1.0, np.shape(first)) / (1 / (dispersion * mu) + first)
    return 1 + _poisson(rng, rate * (1 - np.minimum(first, 1)))


def _poisson_log_prob(count: Array, degree: Array, dispersion: Array, xp: Arrays) -> Array:
    return count * degree - xp.exp(degree) - _log_factorial(count, xp)


def _poisson_log_p_zero(degree: Array, dispersion: Array, xp: Arrays) -> Array:
    return -xp.exp(degree)


def _poisson_draw(rng: np.random.Generator, degree: Array, dispersion: Array) -> np.ndarray:
    return _poisson(rng, np.exp(degree))


def _poisson_draw_positive(
    rng: np.random.Generator, degree: Array, dispersion: Array
) -> np.ndarray:
    # the first arrival of a Poisson process, given that it falls into [0, 1], and those after it
    mu = np.exp(degree)
    first = -np.log1p(rng.random(np.shape(mu)) * np.expm1(-mu)) / mu
    return 1 + _poisson(rng, mu * (1 - np.minimum(first, 1)))


def _poisson(rng: np.random.Generator, rate: Array) -> np.ndarray:
    return np.asarray(rng.poisson(np.minimum(rate, LARGEST_RATE)))


POISSON = Counts(
    has_dispersion=False,
    log_prob=_poisson_log_prob,
    log_p_zero=_poisson_log_p_zero,
    draw=_poisson_draw,
    draw_positive=_poisson_draw_positive,
)
NB = Counts(
    has_dispersion=True,
    log_prob=_nb_log_prob,
    log_p_zero=_nb_log_p_zero,
    draw=_nb_draw,
    draw_positive=_nb_draw_positive,
)
