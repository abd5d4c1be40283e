"""Expected log predictive densities by unit: PSIS in blocks, exact refits, arviz's containers."""

import warnings
from collections.abc import Iterator

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO
from scipy.special import logsumexp

from models.units import rows_of_units

BLOCK = 2**23  # draws x dyads held at once: 64 MiB


def psis(fit: xr.DataTree, unit: str) -> ELPDDataLOO:
    """Estimate how well a fit predicts each unit from the others, by importance sampling.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit, whose pointwise log-likelihood is read in blocks of dyads.
    unit : str
        ``dyad`` or ``pair``.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        As `arviz.loo` gives it, pointwise: ``elpd_i`` and ``pareto_k`` (unit). For a pair the
        joint density of both directions is left out.

    Raises
    ------
    ModelError
        There is no such unit.

    Notes
    -----
    Pareto smoothed importance sampling: Vehtari, Gelman and Gabry (2017); threshold
    min(1 - 1 / log10(S), 0.7): Vehtari et al. (2024).
    """
    rows = rows_of_units(fit["constant_data"].to_dataset(), unit)
    posterior = fit["posterior"].to_dataset()
    samples = posterior.sizes["chain"] * posterior.sizes["draw"]
    ess = az.ess(posterior, method="mean")
    # arviz's own figure for a whole fit: the mean over every parameter
    reff = float(np.hstack([ess[name].to_numpy().ravel() for name in ess.data_vars]).mean())
    pieces = []
    for labels, log_likelihood in _blocks(_pointwise(fit), rows, samples):
        block = xr.DataTree.from_dict(
            {"log_likelihood": xr.Dataset({"count": log_likelihood.assign_coords(unit=labels)})}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of high k, which the caller treats
            one = az.loo(block, pointwise=True, reff=reff / samples)
        in_sample = logsumexp(log_likelihood.to_numpy(), axis=(0, 1)) - np.log(samples)
        pieces.append(
            pd.DataFrame(
                {
                    "elpd": one.elpd_i.to_numpy(),
                    "pareto_k": one.pareto_k.to_numpy(),
                    "lpd": in_sample,
                },
                index=labels,
            )
        )
    return container(pd.concat(pieces), unit, samples)


def container(units: pd.DataFrame, unit: str, samples: int) -> ELPDDataLOO:
    """Put densities of units into arviz's container.

    Parameters
    ----------
    units : pandas.DataFrame
        A row a unit: ``elpd``, ``pareto_k`` (0 where the unit was left out exactly) and ``lpd``,
        the log of the mean density in the fit to all units.
    unit : str
        What the units are.
    samples : int
        How many posterior draws there are; 1 for maximum likelihood.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        What `arviz.compare` and arviz's plots take.
    """
    coords = {unit: units.index.to_numpy(dtype=str)}
    elpd = units["elpd"].to_numpy()
    good_k = min(1 - 1 / np.log10(samples), 0.7) if samples > 10 else 0.7
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(elpd.size * elpd.var(ddof=1))) if elpd.size > 1 else np.nan,
        p=float(units["lpd"].sum() - elpd.sum()),
        n_samples=samples,
        n_data_points=elpd.size,
        scale="log",
        warning=bool((units["pareto_k"] > good_k).any()),
        good_k=good_k,
        elpd_i=xr.DataArray(elpd, coords, (unit,)),
        pareto_k=xr.DataArray(units["pareto_k"].to_numpy(), coords, (unit,)),
        p_loo_i=xr.DataArray((units["lpd"] - units["elpd"]).to_numpy(), coords, (unit,)),
    )


def high_k(estimate: ELPDDataLOO) -> list[str]:
    """List the units that importance sampling does not reach.

    Parameters
    ----------
    estimate : arviz_stats.utils.ELPDDataLOO
        What `psis` gave.

    Returns
    -------
    list of str
        Units whose Pareto k is above the threshold, or not a number.
    """
    k = estimate.pareto_k
    (unit,) = k.dims
    labels: list[str] = k[unit].to_numpy()[~(k.to_numpy() <= estimate.good_k)].tolist()
    return labels


def with_exact(estimate: ELPDDataLOO, exact: pd.Series) -> ELPDDataLOO:
    """Replace the densities of some units by those of exact refits.

    Parameters
    ----------
    estimate : arviz_stats.utils.ELPDDataLOO
        What `psis` gave.
    exact : pandas.Series
        The log density of each unit that was refitted.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        The same with these densities; their Pareto k is 0, as in `arviz.reloo`.
    """
    (unit,) = estimate.elpd_i.dims
    units = pd.DataFrame(
        {
            "elpd": estimate.elpd_i.to_numpy(),
            "pareto_k": estimate.pareto_k.to_numpy(),
            "lpd": (estimate.elpd_i + estimate.p_loo_i).to_numpy(),
        },
        index=estimate.elpd_i[unit].to_numpy(),
    )
    units.loc[exact.index, "elpd"] = exact
    units.loc[exact.index, "pareto_k"] = 0.0
    return container(units, str(unit), estimate.n_samples)


def in_sample(fit: xr.DataTree, unit: str) -> pd.Series:
    """Give the log of each unit's mean density in the fit to all units.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    unit : str
        ``dyad``, ``pair`` or ``city``.

    Returns
    -------
    pandas.Series
        One a unit.
    """
    rows = rows_of_units(fit["constant_data"].to_dataset(), unit)
    samples = fit["posterior"].sizes["chain"] * fit["posterior"].sizes["draw"]
    found: dict[str, float] = {}
    for labels, block in _blocks(_pointwise(fit), rows, samples):
        values = logsumexp(block.to_numpy(), axis=(0, 1)) - np.log(samples)
        found |= dict(zip(labels, values, strict=True))
    return pd.Series(found)


def _pointwise(fit: xr.DataTree) -> xr.DataArray:
    return fit["log_likelihood"].to_dataset()["count"]


def _blocks(
    pointwise: xr.DataArray, rows: dict[str, np.ndarray], samples: int
) -> Iterator[tuple[list[str], xr.DataArray]]:
    """Add up the log-likelihood of each unit's dyads; give some units at a time."""
    labels = list(rows)
    size = max(1, BLOCK // samples)
    if all(len(some) == 1 for some in rows.values()):
        for first in range(0, len(labels), size):
            block = pointwise.isel(dyad=slice(first, first + size)).load()
            block = block.transpose("chain", "draw", "dyad").drop_vars("dyad")
            yield labels[first : first + size], block.rename(dyad="unit")
        return
    unit_of = np.repeat(np.arange(len(labels)), [len(some) for some in rows.values()])
    dyad_of = np.concatenate(list(rows.values()))
    total = np.zeros((len(labels), pointwise.sizes["chain"], pointwise.sizes["draw"]))
    for first in range(0, pointwise.sizes["dyad"], size):
        block = pointwise.isel(dyad=slice(first, first + size)).transpose("dyad", "chain", "draw")
        values = block.to_numpy()
        here = (dyad_of >= first) & (dyad_of < first + size)
        np.add.at(total, unit_of[here], values[dyad_of[here] - first])
    for first in range(0, len(labels), size):
        some = xr.DataArray(total[first : first + size], dims=("unit", "chain", "draw"))
        yield labels[first : first + size], some.transpose("chain", "draw", "unit")
