"""Counts and predictors of a pooled model, on their own scale and standardized."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from data.roles import Part
from data.study import Study
from models.frequentist.problem import Problem
from models.likelihood.families import FAMILIES

LOG_DISPERSION = "log_dispersion"


@dataclass(frozen=True)
class Regression:
    """A pooled model's counts and predictors on their own scale.

    Attributes
    ----------
    count : numpy.ndarray
        Whole numbers, shape (dyad,).
    designs : mapping
        For each part of the family a table of predictors, a row a dyad, without the intercept.
    offset : numpy.ndarray
        Added to the log of the expected count, shape (dyad,): log exposure, natural log.
    cities : tuple of numpy.ndarray, optional
        Sender and receiver of each dyad, for standard errors that need them.
    """

    family: str
    count: np.ndarray
    designs: Mapping[Part, pd.DataFrame]
    offset: np.ndarray
    cities: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def terms(self) -> dict[Part, list[str]]:
        """The predictors of each part."""
        return {part: list(self.designs[part].columns) for part in FAMILIES[self.family].parts}

    @property
    def names(self) -> list[str]:
        """The coefficients in order, as the posterior's are named; last, `log_dispersion`."""
        named = []
        for part, terms in self.terms.items():
            named += [part.intercept, *(part.coef_of(term) for term in terms)]
        return named + [LOG_DISPERSION] * FAMILIES[self.family].has_dispersion

    @property
    def means(self) -> pd.Series:
        """What the intercepts speak of: each predictor's mean, and for degree the mean offset."""
        means = pd.Series(0.0, index=self.names)
        for part, terms in self.terms.items():
            for term in terms:
                means[part.coef_of(term)] = self.designs[part][term].mean()
        means["degree_intercept"] = self.offset.mean()
        return means

    @property
    def problem(self) -> Problem:
        """The same in standardized columns, and the offset less its mean."""
        designs = {}
        for part in FAMILIES[self.family].parts:
            X = self.designs[part].to_numpy(dtype=float)
            standard = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
            designs[part] = np.column_stack([np.ones(len(X)), standard])
        weight = np.ones(self.count.size)
        offset = self.offset - self.offset.mean()
        return Problem(self.family, self.count, designs, offset, weight)

    @property
    def scales(self) -> np.ndarray:
        """What each coefficient of the standardized problem is divided by, in order."""
        scales = []
        for part in FAMILIES[self.family].parts:
            scales += [1.0, *self.designs[part].to_numpy(dtype=float).std(axis=0, ddof=1)]
        return np.array(scales + [1.0] * FAMILIES[self.family].has_dispersion)


def regression(study: Study, family: str) -> Regression:
    """Give a study's counts and predictors as maximum likelihood needs them."""
    return regression_of(study.dyads, family)


def regression_of(dyads: xr.Dataset, family: str) -> Regression:
    """Give the counts and predictors of dyads as maximum likelihood needs them."""
    designs = {
        part: pd.DataFrame(dyads[part.design].to_numpy(), columns=dyads[part.term].to_numpy())
        for part in FAMILIES[family].parts
    }
    cities = dyads["sender"].to_numpy(), dyads["receiver"].to_numpy()
    return Regression(
        family, dyads["count"].to_numpy(), designs, dyads["log_exposure"].to_numpy(), cities
    )
