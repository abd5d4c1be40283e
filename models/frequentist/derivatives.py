"""Log-probabilities of counts with their first and second derivatives, in closed form.

Maximum likelihood needs the Hessian and the score of each dyad, which sampling does not. A dyad's
log-likelihood is a function of three numbers: the linear predictors of selection and degree, and
the log of the family's own parameter, the dispersion of counts. `Derivatives` holds its value,
gradient and Hessian in them.

The negative binomial: with u = dispersion mu, w = u / (1 + u) and L = log(1 + u), the
log-probability of a zero is z = -L / dispersion.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, gammaln

from models.likelihood.counts import EXACT

SELECTION, DEGREE, LOG_SCALE = range(3)


@dataclass(frozen=True)
class Derivatives:
    """A function of a dyad's (selection, degree, log dispersion) and its derivatives.

    Attributes
    ----------
    value : numpy.ndarray
        Shape (dyad,).
    first : numpy.ndarray
        Shape (3, dyad).
    second : numpy.ndarray
        Shape (3, 3, dyad), symmetric.
    """

    value: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def __add__(self, other: "Derivatives") -> "Derivatives":
        return Derivatives(
            self.value + other.value, self.first + other.first, self.second + other.second
        )

    def through(self, value: np.ndarray, slope: np.ndarray, bend: np.ndarray) -> "Derivatives":
        """Apply a function, given as its value and two derivatives at ``self.value``, (dyad,)."""
        # in this order: a bend of zero outweighs a slope whose square is beyond floating point
        outer = (bend * self.first)[:, None] * self.first[None, :]
        return Derivatives(value, slope * self.first, slope * self.second + outer)


@dataclass(frozen=True)
class KnownCounts:
    """Counts of dyads, and what is computed from them once."""

    count: np.ndarray  # float64, shape (dyad,)

    @cached_property
    def log_factorial(self) -> np.ndarray:
        log_factorial: np.ndarray = gammaln(self.count + 1)
        return log_factorial

    @cached_property
    def terms(self) -> np.ndarray:
        """How many terms of `_rising` are summed one by one."""
        terms: np.ndarray = np.minimum(self.count, EXACT).astype(int)
        return terms


Zero = Callable[[np.ndarray, float], Derivatives]
Positive = Callable[[KnownCounts, np.ndarray, float], Derivatives]


def constant(value: np.ndarray) -> Derivatives:
    """Give a function, (dyad,), that does not move, for its derivatives to be filled in."""
    return Derivatives(value, np.zeros((3, value.size)), np.zeros((3, 3, value.size)))


def _nb_zero(degree: np.ndarray, log_dispersion: float) -> Derivatives:
    r = np.exp(-log_dispersion)
    w, log_grown = expit(degree + log_dispersion), np.logaddexp(0, degree + log_dispersion)
    z = constant(-r * log_grown)
    z.first[DEGREE] = -r * w
    z.first[LOG_SCALE] = r * (log_grown - w)
    z.second[DEGREE, DEGREE] = -r * w * (1 - w)
    z.second[DEGREE, LOG_SCALE] = z.second[LOG_SCALE, DEGREE] = r * w**2
    z.second[LOG_SCALE, LOG_SCALE] = r * (w + w**2 - log_grown)
    return z


def _nb_positive(counts: KnownCounts, degree: np.ndarray, log_dispersion: float) -> Derivatives:
    # log p(y) = y log mu - (y + r) L + rising - log y!
    y, r = counts.count, np.exp(-log_dispersion)
    w, log_grown = expit(degree + log_dispersion), np.logaddexp(0, degree + log_dispersion)
    rising = _rising(counts, np.exp(log_dispersion))
    p = constant(y * degree - (y + r) * log_grown + rising[0] - counts.log_factorial)
    bend = -y * w * (1 - w)
    p.first[DEGREE] = y * (1 - w) - r * w
    p.first[LOG_SCALE] = r * (log_grown - w) - y * w + rising[1]
    p.second[DEGREE, DEGREE] = bend - r * w * (1 - w)
    p.second[DEGREE, LOG_SCALE] = p.second[LOG_SCALE, DEGREE] = bend + r * w**2
    p.second[LOG_SCALE, LOG_SCALE] = bend + r * (w + w**2 - log_grown) + rising[2]
    return p


def _rising(counts: KnownCounts, dispersion: float) -> np.ndarray:
    """Give `models.likelihood.counts.log_rising` of counts, and its derivatives in log dispersion.

    Rows of the result: the sum over k = 0 .. count - 1 of log(1 + k dispersion), and its first
    and second derivative. The sums beyond 1000 terms follow from the Euler-Maclaurin formula.
    """
    most = counts.terms.max(initial=0)
    grown = dispersion * np.arange(most)
    w = grown / (1 + grown)
    sums = np.zeros((3, most + 1))
    np.stack([np.log1p(grown), w, w / (1 + grown)]).cumsum(axis=1, out=sums[:, 1:])
    rising: np.ndarray = sums.take(counts.terms, axis=1)
    if most == EXACT:
        beyond = np.maximum(counts.count, EXACT)
        rising += _smooth(beyond, dispersion) - _smooth(np.array([EXACT]), dispersion)
    return rising


def _smooth(end: np.ndarray, dispersion: float) -> np.ndarray:
    # the integral of f(x) = log(1 + x dispersion), less f / 2, plus f' / 12; then d / d log
    g = dispersion * end
    log_g = np.log1p(g)
    return np.stack(
        [
            ((1 + g) * log_g - g) / dispersion - log_g / 2 + dispersion / (12 * (1 + g)),
            (g - log_g) / dispersion - g / (2 * (1 + g)) + dispersion / (12 * (1 + g) ** 2),
            (log_g - g / (1 + g)) / dispersion
            - g / (2 * (1 + g) ** 2)
            + dispersion * (1 - g) / (12 * (1 + g) ** 3),
        ]
    )


def _poisson_zero(degree: np.ndarray, _log_dispersion: float) -> Derivatives:
    mu = np.exp(degree)
    z = constant(-mu)
    z.first[DEGREE] = -mu
    z.second[DEGREE, DEGREE] = -mu
    return z


def _poisson_positive(counts: KnownCounts, degree: np.ndarray, _: float) -> Derivatives:
    extra = constant(counts.count * degree - counts.log_factorial)
    extra.first[DEGREE] = counts.count
    return _poisson_zero(degree, _) + extra


@dataclass(frozen=True)
class CountDerivatives:
    """A distribution of counts: the log-probability of a zero, and that of positive counts."""

    zero: Zero
    positive: Positive


POISSON_COUNTS = CountDerivatives(_poisson_zero, _poisson_positive)
NB_COUNTS = CountDerivatives(_nb_zero, _nb_positive)
