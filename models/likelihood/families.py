"""Families: how an outcome arises from the linear predictors of a dyad.

A family of counts is a distribution, taken as it is, inflated with zeros, or cut into a hurdle and
the positive counts beyond it. Ties and successes have one part, selection; amounts have degree
alone. The arguments are the same everywhere: `outcome` (dims ..., dyad), `degree` (log mean of the
counts of an eligible dyad, before truncation in a hurdle; the mean of an amount), `selection`
(through the link, P(eligible) or the chance of a tie or a success), `scale` (the family's own
parameter: Stata's alpha of counts, the dispersion of successes, the residual sd of amounts) and
`trials` (dyad); None of what the family has not. Draws come before dyads in the dims.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE, OutcomeKind
from data.roles import Part
from models.likelihood.amounts import log_density
from models.likelihood.arrays import NUMPY, Array, Arrays
from models.likelihood.counts import NB, POISSON, Counts
from models.likelihood.trials import LOGIT, PROBIT, Link, Trials, beta_binomial, binomial
from models.registry import Registry

LogZero = Callable[[Array, Array, Array, Array, Arrays], Array]
LogProb = Callable[[Array, Array, Array, Array, Array, Arrays], Array]
Moment = Callable[[Array, Array, Array, Array], Array]
Draw = Callable[[np.random.Generator, Array, Array, Array, Array], np.ndarray]

DISPERSION, RESIDUAL_SD = "dispersion", "residual_sd"  # the names of families' own parameters


@dataclass(frozen=True)
class Family:
    """One way in which outcomes arise.

    Attributes
    ----------
    kind : str
        ``plain``, ``zero_inflated`` or ``hurdle`` counts, ``trials`` or ``amounts``.
    outcome : OutcomeKind
        What an outcome may be.
    scale : str
        The name of the family's own parameter; empty where there is none.
    density : callable
        ``(outcome, degree, selection, scale, trials, xp)`` to the log-probability of outcomes.
    log_zero : callable or None
        ``(degree, selection, scale, trials, xp)`` to the log-probability of a zero; None of
        amounts.
    mean, variance : callable
        ``(degree, selection, scale, trials)`` to the expected outcome and its variance.
    draw : callable
        ``(rng, degree, selection, scale, trials)`` to outcomes, int64 but for amounts.
    distribution : Counts, Trials or None
        What the family is made of; None of amounts.
    """

    kind: str
    parts: tuple[Part, ...]
    outcome: OutcomeKind
    scale: str
    density: LogProb
    log_zero: LogZero | None
    mean: Moment
    variance: Moment
    draw: Draw
    distribution: Counts | Trials | None = None

    @property
    def link(self) -> Link | None:
        """The link of a family of ties or successes."""
        return self.distribution.link if isinstance(self.distribution, Trials) else None

    def log_prob(
        self,
        outcome: Array,
        degree: Array,
        selection: Array,
        scale: Array,
        trials: Array = None,
        xp: Arrays = NUMPY,
    ) -> Array:
        """Give the log-probability of each outcome; of an amount, its log-density.

        Parameters
        ----------
        outcome : array
            Shape (dyad,).

        Returns
        -------
        array
            Shape (..., dyad).
        """
        return self.density(outcome, degree, selection, scale, trials, xp)

    def p_zero(self, degree: Array, selection: Array, scale: Array, trials: Array = None) -> Array:
        """Give the probability of a zero.

        Returns
        -------
        array
            Shape (..., dyad).
        """
        if self.log_zero is None:
            raise ValueError("an amount has no probability of a zero")
        return np.exp(self.log_zero(degree, selection, scale, trials, NUMPY))


def _of_counts(
    kind: str,
    counts: Counts,
    parts: tuple[Part, ...],
    log_zero: LogZero,
    log_positive: LogProb,
    mean: Moment,
    variance: Moment,
    draw: Draw,
) -> Family:
    """Put a family of counts together from its zeros and its positive counts."""

    def density(
        count: Array, degree: Array, selection: Array, scale: Array, trials: Array, xp: Arrays
    ) -> Array:
        zero = log_zero(degree, selection, scale, trials, xp)
        positive = log_positive(count, degree, selection, scale, trials, xp)
        return xp.where(count < 1, zero, positive)

    scale = DISPERSION if counts.has_dispersion else ""
    moments = (mean, variance, draw, counts)
    return Family(kind, parts, COUNT, scale, density, log_zero, *moments)


def plain(counts: Counts) -> Family:
    """Take a distribution of counts as it is."""
    return _of_counts(
        kind="plain",
        counts=counts,
        parts=(Part.DEGREE,),
        log_zero=lambda degree, _, dispersion, _trials, xp: counts.log_p_zero(
            degree, dispersion, xp
        ),
        log_positive=lambda count, degree, _, dispersion, _trials, xp: counts.log_prob(
            count, degree, dispersion, xp
        ),
        mean=lambda degree, _selection, _dispersion, _trials: np.exp(degree),
        variance=lambda degree, _, dispersion, _trials: counts.variance(degree, dispersion),
        draw=lambda rng, degree, _, dispersion, _trials: counts.draw(rng, degree, dispersion),
    )


def zero_inflated(counts: Counts) -> Family:
    """Add zeros to a distribution of counts."""

    def log_zero(degree: Array, selection: Array, dispersion: Array, _: Array, xp: Arrays) -> Array:
        # P(0) = 1 - psi + psi p0 = (1 + exp(s) p0) / (1 + exp(s)) for psi = sigmoid(s)
        inner = selection + counts.log_p_zero(degree, dispersion, xp)
        return xp.softplus(inner) - xp.softplus(selection)

    def log_positive(
        count: Array, degree: Array, selection: Array, dispersion: Array, _: Array, xp: Arrays
    ) -> Array:
        return counts.log_prob(count, degree, dispersion, xp) - xp.softplus(-selection)

    def draw(
        rng: np.random.Generator, degree: Array, selection: Array, dispersion: Array, _: Array
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
        count: Array, degree: Array, selection: Array, dispersion: Array, _: Array, xp: Arrays
    ) -> Array:
        truncated = counts.log_prob(count, degree, dispersion, xp) - log_p_positive(
            degree, dispersion, xp
        )
        return truncated - xp.softplus(-selection)

    def draw(
        rng: np.random.Generator, degree: Array, selection: Array, dispersion: Array, _: Array
    ) -> np.ndarray:
        eligible = rng.random(np.shape(degree + selection)) < NUMPY.sigmoid(selection)
        return np.where(eligible, counts.draw_positive(rng, degree, dispersion), 0)

    return _two_part(
        "hurdle",
        counts,
        lambda _degree, selection, _dispersion, _trials, xp: -xp.softplus(selection),
        log_positive,
        draw,
        lambda degree, dispersion: np.exp(log_p_positive(degree, dispersion, NUMPY)),
    )


def _two_part(
    kind: str,
    counts: Counts,
    log_zero: LogZero,
    log_positive: LogProb,
    draw: Draw,
    kept: Callable[[Array, Array], Array],
) -> Family:
    """Complete a family of two parts; `kept` is the share of the counts' mass that is kept."""

    def mean(degree: Array, selection: Array, dispersion: Array, _: Array) -> Array:
        return NUMPY.sigmoid(selection) * np.exp(degree) / kept(degree, dispersion)

    def variance(degree: Array, selection: Array, dispersion: Array, _: Array) -> Array:
        square = counts.variance(degree, dispersion) + np.exp(2 * degree)
        square = NUMPY.sigmoid(selection) * square / kept(degree, dispersion)
        return square - mean(degree, selection, dispersion, _) ** 2

    return _of_counts(
        kind=kind,
        counts=counts,
        parts=(Part.SELECTION, Part.DEGREE),
        log_zero=log_zero,
        log_positive=log_positive,
        mean=mean,
        variance=variance,
        draw=draw,
    )


