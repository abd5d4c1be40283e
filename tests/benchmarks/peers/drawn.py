"""What a program's run gives, and how every run is set up."""

import os
from dataclasses import dataclass, field

import xarray as xr

from models.settings import Settings

COMPARED = ("_intercept", "_coef", "_sd", "_generalized_reciprocity", "dispersion")


@dataclass(frozen=True)
class Drawn:
    """Draws under the names of ARCHITECTURE.md, and what they cost.

    Attributes
    ----------
    posterior : xarray.Dataset
        Draws (chain, draw, ...) of the parameters that are compared.
    seconds : float
        Of sampling, tuning included and compilation left out.
    divergences : int
        After tuning, all chains together.
    versions : dict of str to str
        Of programs outside Python.
    """

    posterior: xr.Dataset
    seconds: float
    divergences: int
    versions: dict[str, str] = field(default_factory=dict)


def compared(posterior: xr.Dataset) -> xr.Dataset:
    """Keep intercepts, coefficients, standard deviations, correlations and dispersion."""
    names = [name for name in map(str, posterior) if name.endswith(COMPARED)]
    return posterior[[name for name in names if not name.startswith("_")]].load()


def cores(how: Settings) -> int:
    """Give how many chains are drawn at a time."""
    return min(how.chains, os.process_cpu_count() or 1)


def counted(fit: xr.DataTree, seconds: float) -> Drawn:
    """Keep of a fit what is compared."""
    divergences = int(fit["sample_stats"]["diverging"].sum())
    return Drawn(compared(fit["posterior"].to_dataset()), seconds, divergences)
