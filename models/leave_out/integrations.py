"""Units left out by integrating their own effects out, each kept as it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5netcdf
import numpy as np
import pandas as pd
import xarray as xr

from models.inference.predictive import thinned
from models.leave_out.integrated import DRAWN, DRAWS, LARGEST_ERROR, NEAR, PARTNERS, WIDE, integrate
from models.leave_out.refit import Refits
from models.leave_out.refits import refit_paths
from models.leave_out.unit_in_fit import unit_in_fit
from models.leave_out.units import rows_of_units
from models.name import parse_model
from models.work.cluster import Runner
from models.work.fits import digest_of
from models.work.pieces import kept_among, make_missing, scalars
from models.work.progress import Reporter

COLUMNS = ("elpd", "error", "pareto_k", "passed")


@dataclass(frozen=True)
class Integrations:
    """A fit whose units are left out one after the other, their own effects integrated out.

    Attributes
    ----------
    refits : Refits
        The model, what kind of unit is left out (``dyad`` or ``pair``), and the seed.
    """

    refits: Refits
    fit: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a result is made from but the unit."""
        how = DRAWS, NEAR, DRAWN, WIDE, PARTNERS, LARGEST_ERROR
        return digest_of([self.refits.digest, self.fit, how])


def integration_paths(
    integrations: Integrations, labels: Sequence[str], results: Path
) -> dict[str, Path]:
    """Name the files of results."""
    paths = refit_paths(integrations.refits, labels, results)
    return {label: path.with_suffix(".integrated.nc") for label, path in paths.items()}


def kept_integrations(
    integrations: Integrations, labels: Sequence[str], results: Path
) -> pd.DataFrame:
    """Read the results that are there."""
    paths = integration_paths(integrations, labels, results)
    return scalars({key: paths[key] for key in kept_among(paths, integrations.digest)}, COLUMNS)


def integrated_units(
    integrations: Integrations,
    posterior: xr.Dataset,
    labels: Sequence[str],
    results: Path,
    run: Runner,
    reporter: Reporter,
) -> pd.DataFrame:
    """Leave some units out of a fit, one after the other.

    Returns
    -------
    pandas.DataFrame
        A row a unit: ``elpd``, ``error``, ``pareto_k`` and ``passed``, as
        `models.leave_out.integrated.integrate` gives them.
    """
    refits = integrations.refits
    dyads, name = refits.study.dyads, parse_model(refits.model)
    rows = rows_of_units(dyads, refits.unit)
    paths = integration_paths(integrations, labels, results)
    used: list[xr.Dataset] = []  # read once, and only where it is needed

    def task_of(label: str) -> tuple[object, ...]:
        if not used:
            used.append(_used(posterior))
        unit = unit_in_fit(used[0], dyads, name, refits.unit, label, rows[label])
        return unit, posterior.sizes["chain"], integrations.digest, refits.settings.seed

    make_missing(
        paths,
        integrations.digest,
        integrate,
        task_of,
        lambda one: str(one.attrs["label"]),
        f"{refits.model}: each {refits.unit} of high Pareto k, its cities' effects integrated out",
        run,
        reporter,
        "left to refits",
    )
    return scalars(paths, COLUMNS)


def joint_error(integrations: Integrations, labels: Sequence[str], results: Path) -> float:
    """Give the Monte Carlo standard error of the summed elpd of some units."""
    influence: np.ndarray | float = 0.0
    bias = 0.0
    for path in integration_paths(integrations, labels, results).values():
        with h5netcdf.File(path, "r") as file:
            influence = influence + file["influence"][()]
            bias += float(file["bias"][()]) ** 2
    return float(np.sqrt(np.sum(np.square(influence)) + bias))


def _used(posterior: xr.Dataset) -> xr.Dataset:
    """Take about DRAWS draws, evenly spaced in each chain, one chain after the other."""
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    few = posterior.isel(draw=slice(None, None, max(1, draws // DRAWS))).load()
    return thinned(few, few.sizes["chain"] * few.sizes["draw"])