def of_trials(trials: Trials, outcome: OutcomeKind = SUCCESSES) -> Family:
    """Take a distribution of successes; a tie is a success of one trial."""

    def of(number: Array) -> Array:
        return np.ones(1, dtype=np.int64) if number is None else number

    return Family(
        kind="trials",
        parts=(Part.SELECTION,),
        outcome=outcome,
        scale=DISPERSION if trials.has_dispersion else "",
        density=lambda successes, _, selection, dispersion, number, xp: trials.log_prob(
            successes, selection, dispersion, of(number), xp
        ),
        log_zero=lambda _, selection, dispersion, number, xp: trials.log_prob(
            np.zeros_like(of(number)), selection, dispersion, of(number), xp
        ),
        mean=lambda _, selection, _dispersion, number: of(number) * trials.link.p(selection),
        variance=lambda _, selection, dispersion, number: trials.variance(
            selection, dispersion, of(number)
        ),
        draw=lambda rng, _, selection, dispersion, number: trials.draw(
            rng, selection, dispersion, of(number)
        ),
        distribution=trials,
    )


AMOUNTS = Family(
    kind="amounts",
    parts=(Part.DEGREE,),
    outcome=AMOUNT,
    scale=RESIDUAL_SD,
    density=lambda amount, degree, _, residual_sd, _trials, xp: log_density(
        amount, degree, residual_sd, xp
    ),
    log_zero=None,
    mean=lambda degree, _selection, residual_sd, _trials: degree + 0.0 * residual_sd,
    variance=lambda degree, _, residual_sd, _trials: residual_sd**2 + 0.0 * degree,
    draw=lambda rng, degree, _, residual_sd, _trials: np.asarray(rng.normal(degree, residual_sd)),
)

FAMILIES: Registry[Family] = Registry(
    __name__,
    {
        "poisson": plain(POISSON),
        "nb": plain(NB),
        "zip": zero_inflated(POISSON),
        "zinb": zero_inflated(NB),
        "hurdle_poisson": hurdle(POISSON),
        "hurdle_nb": hurdle(NB),
        "bernoulli": of_trials(binomial(LOGIT), TIE),
        "bernoulli_probit": of_trials(binomial(PROBIT), TIE),
        "binomial": of_trials(binomial(LOGIT)),
        "binomial_probit": of_trials(binomial(PROBIT)),
        "betabinomial": of_trials(beta_binomial(LOGIT)),
        "betabinomial_probit": of_trials(beta_binomial(PROBIT)),
        "normal": AMOUNTS,
    },
)
