"""The distributions that a prior may be: their supports, and the arguments that they take."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import PriorError, suggest

HORSESHOE = "RegularizedHorseshoe"  # of several distributions: models.priors.horseshoe
REAL, POSITIVE, UNIT = (-math.inf, math.inf), (0.0, math.inf), (0.0, 1.0)
LARGEST, SMALLEST = sys.float_info.max, sys.float_info.min
LIMITS = {
    "a finite number": (-LARGEST, LARGEST),
    "a positive number": (SMALLEST, LARGEST),
    "a number from 0 on": (0.0, LARGEST),
    "a number between 0 and 1": (SMALLEST, 1 - sys.float_info.epsilon),
}
ANY, ABOVE_0, FROM_0, SHARE = LIMITS


@dataclass(frozen=True)
class Distribution:
    """A distribution of PyMC.

    Attributes
    ----------
    support : (float, float)
        The interval outside which the density is zero, where no argument moves it.
    ways : tuple of str
        The arguments that go together; those in brackets have a default.
    limits : mapping of str to str
        What an argument must be that is not a positive number: a key of ``LIMITS``.
    """

    support: tuple[float, float]
    ways: tuple[str, ...]
    limits: Mapping[str, str]

    @property
    def arguments(self) -> list[str]:
        return list(dict.fromkeys(name for way in self.ways for name in _names(way)))

    def takes(self, given: Mapping[str, float]) -> bool:
        """Tell whether arguments go together, and none is missing."""
        return any(
            set(_names(way)) >= given.keys() >= {name for name in way.split() if name[0] != "["}
            for way in self.ways
        )

    def support_with(self, given: Mapping[str, float]) -> tuple[float, float]:
        """Give the support for some arguments."""
        lower = given.get("lower", given.get("m", self.support[0]))  # m: of Pareto
        return lower, given.get("upper", self.support[1])


def _names(way: str) -> list[str]:
    return way.replace("[", "").replace("]", "").split()


def _of(support: tuple[float, float], *ways: str, **limits: str) -> Distribution:
    places = dict.fromkeys(("mu", "lower", "upper", "c"), ANY)
    return Distribution(support, ways, places | limits)


# tests/models/priors/test_distributions.py holds them against PyMC
DISTRIBUTIONS = {
    "Normal": _of(REAL, "[mu] [sigma]", "[mu] [tau]"),
    "StudentT": _of(REAL, "nu [mu] [sigma]", "nu [mu] [lam]"),
    "Cauchy": _of(REAL, "alpha beta", alpha=ANY),
    "Laplace": _of(REAL, "mu b"),
    "AsymmetricLaplace": _of(REAL, "mu b kappa", "mu b q", q=SHARE),
    "Logistic": _of(REAL, "[mu] [s]"),
    "Gumbel": _of(REAL, "mu beta"),
    "Moyal": _of(REAL, "[mu] [sigma]"),
    "ExGaussian": _of(REAL, "nu [mu] [sigma]"),
    "SkewNormal": _of(REAL, "[alpha] [mu] [sigma]", "[alpha] [mu] [tau]", alpha=ANY),
    "SkewStudentT": _of(REAL, "a b [mu] [sigma]", "a b [mu] [lam]"),
    "TruncatedNormal": _of(REAL, "[mu] [sigma] [lower] [upper]", "[mu] [tau] [lower] [upper]"),
    "Uniform": _of(UNIT, "[lower] [upper]"),
    "Triangular": _of(UNIT, "[lower] [upper] [c]"),
    "Beta": _of(UNIT, "alpha beta", "mu sigma", "mu nu", mu=SHARE),
    "Kumaraswamy": _of(UNIT, "a b"),
    "HalfNormal": _of(POSITIVE, "[sigma]", "[tau]"),
    "HalfStudentT": _of(POSITIVE, "nu [sigma]", "nu [lam]"),
    "HalfCauchy": _of(POSITIVE, "beta"),
    "Exponential": _of(POSITIVE, "[lam]", "[scale]"),
    "Gamma": _of(POSITIVE, "alpha beta", "mu sigma", mu=ABOVE_0),
    "InverseGamma": _of(POSITIVE, "alpha [beta]", "mu sigma", mu=ABOVE_0),
    "Weibull": _of(POSITIVE, "alpha beta"),
    "LogNormal": _of(POSITIVE, "[mu] [sigma]", "[mu] [tau]"),
    "Lognormal": _of(POSITIVE, "[mu] [sigma]", "[mu] [tau]"),
    "Pareto": _of(POSITIVE, "alpha m"),
    "Rice": _of(POSITIVE, "nu [sigma]", "b [sigma]", nu=FROM_0, b=FROM_0),
    "Wald": _of(
        POSITIVE, "mu [lam] [alpha]", "mu phi [alpha]", "lam phi [alpha]", mu=ABOVE_0, alpha=FROM_0
    ),
    "LKJCorr": _of((-1.0, 1.0), "eta"),
    HORSESHOE: _of(REAL, "scale global_df local_df slab_scale slab_df"),
}
HINTS = {"LKJCorr": "; eta = 1 is flat", HORSESHOE: "; horseshoe.toml has values to start from"}


def refuse_arguments(name: str, given: Mapping[str, Any], source: str) -> None:
    """Refuse arguments that a distribution does not take, or with which it has no density."""
    known = DISTRIBUTIONS[name]
    for argument, value in given.items():
        if argument not in known.arguments:
            raise PriorError(
                f"{source}: {name} has no argument '{argument}'; "
                f"{suggest(argument, known.arguments)}"
            )
        if not _is_within(value, ANY):
            raise PriorError(f"{source}: {argument} = {str(value)[:40]} is not {ANY}")
    if not known.takes(given):
        ways = "; or ".join(", ".join(way.split()) for way in known.ways)
        defaults = "; those in brackets have a default" if "[" in ways else ""
        raise PriorError(f"{source}: {name} needs {ways}{defaults}{HINTS.get(name, '')}")
    reason = _fault(known, given)
    if reason:
        raise PriorError(f"{source}: {name} refuses its arguments: {reason}")


def _is_within(value: object, limit: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    least, most = LIMITS[limit]
    return bool(least <= value <= most)


def _fault(known: Distribution, given: Mapping[str, float]) -> str:
    for argument, value in given.items():
        limit = known.limits.get(argument, ABOVE_0)
        if not _is_within(value, limit):
            return f"{argument} = {value:g} is not {limit}"
    lower, upper = known.support_with(given)
    if not lower < upper:
        return f"lower = {lower:g} is not below upper = {upper:g}"
    if "c" in known.arguments and not lower <= given.get("c", 0.5) <= upper:
        return f"c = {given.get('c', 0.5):g} is not between lower and upper"
    if known is DISTRIBUTIONS["Beta"] and "sigma" in given:
        most = math.sqrt(given["mu"] * (1 - given["mu"]))
        if given["sigma"] >= most:
            return f"sigma = {given['sigma']:g} is not below {most:g}, its most for this mu"
    return ""
