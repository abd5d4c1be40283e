"""Families: how a count arises from the linear predictors of a dyad.

A family is a distribution of counts, taken as it is, inflated with zeros, or cut into a hurdle
and the positive counts beyond it. The arguments are the same everywhere: `count` (whole numbers;
dims ..., dyad), `degree` (log mean of the counts of an eligible dyad; before truncation in a
hurdle), `selection` (logit of P(eligible); None where the family has no such part) and
`dispersion` (Stata's alpha; None where there is none). Draws come before dyads in the dims.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.roles import Part
from models.likelihood.arrays import NUMPY, Array, Arrays
from models.likelihood.counts import NB, POISSON, Counts
from models.registry import Registry

LogZero = Callable[[Array, Array, Array, Arrays], Array]
LogPositive = Callable[[Array, Array, Array, Array, Arrays], Array]
Moment = Callable[[Array, Array, Array], Array]
Draw = Callable[[np.random.Generator, Array, Array, Array], np.ndarray]


@dataclass(frozen=True)
class Family:
    """One way in which counts arise.

    Attributes
    ----------
    log_zero : callable
        ``(degree, selection, dispersion, xp)`` to the log-probability of a zero.
    log_positive : callable
        ``(count, degree, selection, dispersion, xp)`` to the log-probability of positive counts.
    mean, variance : callable
        ``(degree, selection, dispersion)`` to the expected count and its variance.
    draw : callable
        ``(rng, degree, selection, dispersion)`` to int64 counts.
    """

    kind: str
    counts: Counts
    parts: tuple[Part, ...]
    log_zero: LogZero
    log_positive: LogPositive
    mean: Moment
    variance: Moment
    draw: Draw

    @property
    def has_dispersion(self) -> bool:
        return self.counts.has_dispersion

    def log_prob(
        self,
        count: Array,
        degree: Array,
        selection: Array,
        dispersion: Array,
        xp: Arrays = NUMPY,
    ) -> Array:
        """Give the log-probability of each count.

        Parameters
        ----------
        count : array
            Whole numbers, shape (dyad,).

        Returns
        -------
        array
            Shape (..., dyad).
        """
        zero = self.log_zero(degree, selection, dispersion, xp)
        return xp.where(
            count < 1, zero, self.log_positive(count, degree, selection, dispersion, xp)
        )

    def p_zero(self, degree: Array, selection: Array, dispersion: Array) -> Array:
        """Give the probability of a zero.

        Returns
        -------
        array
            Shape (..., dyad).
        """
        return np.exp(self.log_zero(degree, selection, dispersion, NUMPY))


def plain(counts: Counts) -> Family:
    """Take a distribution of counts as it is."""
    return Family(
        kind="plain",
        counts=counts,
        parts=(Part.DEGREE,),
        log_zero=lambda degree, _, dispersion, xp: counts.log_p_zero(degree, dispersion, xp),
        log_positive=lambda count, degree, _, dispersion, xp: counts.log_prob(
            count, degree, dispersion, xp
        ),
        mean=lambda degree, _selection, _dispersion: np.exp(degree),
        variance=lambda degree, _, dispersion: counts.variance(degree, dispersion),
        draw=lambda rng, degree, _, dispersion: counts.draw(rng, degree, dispersion),
    )


def zero_inflated(counts: Counts) -> Family:
    """Add zeros to a distribution of counts."""

    def log_zero(degree: Array, selection: Array, dispersion: Array, xp: Arrays) -> Array:
        # P(0) = 1 - psi + psi p0 = (1 + exp(s) p0) / (1 + exp(s)) for psi = sigmoid(s)
        inner = selection + counts.log_p_zero(degree, dispersion, xp)
        return xp.softplus(inner) - xp.softplus(selection)

    def log_positive(
        count: Array, degree: Array, selection: Array, dispersion: Array, xp: Arrays
    ) -> Array:
        return counts.log_prob(count, degree, dispersion, xp) - xp.softplus(-selection)

    def draw(
        rng: np.random.Generator, degree: Array, selection: Array, dispersion: Array
    ) -> np.ndarray:
        eligible = rng.random(np.shape(degree + selection)) < NUMPY.sigmoid(selection)
        return np.where(eligible, counts.draw(rng, degree, dispersion), 0)

    return _two_part(
        "zero_inflated", counts, log_zero, log_positive, draw, lambda _degree, _dispersion: 1.0
    )


def hurdle(counts: Counts) -> Family:
    """Cut the zeros off a distribution of counts, and let the selection part make all of them."""

    def log_p_positive(degree: Array, dispersion: Array, xp: Arrays) -> Array:
        return xp.log(-xp.expm1(counts.log_p_zero(degree, dispersion, xp)))

    def log_positive(
        count: Array, degree: Array, selection: Array, dispersion: Array, xp: Arrays
    ) -> Array:
        truncated = counts.log_prob(count, degree, dispersion, xp) - log_p_positive(
            degree, dispersion, xp
        )
        return truncated - xp.softplus(-selection)

    def draw(
        rng: np.random.Generator, degree: Array, selection: Array, dispersion: Array
    ) -> np.ndarray:
        eligible = rng.random(np.shape(degree + selection)) < NUMPY.sigmoid(selection)
        return np.where(eligible, counts.draw_positive(rng, degree, dispersion), 0)

    return _two_part(
        "hurdle",
        counts,
        lambda _degree, selection, _dispersion, xp: -xp.softplus(selection),
        log_positive,
        draw,
        lambda degree, dispersion: np.exp(log_p_positive(degree, dispersion, NUMPY)),
    )


def _two_part(
    kind: str,
    counts: Counts,
    log_zero: LogZero,
    log_positive: LogPositive,
    draw: Draw,
    kept: Callable[[Array, Array], Array],
) -> Family:
    """Complete a family of two parts; `kept` is the share of the counts' mass that is kept."""

    def mean(degree: Array, selection: Array, dispersion: Array) -> Array:
        return NUMPY.sigmoid(selection) * np.exp(degree) / kept(degree, dispersion)

    def variance(degree: Array, selection: Array, dispersion: Array) -> Array:
        square = counts.variance(degree, dispersion) + np.exp(2 * degree)
        square = NUMPY.sigmoid(selection) * square / kept(degree, dispersion)
        return square - mean(degree, selection, dispersion) ** 2

    return Family(
        kind=kind,
        counts=counts,
        parts=(Part.SELECTION, Part.DEGREE),
        log_zero=log_zero,
        log_positive=log_positive,
        mean=mean,
        variance=variance,
        draw=draw,
    )


FAMILIES: Registry[Family] = Registry(
    __name__,
    {
        "poisson": plain(POISSON),
        "nb": plain(NB),
        "zip": zero_inflated(POISSON),
        "zinb": zero_inflated(NB),
        "hurdle_nb": hurdle(NB),
    },
)
