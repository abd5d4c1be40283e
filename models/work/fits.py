"""Fits on disk: one netCDF each, written whole or not at all, and not made twice."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from data.study import Study
from models.settings import Settings
from models.work import netcdf
from models.work.made_from import DRAWS, made_by

if TYPE_CHECKING:
    from models.priors.prior_set import Priors

MADE_FROM = ("study_digest", "priors_in_force")  # attributes
AGAIN = "`interlocal sample`"  # makes a fit again
COMPRESSED = {"zlib": True, "complevel": 1, "shuffle": True}


def fit_digest(study: Study, priors: "Priors", model: str, settings: Settings) -> str:
    """Identify what a fit is made from.

    Returns
    -------
    str
        SHA-256 of the study's digest, the priors in force, the model, the settings and what
        makes draws.
    """
    return digest_of([study.digest, priors.to_json(), model, asdict(settings)])


def digest_of(made_from: Sequence[object], rooms: Sequence[str] = DRAWS) -> str:
    """Identify what a result is made from, and by which sources and packages."""
    whole = [*made_from, made_by(rooms)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def decoded(attributes: Mapping[Any, Any], name: str) -> Any:
    """Read an attribute that a file holds as JSON: a list, or texts by name."""
    return json.loads(attributes[name])


def is_current(path: Path, digest: str) -> bool:
    """Tell whether a file holds the result that would be made."""
    return bool(netcdf.attributes(path).get("digest") == digest)


def save_fit(fit: xr.DataTree, path: Path) -> Path:
    """Write a fit.

    Returns
    -------
    pathlib.Path
        Where it went: a fit that failed takes ``.failed.nc``. One that passes takes the place of
        one that failed; one that fails stands beside a passing fit of the same study and priors,
        and takes the place of any other.
    """
    passed = bool(fit.attrs["passed"])
    target = path if passed else failed_path(path)
    stale = failed_path(path) if passed else path
    stays = not passed and _is_of_the_same(path, fit)
    encoding = {
        f"/{group}": {"outcome": COMPRESSED}
        for group in ("prior_predictive", "posterior_predictive")
    }
    netcdf.write(fit, target, encoding)
    if not stays:
        stale.unlink(missing_ok=True)
    return target


def _is_of_the_same(path: Path, fit: xr.DataTree) -> bool:
    """Tell whether a file holds a fit of the same study and priors, sampled in another way."""
    there = netcdf.attributes(path)
    return bool(there) and all(there.get(name) == fit.attrs[name] for name in MADE_FROM)


def failed_path(path: Path) -> Path:
    """Name the file that a fit goes to when it fails the gate.

    Returns
    -------
    pathlib.Path
        The file with ``.failed.nc`` in place of ``.nc``.
    """
    return path.with_suffix(".failed.nc")
