"""What maximum likelihood found."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr

from data.roles import Part
from data.study import Study
from models.frequentist.covariances import refuse_kind
from models.frequentist.optimum import FLAT_ENOUGH
from models.work.made_from import MAXIMA, made_by

JACKKNIFE = "jackknife"  # the kind of standard errors that leaves each city out in turn
IN_PLACE = "dyadic"  # the kind that stands in for it where it has none


@dataclass(frozen=True)
class MaximumLikelihood:
    """Maximum-likelihood estimates of a pooled model.

    Attributes
    ----------
    parameters : xarray.DataArray
        Dims (parameter,): estimates in the order of `covariance`. Intercepts are the linear
        predictors at the predictors' means; coefficients are on the formula's own scale and the
        selection part models P(eligible), the opposite sign of an inflation coefficient.
    covariance : xarray.DataArray
        Dims (kind, parameter, other): the covariance of the estimates for each of
        `models.frequentist.covariances.KINDS`, ``jackknife`` only where
        `models.frequentist.fit` added it; NaN where a parameter is not identified.
    means : xarray.DataArray
        Dims (parameter,): mean of each coefficient's predictor; for the degree's intercept the
        mean log exposure; 0 for other parameters.
    pointwise : xarray.DataArray
        Dims (dyad,): log-likelihood of each count.
    zeros : int
        How many zeros there are.
    expected_zeros : float
        How many the model expects.
    starts, reached : int
        How many starts the search had, and how many ended at this maximum.
    maxima : int
        How many distinct maxima they ended at; there may be more.
    gradient_norm : float
        Norm of the log-likelihood's gradient in standardized coefficients.
    flags : tuple of str
        What the data do not determine, in words; empty for a proper maximum.
    tests : pandas.DataFrame
        What `models.frequentist.ratios.likelihood_tests` found, a row a test; empty where it was
        not asked.
    permutations : pandas.DataFrame
        What `models.frequentist.permutations.permutation_test` found, a row a coefficient; empty
        where it was not asked.
    attributes : dict
        Model, family, study, title, synthetic columns, seed, version.
    cautions : tuple of str
        What is uncertain of the search and of the jackknife, in sentences.
    """

    parameters: xr.DataArray
    covariance: xr.DataArray
    means: xr.DataArray
    pointwise: xr.DataArray
    zeros: int
    expected_zeros: float
    starts: int
    reached: int
    maxima: int
    gradient_norm: float
    flags: tuple[str, ...]
    tests: pd.DataFrame
    permutations: pd.DataFrame
    attributes: dict[str, str]
    cautions: tuple[str, ...] = ()

    def is_of(self, study: Study) -> bool:
        """Tell whether it was made from a study as it is now, by these sources."""
        made_from = self.attributes.get("study_digest"), self.attributes.get("made_by")
        return made_from == (study.digest, made_by(MAXIMA))

    def as_told_by(self, study: Study) -> Self:
        """Give it the words that the study has now."""
        return replace(self, attributes=self.attributes | study.words)

    @property
    def model(self) -> str:
        return self.attributes["model"]

    @property
    def family(self) -> str:
        return self.attributes["family"]

    @property
    def names(self) -> list[str]:
        """The parameters' names, in order."""
        names: list[str] = self.parameters["parameter"].to_numpy().tolist()
        return names

    @property
    def kinds(self) -> list[str]:
        """The kinds of standard errors that there are."""
        kinds: list[str] = self.covariance["kind"].to_numpy().tolist()
        return kinds

    @property
    def free(self) -> int:
        """How many parameters there are."""
        return self.parameters.size

    @property
    def log_likelihood(self) -> float:
        return float(self.pointwise.sum())

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return -2 * self.log_likelihood + 2 * self.free

    @property
    def bic(self) -> float:
        """Schwarz's criterion."""
        return -2 * self.log_likelihood + float(np.log(self.pointwise.size)) * self.free

    @property
    def converged(self) -> bool:
        """Whether the search ended at a maximum, be it at a boundary."""
        return self.gradient_norm < FLAT_ENOUGH

    def terms(self, part: Part) -> dict[str, str]:
        """Give the name of each coefficient of a part, by its term."""
        start = part.coef_of("").removesuffix("]")
        named = [name for name in self.names if name.startswith(start)]
        return {name.removeprefix(start).removesuffix("]"): name for name in named}

    def errors_in_place_of(self, kind: str) -> str:
        """Give the kind of errors that stands in where one has none for what has others."""
        there = self.standard_errors(kind).notna() | self.standard_errors().isna()
        return kind if there.all() or kind != JACKKNIFE else IN_PLACE

    def standard_errors(self, kind: str = "information") -> pd.Series:
        """Give the standard errors of one kind; NaN where there is none.

        Raises
        ------
        ModelError
            There is no such kind for this fit.
        """
        refuse_kind(kind, self.kinds)
        variance = np.diagonal(self.covariance.sel(kind=kind).to_numpy())
        errors = np.sqrt(np.where(variance >= 0, variance, np.nan))
        return pd.Series(errors, index=self.names, name=kind)
