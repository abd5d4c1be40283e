"""What maximum likelihood found."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from models.frequentist.covariances import refuse_kind
from models.frequentist.regression import LOG_DISPERSION
from models.likelihood.families import FAMILIES

FLAT_ENOUGH = 1e-6  # norm of the gradient, in standardized coefficients, at a maximum


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
        `models.frequentist.covariances.SANDWICHES`, and for ``jackknife`` where
        `models.frequentist.jackknife` added it; NaN where a parameter is not identified.
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
    """

    parameters: xr.DataArray
    covariance: xr.DataArray
    means: xr.DataArray
    pointwise: xr.DataArray
    zeros: int
    expected_zeros: float
    starts: int
    reached: int
    gradient_norm: float
    flags: tuple[str, ...]
    tests: pd.DataFrame
    permutations: pd.DataFrame
    attributes: dict[str, str]

    @property
    def log_likelihood(self) -> float:
        """The log-likelihood, natural log."""
        return float(self.pointwise.sum())

    @property
    def free(self) -> int:
        """How many parameters there are."""
        return self.parameters.size

    @property
    def aic(self) -> float:
        """Akaike's criterion: -2 log-likelihood + 2 parameters."""
        return -2 * self.log_likelihood + 2 * self.free

    @property
    def bic(self) -> float:
        """Schwarz's criterion: -2 log-likelihood + log(dyads) parameters."""
        return -2 * self.log_likelihood + float(np.log(self.pointwise.size)) * self.free

    @property
    def model(self) -> str:
        """The model's name."""
        return self.attributes["model"]

    @property
    def family(self) -> str:
        """The family's name."""
        return self.attributes["family"]

    @property
    def estimates(self) -> xr.Dataset:
        """The estimates under the names and dims of a posterior, the dispersion among them."""
        values: dict[str, xr.DataArray] = {}
        for part in FAMILIES[self.family].parts:
            intercept = self.parameters.sel(parameter=f"{part}_intercept")
            values[f"{part}_intercept"] = xr.DataArray(float(intercept))
            terms = [name for name in self._names if name.startswith(f"{part}_coef[")]
            if terms:
                labels = [name.removeprefix(f"{part}_coef[").removesuffix("]") for name in terms]
                values[f"{part}_coef"] = xr.DataArray(
                    self.parameters.sel(parameter=terms).to_numpy(),
                    dims=f"{part}_term",
                    coords={f"{part}_term": labels},
                )
        if LOG_DISPERSION in self._names:
            log_dispersion = self.parameters.sel(parameter=LOG_DISPERSION)
            values["dispersion"] = xr.DataArray(float(np.exp(log_dispersion)))
        return xr.Dataset(values)

    def standard_errors(self, kind: str = "information") -> pd.Series:
        """Give the standard errors of one kind.

        Parameters
        ----------
        kind : str
            A key of `models.frequentist.covariances.KINDS`.

        Returns
        -------
        pandas.Series
            One a parameter; NaN where there is none.

        Raises
        ------
        ModelError
            There is no such kind for this fit.
        """
        kinds = self.covariance["kind"].to_numpy().tolist()
        refuse_kind(kind, kinds)
        variance = np.diagonal(self.covariance.sel(kind=kind).to_numpy())
        errors = np.sqrt(np.where(variance >= 0, variance, np.nan))
        return pd.Series(errors, index=self._names, name=kind)

    @property
    def converged(self) -> bool:
        """Whether the search ended at a maximum, be it at a boundary."""
        return self.gradient_norm < FLAT_ENOUGH

    @property
    def _names(self) -> list[str]:
        names: list[str] = self.parameters["parameter"].to_numpy().tolist()
        return names
