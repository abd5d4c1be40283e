"""Expected log predictive densities by unit: PSIS in blocks, exact refits, arviz's containers."""

from collections.abc import Iterator, Mapping

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO
from scipy.special import logsumexp

from models.inference.fit import Fit
from models.inference.pointwise import joint_blocks, observed_dyads
from models.leave_out.gaussian import amounts_of, exact_log_densities, has_exact_densities
from models.leave_out.psis import largest_k, smoothed
from models.leave_out.units import rows_of_units


def psis(fit: xr.DataTree, unit: str) -> ELPDDataLOO:
    """Estimate how well a fit predicts each unit from the others, by importance sampling.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        As `arviz.loo` gives it, pointwise: ``elpd_i`` and ``pareto_k`` (unit). For a pair the
        joint density of both directions is left out. Where arviz gives up, k is inf
        (`models.leave_out.psis.smoothed`).

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
    for labels, joint in _densities(fit, rows):
        # a row a unit: a copy, for what follows reads one unit after the other
        flat = np.ascontiguousarray(joint.reshape(samples, -1).T)
        log_weights, k = zip(*(smoothed(one, reff / samples) for one in flat), strict=True)
        pieces.append(
            pd.DataFrame(
                {
                    "elpd": logsumexp(log_weights + flat, axis=1),
                    "pareto_k": k,
                    "lpd": logsumexp(flat, axis=1) - np.log(samples),
                },
                index=labels,
            )
        )
    return container(pd.concat(pieces), unit, samples)


def _densities(
    fit: xr.DataTree, rows: Mapping[str, np.ndarray]
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Give the log-density of some units in each draw, (chain, draw, unit).

    Of amounts the effects of cities are integrated out, and the others are given.
    """
    name = Fit(fit).name
    if not has_exact_densities(name):
        for labels, joint in joint_blocks(fit, rows):
            yield labels, joint.to_numpy()
        return
    posterior, dyads = fit["posterior"].to_dataset(), observed_dyads(fit)
    of_chains = [
        exact_log_densities(amounts_of(posterior.isel(chain=chain).load(), dyads, name), rows)
        for chain in range(posterior.sizes["chain"])
    ]
    yield list(rows), np.stack(of_chains)


def container(units: pd.DataFrame, unit: str, samples: int) -> ELPDDataLOO:
    """Put densities of units into arviz's container.

    Parameters
    ----------
    units : pandas.DataFrame
        A row a unit: ``elpd``, ``pareto_k`` (0 where the unit was left out exactly) and ``lpd``,
        the log of the mean density in the fit to all units.
    """
    coords = {unit: units.index.to_numpy(dtype=str)}
    elpd = units["elpd"].to_numpy()
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(elpd.size * elpd.var(ddof=1))) if elpd.size > 1 else np.nan,
        p=float(units["lpd"].sum() - elpd.sum()),
        n_samples=samples,
        n_data_points=elpd.size,
        scale="log",
        warning=bool((units["pareto_k"] > largest_k(unit, samples)).any()),
        good_k=largest_k(unit, samples),
        elpd_i=xr.DataArray(elpd, coords, (unit,)),
        pareto_k=xr.DataArray(units["pareto_k"].to_numpy(), coords, (unit,)),
        p_loo_i=xr.DataArray((units["lpd"] - units["elpd"]).to_numpy(), coords, (unit,)),
    )


def high_k(estimate: ELPDDataLOO) -> list[str]:
    """List the units that importance sampling does not reach."""
    k = estimate.pareto_k
    (unit,) = k.dims
    labels: list[str] = k[unit].to_numpy()[~(k.to_numpy() <= estimate.good_k)].tolist()
    return labels


def with_others(
    estimate: ELPDDataLOO, elpd: pd.Series, pareto_k: pd.Series | float = 0.0
) -> ELPDDataLOO:
    """Replace the densities of some units by others."""
    (unit,) = estimate.elpd_i.dims
    units = pd.DataFrame(
        {
            "elpd": estimate.elpd_i.to_numpy(),
            "pareto_k": estimate.pareto_k.to_numpy(),
            "lpd": (estimate.elpd_i + estimate.p_loo_i).to_numpy(),
        },
        index=estimate.elpd_i[unit].to_numpy(),
    )
    units.loc[elpd.index, "elpd"] = elpd
    units.loc[elpd.index, "pareto_k"] = pareto_k
    return container(units, str(unit), estimate.n_samples)


def in_sample(fit: xr.DataTree, unit: str) -> pd.Series:
    """Give the log of each unit's mean density in the fit to all units."""
    rows = rows_of_units(fit["constant_data"].to_dataset(), unit)
    samples = fit["posterior"].sizes["chain"] * fit["posterior"].sizes["draw"]
    found: dict[str, float] = {}
    for labels, joint in _densities(fit, rows):
        values = logsumexp(joint, axis=(0, 1)) - np.log(samples)
        found |= dict(zip(labels, values, strict=True))
    return pd.Series(found)
