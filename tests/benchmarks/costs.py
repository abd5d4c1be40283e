"""Fits in figures: effective draws, what they cost, and whether programs agree."""

from collections.abc import Iterable

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from fits import Fit

DRAWS = ("chain", "draw")


def costs(fits: Iterable[Fit]) -> pd.DataFrame:
    """Give a row a fit.

    Columns: `model`, `cities`, `dyads`, `peer`, `seed`, `state`, `is_kept`, `limit`, `most`
    (draws in all), `ess` (the smallest bulk ESS), `sampling` and `total` seconds, `per_sampling`
    and `per_total` (effective draws a second), `gain_sampling` and `gain_total` (ours over it),
    `memory` (bytes), `z` (the largest difference from our posterior means, in Monte Carlo standard
    errors), `r_hat` (the largest) and `divergences`. A fit that exceeded its limit is given the
    bounds that hold if all its draws would have been independent ones.
    """
    fits = list(fits)
    ours = {_beside(fit): fit for fit in fits if fit.request.peer == "ours" and fit.state == "done"}
    rows = pd.DataFrame([_row(fit, ours.get(_beside(fit))) for fit in fits])
    done = rows["state"] == "done"
    rows["ess"] = rows["ess"].where(done, rows["most"])
    rows["total"] = rows["total"].where(done, rows["limit"])
    for kind in ("sampling", "total"):
        rows[f"per_{kind}"] = rows["ess"] / rows[kind].where(done, rows["limit"])
        own = rows[(rows["peer"] == "ours") & done].set_index(["model", "cities", "seed"])
        own = own[f"per_{kind}"].reindex(pd.MultiIndex.from_frame(rows[own.index.names]))
        rows[f"gain_{kind}"] = own.to_numpy() / rows[f"per_{kind}"]
    return rows


def _beside(fit: Fit) -> tuple[str, int, int]:
    return fit.request.model, fit.request.cities, fit.request.settings.seed


def _row(fit: Fit, ours: Fit | None) -> dict[str, object]:
    asked, about = fit.request, fit.attributes
    row = {
        "model": asked.model,
        "cities": asked.cities,
        "dyads": asked.cities * (asked.cities - 1),
        "peer": asked.peer,
        "seed": asked.settings.seed,
        "state": fit.state,
        "is_kept": fit.is_kept,
        "limit": about["limit"],
        "most": asked.settings.chains * asked.settings.draws,
        "memory": about["peak_bytes"],
        "ess": np.nan,
        "sampling": about.get("sampling_seconds", np.nan),
        "total": about.get("total_seconds", np.nan),
        "divergences": about.get("divergences", np.nan),
        "r_hat": np.nan,
        "z": np.nan,
    }
    if fit.state == "done":
        draws = xr.load_dataset(fit.draws, engine="h5netcdf")
        row["ess"] = min(float(each.min()) for each in az.ess(draws).data_vars.values())
        row["r_hat"] = max(float(each.max()) for each in az.rhat(draws).data_vars.values())
        if ours is not None and ours is not fit:
            row["z"] = largest_z(draws, xr.load_dataset(ours.draws, engine="h5netcdf"))
    return row


def largest_z(one: xr.Dataset, other: xr.Dataset) -> float:
    """Give the largest difference of posterior means, in its Monte Carlo standard error."""
    if set(one) != set(other):
        raise ValueError(f"other parameters: {sorted(map(str, set(one) ^ set(other)))}")
    z = [
        abs(one[name].mean(DRAWS) - other[name].mean(DRAWS))
        / np.hypot(az.mcse(one[[name]])[name], az.mcse(other[[name]])[name])
        for name in one
    ]
    return max(float(each.max()) for each in z)
