"""Log-probabilities of ties, successes and amounts, with their first and second derivatives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import digamma, expit, log_ndtr, logit, ndtri, polygamma
from scipy.stats import norm

from models.frequentist.derivatives import DEGREE, LOG_SCALE, SELECTION, Derivatives, constant
from models.likelihood.amounts import HALF_LOG_2PI
from models.likelihood.arrays import NUMPY
from models.likelihood.observed import Observed
from models.likelihood.trials import LOGIT, PROBIT, Link, Trials

DIRECT = 1000  # terms of a sum that are added up one by one
SMALL = 1e-4  # of a step times the number of terms, below which sums are taken from their series

# a predictor (dyad,) to the first and second derivative of the log of the chance of success
Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _logit_slopes(predictor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    failure = expit(-predictor)
    return failure, -failure * expit(predictor)


def _probit_slopes(predictor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ratio = np.exp(norm.logpdf(predictor) - log_ndtr(predictor))
    return ratio, -ratio * (predictor + ratio)


SLOPES: dict[Link, Slopes] = {LOGIT: _logit_slopes, PROBIT: _probit_slopes}
QUANTILES: dict[Link, Callable[[Any], Any]] = {LOGIT: logit, PROBIT: ndtri}


@dataclass(frozen=True)
class OfTrials:
    """A log-likelihood of ties or successes.

    Attributes
    ----------
    limits : tuple of str
        Families that are limits of this one: it can fit no worse than they do.
    """

    trials: Trials
    limits: tuple[str, ...] = ()
    kind: str = "trials"
    plain: str = ""

    def derivatives(
        self, observed: Observed, selection: np.ndarray, _: None, log_scale: float
    ) -> Derivatives:
        """Give the log-probability of successes with its derivatives; arrays are (dyad,)."""
        successes, number = observed.outcome.astype(float), observed.number
        scale = np.exp(log_scale)
        found = constant(self.trials.log_prob(successes, selection, scale, number, NUMPY))
        slopes = SLOPES[self.trials.link]
        up, up_bend = slopes(selection)
        down, down_bend = slopes(-selection)
        failures = number - successes
        if not self.trials.has_dispersion:
            found.first[SELECTION] = successes * up - failures * down
            found.second[SELECTION, SELECTION] = successes * up_bend + failures * down_bend
            return found
        p, q = (np.exp(self.trials.link.log_p(x, NUMPY)) for x in (selection, -selection))
        # of the chance in the predictor: p', p''
        slope, bend = p * up, p * (up_bend + up**2)
        one, other = _rising(p, successes, scale), _rising(q, failures, scale)
        total = _rising(np.ones_like(p), number, scale)
        # the first terms, log p and log q, are taken from the link: their starts may be tiny
        found.first[SELECTION] = (
            (successes > 0) * up - (failures > 0) * down + slope * (one.a - other.a)
        )
        found.second[SELECTION, SELECTION] = (
            (successes > 0) * up_bend
            + (failures > 0) * down_bend
            + slope**2 * (one.aa + other.aa)
            + bend * (one.a - other.a)
        )
        by_step = one.d + other.d - total.d
        found.first[LOG_SCALE] = scale * by_step
        found.second[LOG_SCALE, LOG_SCALE] = scale * by_step + scale**2 * (
            one.dd + other.dd - total.dd
        )
        mixed = scale * slope * (one.ad - other.ad)
        found.second[SELECTION, LOG_SCALE] = found.second[LOG_SCALE, SELECTION] = mixed
        return found

    def start(self, observed: Observed, weight: np.ndarray) -> tuple[float, float]:
        """Give an intercept and a log scale to begin from."""
        successes = observed.outcome.astype(float)
        all_trials = float(weight @ observed.number)
        share = (float(weight @ successes) + 0.5) / (all_trials + 1)
        return float(QUANTILES[self.trials.link](share)), np.log(0.1)


@dataclass(frozen=True)
class OfAmounts:
    """The log-likelihood of normal amounts."""

    limits: tuple[str, ...] = ()
    kind: str = "amounts"
    plain: str = ""

    def derivatives(
        self, observed: Observed, _: None, degree: np.ndarray, log_scale: float
    ) -> Derivatives:
        """Give the log-density of amounts with its derivatives; arrays are (dyad,)."""
        inverse = np.exp(-log_scale)
        z = (observed.outcome - degree) * inverse
        found = constant(-(z**2) / 2 - log_scale - HALF_LOG_2PI)
        found.first[DEGREE] = z * inverse
        found.first[LOG_SCALE] = z**2 - 1
        found.second[DEGREE, DEGREE] = -(inverse**2)
        found.second[DEGREE, LOG_SCALE] = found.second[LOG_SCALE, DEGREE] = -2 * z * inverse
        found.second[LOG_SCALE, LOG_SCALE] = -2 * z**2
        return found

    def start(self, observed: Observed, weight: np.ndarray) -> tuple[float, float]:
        """Give an intercept and a log scale to begin from."""
        mean = float(np.average(observed.outcome, weights=weight))
        variance = float(np.average((observed.outcome - mean) ** 2, weights=weight))
        return mean, np.log(max(variance, 1e-30)) / 2


@dataclass(frozen=True)
class _Rising:
    """Derivatives of the sum of log(a + k d) over k = 1 .. number - 1 in a and in d, (dyad,)."""

    a: np.ndarray
    d: np.ndarray
    aa: np.ndarray
    ad: np.ndarray
    dd: np.ndarray


def _rising(start: np.ndarray, number: np.ndarray, step: float) -> _Rising:
    sums = np.zeros((5, start.size))
    most = int(min(number.max(initial=0), DIRECT))
    for k in range(1, most):
        rows = number > k
        term = 1 / (start[rows] + k * step)
        square = term**2
        sums[:, rows] += [term, k * term, -square, -k * square, -(k**2) * square]
    beyond = number > DIRECT
    if beyond.any():
        low, length = start[beyond] + DIRECT * step, number[beyond] - DIRECT
        first, second = _inverse_sums(low, length, step)
        # k = DIRECT + m: with t = low + m step, m / t = (1 - low / t) / step
        m1 = _over_step(length, low * first, step, length * (length - 1) / 2 / low)
        m2 = _over_step(first, low * second, step, length * (length - 1) / 2 / low**2)
        mm2 = _over_step(m1, low * m2, step, length**3 / 3 / low**2)
        D = DIRECT
        sums[0, beyond] += first
        sums[1, beyond] += D * first + m1
        sums[2, beyond] -= second
        sums[3, beyond] -= D * second + m2
        sums[4, beyond] -= D**2 * second + 2 * D * m2 + mm2
    return _Rising(*sums)


def _inverse_sums(
    low: np.ndarray, length: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sum 1 / (low + m step), and its square, over m = 0 .. length - 1."""
    grown = step * length / low
    series = grown < SMALL
    safe = np.where(series, 1.0, low / step)
    first = np.where(
        series, length / low * (1 - grown / 2), (digamma(safe + length) - digamma(safe)) / step
    )
    second = np.where(
        series,
        length / low**2 * (1 - grown),
        (polygamma(1, safe) - polygamma(1, safe + length)) / step**2,
    )
    return first, second


def _over_step(whole: np.ndarray, less: np.ndarray, step: float, limit: np.ndarray) -> np.ndarray:
    """Give a difference over the step; where rounding would swallow it, its limit."""
    difference = whole - less
    return np.where(difference < SMALL * np.abs(whole), limit, difference / step)
