"""Successes of trials: binomial and beta-binomial, and the links that they are modelled through.

Arguments are the same everywhere: `selection` (the linear predictor), `dispersion` (None for the
binomial) and `trials`, of which a tie has one. The beta-binomial's chance of success is drawn anew
for each dyad, from a beta distribution with the parameters p / dispersion and (1 - p) / dispersion:
its variance is n p (1 - p) (1 + (n - 1) dispersion / (1 + dispersion)), and 0 gives the binomial.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from models.likelihood.arrays import NUMPY, Array, Arrays

LOGIT_OF_PROBIT = 1.7  # by which a probit's linear predictor is to be stretched to be a logit's
DIRECT = 32  # terms of `log_rising_from` that are summed one by one
LEAST = 1e-300  # a parameter of a beta distribution that NumPy can draw from


@dataclass(frozen=True)
class Link:
    """How a linear predictor becomes a chance of success; P(failure) is that of its negative.

    Attributes
    ----------
    log_p : callable
        ``(predictor, xp)`` to the log of the chance.
    p : callable
        A NumPy predictor to the chance.
    """

    name: str
    log_p: Callable[[Array, Arrays], Array]
    p: Callable[[Array], Array]


LOGIT = Link("logit", lambda predictor, xp: -xp.softplus(-predictor), special.expit)
PROBIT = Link("probit", lambda predictor, xp: xp.log_ndtr(predictor), special.ndtr)


@dataclass(frozen=True)
class Trials:
    """A distribution of successes.

    Attributes
    ----------
    name : str
        ``binomial`` and ``beta_binomial`` are those that the compiled loops know.
    log_prob : callable
        ``(successes, selection, dispersion, trials, xp)`` to the log-probability of each number.
    draw : callable
        ``(rng, selection, dispersion, trials)`` to int64 numbers of successes.
    """

    name: str
    link: Link
    has_dispersion: bool
    log_prob: Callable[[Array, Array, Array, np.ndarray, Arrays], Array]
    draw: Callable[[np.random.Generator, Array, Array, np.ndarray], np.ndarray]

    def variance(self, selection: Array, dispersion: Array, trials: np.ndarray) -> Array:
        """Give the variance of successes, shape (..., dyad)."""
        binomial = trials * self.link.p(selection) * self.link.p(-selection)
        if not self.has_dispersion:
            return binomial
        return binomial * (1 + (trials - 1) * dispersion / (1 + dispersion))


def binomial(link: Link) -> Trials:
    """Give the binomial distribution through a link."""

    def log_prob(
        successes: Array, selection: Array, _: Array, trials: np.ndarray, xp: Arrays
    ) -> Array:
        failures = trials - successes
        chances = successes * link.log_p(selection, xp) + failures * link.log_p(-selection, xp)
        return chances + log_choose(trials, successes, xp)

    def draw(
        rng: np.random.Generator, selection: Array, _: Array, trials: np.ndarray
    ) -> np.ndarray:
        return np.asarray(rng.binomial(trials, link.p(selection)))

    return Trials("binomial", link, has_dispersion=False, log_prob=log_prob, draw=draw)


def beta_binomial(link: Link) -> Trials:
    """Give the beta-binomial distribution through a link."""

    def log_prob(
        successes: Array, selection: Array, dispersion: Array, trials: np.ndarray, xp: Arrays
    ) -> Array:
        most = int(trials.max(initial=0))
        of_successes = log_rising_from(link.log_p(selection, xp), successes, dispersion, most, xp)
        of_failures = log_rising_from(
            link.log_p(-selection, xp), trials - successes, dispersion, most, xp
        )
        of_trials = log_rising_from(0.0 * selection, trials, dispersion, most, xp)
        return of_successes + of_failures - of_trials + log_choose(trials, successes, xp)

    def draw(
        rng: np.random.Generator, selection: Array, dispersion: Array, trials: np.ndarray
    ) -> np.ndarray:
        one, other = (
            np.maximum(link.p(predictor) / dispersion, LEAST)
            for predictor in (selection, -selection)
        )
        return np.asarray(rng.binomial(trials, rng.beta(one, other)))

    return Trials("beta_binomial", link, has_dispersion=True, log_prob=log_prob, draw=draw)


def log_choose(trials: np.ndarray, successes: Array, xp: Arrays) -> Array:
    """Give the log of how many ways there are to choose the successes from the trials."""
    of = NUMPY if isinstance(successes, np.ndarray) else xp
    chosen = of.gammaln(successes + 1.0) + of.gammaln(trials - successes + 1.0)
    return special.gammaln(trials + 1.0) - chosen


def log_rising_from(log_start: Array, number: Array, step: Array, most: int, xp: Arrays) -> Array:
    """Sum log(start + k step) over k = 0 .. number - 1.

    The terms from the 32nd on follow from the Euler-Maclaurin formula, whose error is below 1e-13
    there.

    Parameters
    ----------
    log_start : array
        Log of the start, shape (..., dyad).
    number : array
        How many terms, shape (dyad,).
    step : array
        Shape () or (draw, 1).
    most : int
        The largest number, or more.
    """
    start = xp.exp(log_start)
    total = xp.where(number > 0, log_start, 0.0 * log_start)
    few = min(most, DIRECT)
    if xp is NUMPY:  # one by one: all at once would take as many times the memory
        for k in range(1, few):
            total = total + np.where(number > k, np.log(start + k * step), 0.0)
    elif few > 1:  # all at once: as many operations would take minutes to compile
        every = np.arange(1.0, few)
        wide, steps = start[..., None], (0.0 * start + step)[..., None]
        terms = xp.where(number[..., None] > every, xp.log(wide + every * steps), 0.0 * wide)
        total = total + terms.sum(axis=-1)
    if most <= DIRECT:
        return total
    low = start + DIRECT * step
    length = xp.where(number > DIRECT, number - DIRECT, 1.0 + 0.0 * number)
    grown = length * step / low
    high = low * (1 + grown)
    area = length * (xp.log(low) + ((1 + grown) * xp.log1p(grown) - grown) / grown)
    rest = area - xp.log1p(grown) / 2
    for weight, power in ((1 / 12, 1), (-2 / 720, 3), (24 / 30240, 5)):
        rest = rest + weight * ((step / high) ** power - (step / low) ** power)
    return total + xp.where(number > DIRECT, rest, 0.0 * log_start)
