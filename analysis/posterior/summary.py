"""Posterior summaries: the tables that `interlocal sample` prints."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from analysis.tables.words import unit_of
from data.roles import Part
from models.inference.fit import Fit

CI_PROB = 0.89  # the width of every interval of the project
INNER_PROB = 0.5  # the thick line; the thin one has analysis.posterior.summary.CI_PROB

# endings of the names of a model's main parameters, in the order in which they are shown
SPREADS = ("_sd", "_reciprocity", "city_correlation", "dispersion")  # residual_sd among them
MAIN = ("_intercept", "_coef", *SPREADS)

COLUMNS = ["mean", "sd", "lower", "upper", "p_positive", "r_hat", "ess_bulk", "ess_tail"]


def coefficients(fit: xr.DataTree, part: str) -> pd.DataFrame:
    """Summarise the intercept and the coefficients of a part.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    part : str
        ``selection`` or ``degree``; `part_unit` says in what unit its coefficients are.

    Returns
    -------
    pandas.DataFrame
        A row a term, on the formula's own scale: ``mean``, ``sd``, ``lower`` and ``upper`` (89 %
        equal-tailed interval), ``p_positive`` (posterior probability of a positive value),
        ``r_hat``, ``ess_bulk``, ``ess_tail``. The intercept is the linear predictor at the
        predictors' means. Empty where the model has no such part.
    """
    names = Part(part)
    table = _summarise(fit, [names.intercept, names.coef])
    start = names.coef_of("").removesuffix("]")
    return table.rename(lambda name: name.removeprefix(start).removesuffix("]")).rename(
        {names.intercept: "intercept"}
    )


def part_unit(fit: xr.DataTree, part: str) -> str:
    """Say in what unit the coefficients of a part are."""
    return unit_of(Fit(fit).name.family, Part(part)).unit


def spreads(fit: xr.DataTree) -> pd.DataFrame:
    """Summarise standard deviations and correlations of effects, dispersion and residual sd.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.

    Returns
    -------
    pandas.DataFrame
        A row a parameter, columns as in `coefficients`.
    """
    names = map(str, fit["posterior"].data_vars)
    return _summarise(fit, [name for name in names if name.endswith(SPREADS)])


def shares(fit: xr.DataTree) -> pd.DataFrame:
    """Summarise the partition of each linear predictor's variance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.

    Returns
    -------
    pandas.DataFrame
        A row a part and source (predictors, sender, receiver, pair, residual); the shares of a
        part add up to 1. Effects count with their population variance, random slopes with their
        side. Columns as in `coefficients`.
    """
    table = _summarise(fit, ["variance_share"])
    return table[table["mean"] > 0].rename(
        lambda name: name.removeprefix("variance_share[").removesuffix("]").replace(", ", " ")
    )


def describe(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Summarise draws.

    Parameters
    ----------
    draws : numpy.ndarray
        Shape (draw, ...).

    Returns
    -------
    dict of str to numpy.ndarray
        ``mean``, ``sd``, ``lower`` and ``upper`` (89 % equal-tailed interval), each of the shape
        without the first axis.
    """
    lower, upper = np.quantile(draws, [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2], axis=0)
    sd = draws.std(axis=0, ddof=1) if len(draws) > 1 else np.zeros_like(lower)
    return {"mean": draws.mean(axis=0), "sd": sd, "lower": lower, "upper": upper}


def _summarise(fit: xr.DataTree, names: list[str]) -> pd.DataFrame:
    present = [name for name in names if name in fit["posterior"]]
    if not present:
        return pd.DataFrame(columns=COLUMNS, dtype=float)
    posterior = fit["posterior"].to_dataset()[present].load()
    with np.errstate(invalid="ignore"):  # a share that is always 0
        table = az.summary(
            posterior, kind="all", ci_prob=CI_PROB, ci_kind="eti", round_to="none", fmt="wide"
        )
    percent = round(100 * CI_PROB)
    table = table.rename(columns={f"eti{percent}_lb": "lower", f"eti{percent}_ub": "upper"})
    positive = az.summary((posterior > 0) * 1.0, kind="stats", round_to="none", fmt="wide")["mean"]
    return pd.DataFrame(table).assign(p_positive=positive)[COLUMNS].astype(float)
