"""How far a posterior rests on the priors, and how far on the outcomes: power-scaling."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from analysis.posterior.summary import MAIN
from data.errors import ResultsError
from models.inference.pointwise import total_log_likelihood

THRESHOLD = 0.05  # from which on a sensitivity counts, as in the paper and in arviz
DATA = "rests on the data"
BOTH = "rests on prior and data, which may disagree"
PRIOR = "rests on the prior, the data say little"
NEITHER = "moved by neither"
UNKNOWN = "its own prior is not scaled"
RULES = (
    "Sensitivity is the rate at which a posterior moves as all priors, or the likelihood, are "
    f"raised to a power near 1. From {THRESHOLD:g} on it counts: as if the mean moved a quarter "
    "of a standard deviation when the power doubles. Where both count, prior and data may "
    "disagree; where only the prior's does, the prior is strong or the data are weak. How city "
    "and pair effects are distributed belongs to the model, and is not scaled."
)


def sensitivity(fit: xr.DataTree) -> pd.DataFrame:
    """Tell how sensitive the posterior of each parameter is to the priors and to the likelihood.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with the group ``log_prior``; its pointwise log-likelihood is read or computed in
        blocks of dyads.

    Returns
    -------
    pandas.DataFrame
        A row a parameter: intercepts, coefficients, standard deviations, correlations,
        dispersion. ``prior`` and ``likelihood``: the rate at which the cumulative Jensen-Shannon
        distance from the posterior grows with the binary log of the power that all priors, or the
        likelihood, are raised to; for a normal posterior 0.05 is a mean that moves about a
        quarter of its standard deviation when the power doubles. ``diagnosis``: what follows, in
        words. A coefficient whose prior density the fit does not keep (under a horseshoe) has no
        ``prior``.

    Raises
    ------
    ResultsError
        The fit has no log prior: an earlier version sampled it.

    Notes
    -----
    Kallioinen, Paananen, Bürkner and Vehtari (2024), Detecting and diagnosing prior and
    likelihood sensitivity with power-scaling, Statistics and Computing 34:57. The powers are 0.99
    and 1.01; the draws are reweighted by Pareto smoothed importance sampling.
    """
    if "log_prior" not in fit.children:
        raise ResultsError(
            f"{fit.attrs.get('model', 'fit')}: has no log prior, for an earlier version sampled "
            "it; sample it again with `interlocal sample --force`"
        )
    posterior = fit["posterior"].to_dataset()
    names = [str(name) for name in posterior.data_vars if str(name).endswith(MAIN)]
    log_prior = fit["log_prior"].to_dataset().load()
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior[names].load(),
            "log_prior": _summed(log_prior).to_dataset(name="prior"),
            "log_likelihood": total_log_likelihood(fit).to_dataset(name="outcome"),
        }
    )
    table = pd.DataFrame(
        {group: _labelled(az.psense(tree, group=group)) for group in ("prior", "likelihood")}
    )
    # a term's density stands under its label, that of a whole matrix under the parameter's name
    kept = set(_labelled(log_prior.isel(chain=0, draw=0, drop=True)).index)
    known = [label in kept or label.split("[")[0] in kept for label in map(str, table.index)]
    table["prior"] = table["prior"].where(np.array(known))
    return table.assign(diagnosis=[_diagnosis(*row) for row in table.to_numpy()])


def flagged(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the parameters that the priors move, or that the data do not.

    Returns
    -------
    pandas.DataFrame
        Some of its rows; none of those that `not_scaled` names.
    """
    return table[~table["diagnosis"].isin([DATA, UNKNOWN])]


def not_scaled(table: pd.DataFrame) -> str:
    """Name the coefficients whose prior could not be scaled.

    Returns
    -------
    str
        A sentence; empty where there are none.
    """
    unknown = [str(name) for name in table.index[table["prior"].isna()]]
    if not unknown:
        return ""
    return (
        "Not scaled, for its scales are not kept: the horseshoe prior of "
        f"{', '.join(unknown)}. Other parameters' sensitivity is to the other priors."
    )


def _summed(densities: xr.Dataset) -> xr.DataArray:
    columns = densities.to_stacked_array("column", sample_dims=["chain", "draw"])
    return columns.sum("column")


def _labelled(values: xr.Dataset) -> pd.Series:
    rows = {}
    for name, variable in values.items():
        if not variable.dims:
            rows[str(name)] = float(variable)
            continue
        (dim,) = variable.dims
        labels = variable[dim].to_numpy().tolist()
        rows |= {
            f"{name}[{label}]": float(value)
            for label, value in zip(labels, variable.to_numpy(), strict=True)
        }
    return pd.Series(rows)


def _diagnosis(prior: float, likelihood: float) -> str:
    if np.isnan(prior):
        return UNKNOWN
    if prior >= THRESHOLD:
        return BOTH if likelihood >= THRESHOLD else PRIOR
    return DATA if likelihood >= THRESHOLD else NEITHER
