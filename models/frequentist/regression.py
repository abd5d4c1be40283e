"""Outcomes and predictors of a pooled model, on their own scale and standardized."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from data.outcomes import AMOUNT
from data.roles import PERIOD, Part, sides_of
from data.study import Study
from models.frequentist.problem import Problem
from models.likelihood.families import FAMILIES
from models.likelihood.observed import Observed
from models.predictor.linear import period_position


@dataclass(frozen=True)
class Regression:
    """A pooled model's outcomes and predictors on their own scale.

    Attributes
    ----------
    outcome : numpy.ndarray
        Whole numbers, or amounts; shape (dyad,).
    designs : mapping
        For each part of the family a table of predictors, a row a dyad, without the intercept.
    offset : numpy.ndarray
        Added to the log of the expected count, shape (dyad,): log exposure, natural log.
    cities : tuple of numpy.ndarray, optional
        The two cities of each dyad, sender and receiver, for standard errors that need them.
    directed : bool
        Whether they are sender and receiver.
    trials : numpy.ndarray, optional
        That the outcomes are successes of, shape (dyad,).
    periods : numpy.ndarray, optional
        Of a panel the position of each dyad's period.
    """

    family: str
    outcome: np.ndarray
    designs: Mapping[Part, pd.DataFrame]
    offset: np.ndarray
    cities: tuple[np.ndarray, np.ndarray] | None = None
    trials: np.ndarray | None = None
    directed: bool = True
    periods: np.ndarray | None = None

    @property
    def terms(self) -> dict[Part, list[str]]:
        """The predictors of each part."""
        return {part: list(self.designs[part].columns) for part in FAMILIES[self.family].parts}

    @property
    def names(self) -> list[str]:
        """The coefficients in order, as the posterior's are named; last, ``log_dispersion``."""
        named = []
        for part, terms in self.terms.items():
            named += [part.intercept, *(part.coef_of(term) for term in terms)]
        scale = FAMILIES[self.family].scale
        return named + [log_name(scale)] * bool(scale)

    @property
    def means(self) -> pd.Series:
        """What the intercepts speak of: each predictor's mean, and for degree the mean offset."""
        means = pd.Series(0.0, index=self.names)
        for part, terms in self.terms.items():
            for term in terms:
                means[part.coef_of(term)] = self.designs[part][term].mean()
        if Part.DEGREE in self.terms:
            means[Part.DEGREE.intercept] = self.offset.mean()
        return means

    @property
    def problem(self) -> Problem:
        """The same in standardized columns and amounts, and the offset less its mean."""
        designs = {}
        for part in FAMILIES[self.family].parts:
            X = self.designs[part].to_numpy(dtype=float)
            standard = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
            designs[part] = np.column_stack([np.ones(len(X)), standard])
        weight = np.ones(self.outcome.size)
        offset = self.offset - self.offset.mean()
        location, unit = self.units
        outcome = self.outcome if self.units == (0.0, 1.0) else (self.outcome - location) / unit
        return Problem(self.family, outcome, designs, offset, weight, self.trials, unit)

    @property
    def units(self) -> tuple[float, float]:
        """What amounts are standardized by: their mean and their standard deviation."""
        if FAMILIES[self.family].outcome is not AMOUNT:
            return 0.0, 1.0
        return float(self.outcome.mean()), float(self.outcome.std(ddof=1))

    def reported(self, at: np.ndarray) -> np.ndarray:
        """Give coefficients of the standardized problem, shape (..., size), on their own scale."""
        return np.asarray(at / self.scales + self._shifts)

    def standardized(self, parameters: np.ndarray) -> np.ndarray:
        """Give coefficients on their own scale, shape (size,), as the problem has them."""
        return np.asarray((parameters - self._shifts) * self.scales)

    @property
    def _shifts(self) -> np.ndarray:
        location, unit = self.units
        shifts = np.zeros(len(self.names))
        if location or unit != 1:
            shifts[self.names.index(Part.DEGREE.intercept)] = location
            shifts[-1] = np.log(unit)  # of the log of the residual sd
        return shifts

    @property
    def scales(self) -> np.ndarray:
        """What each coefficient of the standardized problem is divided by, in order."""
        scales = []
        for part in FAMILIES[self.family].parts:
            scales += [1.0, *self.designs[part].to_numpy(dtype=float).std(axis=0, ddof=1)]
        of_scale = [1.0] * bool(FAMILIES[self.family].scale)
        return np.array([*(scale / self.units[1] for scale in scales), *of_scale])


def log_name(scale: str) -> str:
    """Name the log of a family's own parameter."""
    return f"log_{scale}"


def regression(study: Study, family: str) -> Regression:
    """Give a study's outcomes and predictors as maximum likelihood needs them."""
    return regression_of(study.dyads, family)


def regression_of(dyads: xr.Dataset, family: str) -> Regression:
    """Give the outcomes and predictors of dyads as maximum likelihood needs them."""
    designs = {
        part: pd.DataFrame(dyads[part.design].to_numpy(), columns=dyads[part.term].to_numpy())
        for part in FAMILIES[family].parts
    }
    first, second = (dyads[side].to_numpy() for side in sides_of(dyads.coords))
    observed = Observed.of(dyads)
    return Regression(
        family,
        observed.outcome,
        designs,
        dyads["log_exposure"].to_numpy(),
        (first, second),
        observed.trials if FAMILIES[family].outcome.has_trials else None,
        directed="sender" in dyads.coords,
        periods=period_position(dyads) if PERIOD in dyads.coords else None,
    )
