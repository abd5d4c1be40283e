"""Families with derivatives: counts as they are, inflated with zeros, or cut into a hurdle.

Counts are composed as in `models.likelihood.families`: inflation or a hurdle is a function of the
selection predictor, of the log-probability of a zero and of that of a positive count. Ties,
successes and amounts are those of `models.frequentist.dense`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.frequentist.dense import OfAmounts, OfTrials
from models.frequentist.derivatives import (
    NB_COUNTS,
    POISSON_COUNTS,
    SELECTION,
    CountDerivatives,
    Derivatives,
    KnownCounts,
    constant,
)
from models.likelihood.families import FAMILIES
from models.likelihood.trials import LOGIT, PROBIT, beta_binomial, binomial
from models.registry import Registry


def _log_logistic(selection: np.ndarray, sign: int) -> Derivatives:
    """Give the log-probability that a dyad is eligible (sign 1), or that it is not (sign -1)."""
    q = expit(-sign * selection)
    p = constant(-np.logaddexp(0, -sign * selection))
    p.first[SELECTION] = sign * q
    p.second[SELECTION, SELECTION] = -q * (1 - q)
    return p


def _inflated_zero(selection: np.ndarray, zero: Derivatives) -> Derivatives:
    """Give log(1 + exp(selection + zero)): P(0) is this over 1 + exp(selection)."""
    inner = selection + zero.value
    first = zero.first.copy()
    first[SELECTION] = 1
    q = expit(inner)
    return Derivatives(inner, first, zero.second).through(np.logaddexp(0, inner), q, q * (1 - q))


def _truncation(z: Derivatives) -> Derivatives:
    """Give -log(1 - exp(z)), which a positive count gains where zeros are cut away."""
    # exp(-z) beyond floating point: no truncation left; z of zero: nothing but truncation
    with np.errstate(over="ignore", divide="ignore"):
        odds = 1 / np.expm1(-z.value)
    return z.through(-np.log(-np.expm1(z.value)), odds, odds * (1 + odds))


@dataclass(frozen=True)
class Likelihood:
    """The log-likelihood of a family of counts, with its derivatives.

    Attributes
    ----------
    plain : str
        The family of the same counts without a selection part; empty where there is none.
    limits : tuple of str
        Families that are limits of this one: it can fit no worse than they do.
    """

    counts: CountDerivatives
    kind: str = "plain"
    plain: str = ""
    limits: tuple[str, ...] = ()

    def of_zeros(
        self, selection: np.ndarray | None, degree: np.ndarray, log_dispersion: float
    ) -> Derivatives:
        """Give the log-probability of a zero.

        Parameters
        ----------
        selection : numpy.ndarray or None
            Logit of P(eligible), shape (dyad,); None where the family has no such part.
        degree : numpy.ndarray
            Log mean of the counts of an eligible dyad, shape (dyad,).
        log_dispersion : float
            Any number where there is no dispersion.
        """
        if selection is None:
            return self.counts.zero(degree, log_dispersion)
        not_eligible = _log_logistic(selection, -1)
        if self.kind == "hurdle":
            return not_eligible
        return not_eligible + _inflated_zero(selection, self.counts.zero(degree, log_dispersion))

    def of_positives(
        self,
        counts: KnownCounts,
        selection: np.ndarray | None,
        degree: np.ndarray,
        log_dispersion: float,
    ) -> Derivatives:
        """Give the log-probability of positive counts."""
        value = self.counts.positive(counts, degree, log_dispersion)
        if self.kind == "hurdle":
            value = value + _truncation(self.counts.zero(degree, log_dispersion))
        if selection is None:
            return value
        return value + _log_logistic(selection, 1)


# plain: the family without its zeros; limits: families that this one comes as near as one likes
LIKELIHOODS: Registry[Likelihood | OfTrials | OfAmounts] = Registry(
    __name__,
    {
        "poisson": Likelihood(POISSON_COUNTS),
        "nb": Likelihood(NB_COUNTS, limits=("poisson",)),
        "zip": Likelihood(POISSON_COUNTS, "inflated", plain="poisson", limits=("poisson",)),
        "zinb": Likelihood(NB_COUNTS, "inflated", plain="nb", limits=("nb", "zip")),
        "hurdle_poisson": Likelihood(POISSON_COUNTS, "hurdle", plain="poisson"),
        "hurdle_nb": Likelihood(NB_COUNTS, "hurdle", plain="nb", limits=("hurdle_poisson",)),
        "bernoulli": OfTrials(binomial(LOGIT)),
        "bernoulli_probit": OfTrials(binomial(PROBIT)),
        "binomial": OfTrials(binomial(LOGIT)),
        "binomial_probit": OfTrials(binomial(PROBIT)),
        "betabinomial": OfTrials(beta_binomial(LOGIT), limits=("binomial",)),
        "betabinomial_probit": OfTrials(beta_binomial(PROBIT), limits=("binomial_probit",)),
        "normal": OfAmounts(),
    },
)


def without_dispersion(family: str) -> str:
    """Name what a family becomes where its dispersion vanishes; empty where none here is that."""
    limits = LIKELIHOODS[family].limits if FAMILIES[family].scale else ()
    return next((limit for limit in limits if not FAMILIES[limit].scale), "")
