"""Fits on disk: one netCDF each, written whole or not at all, and not made twice."""

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import h5netcdf
import xarray as xr

from data.files import refuse_unwritable, replacing
from data.study import Study
from models.ahead import in_turn, prepared
from models.name import parse_model
from models.priors.prior_set import Priors
from models.sampling import ConvergenceWarning, sampled
from models.settings import ADVI, Settings, is_first_look

COMPRESSED = {"zlib": True, "complevel": 1, "shuffle": True}


def sample_to_files(
    study: Study,
    wanted: Sequence[tuple[str, Priors]],
    settings: Settings,
    results: Path,
    *,
    force: bool = False,
) -> Iterator[tuple[Path, bool]]:
    """Sample models into the results folder, but for fits that are there already.

    Each is compiled while the one before it is sampled, where the sampler is nutpie: others use
    PyTensor meanwhile, or start processes.

    Yields
    ------
    path : pathlib.Path
        The fit's file; it ends in ``.failed.nc`` where the fit failed its diagnostics, and in
        ``.approximate.nc`` where it is a first look.
    """
    kept = [None if force else _kept(study, *each, settings, results) for each in wanted]
    missing = [each for each, path in zip(wanted, kept, strict=True) if path is None]
    compiled = in_turn(
        [partial(prepared, study, *each, settings) for each in missing],
        ahead=settings.sampler == "nutpie" and settings.method != ADVI,
    )
    for (model, priors), there in zip(wanted, kept, strict=True):
        if there is not None:
            yield there, True
            continue
        path, name = fit_path(results, study, priors, model), parse_model(model)
        refuse_unwritable(path.parent)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the file and the summary say it
            fit = sampled(study, name, priors, settings, partial(next, compiled))
        fit.attrs["digest"] = fit_digest(study, priors, model, settings)
        yield save_fit(fit, path), False


def _kept(
    study: Study, model: str, priors: Priors, settings: Settings, results: Path
) -> Path | None:
    path = fit_path(results, study, priors, model)
    digest = fit_digest(study, priors, model, settings)
    files = path, failed_path(path), approximate_path(path)
    return next((each for each in files if is_current(each, digest)), None)


def fit_path(results: Path, study: Study, priors: Priors, model: str) -> Path:
    """Name the file of a fit.

    Returns
    -------
    pathlib.Path
        ``results/<study>/<priors>/<model>.nc``; a fit that fails the gate has
        ``.failed.nc`` in place of ``.nc``.
    """
    return results / study.name / priors.name / f"{model}.nc"


def fit_digest(study: Study, priors: Priors, model: str, settings: Settings) -> str:
    """Identify what a fit is made from.

    Returns
    -------
    str
        SHA-256 of the study's bytes, the priors in force, the model, the settings and the
        package's version.
    """
    made_from = [
        study.digest,
        priors.to_json(),
        model,
        asdict(settings),
    ]
    return digest_of(made_from)


def digest_of(made_from: Sequence[object]) -> str:
    """Identify what a result is made from."""
    whole = [*made_from, version("interlocal")]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def is_current(path: Path, digest: str) -> bool:
    """Tell whether a file holds the fit that would be made."""
    try:
        with h5netcdf.File(path, "r") as file:
            return bool(file.attrs.get("digest") == digest)
    except (OSError, KeyError, ValueError):
        return False


def save_fit(fit: xr.DataTree, path: Path) -> Path:
    """Write a fit.

    Returns
    -------
    pathlib.Path
        Where it went: a fit that failed takes ``.failed.nc``. The file of the other kind, made
        from earlier inputs, is removed, so that one model never has two answers. A first look
        takes ``.approximate.nc``, and leaves both as they are.
    """
    if is_first_look(fit.attrs):
        target, stale = approximate_path(path), None
    elif fit.attrs["passed"]:
        target, stale = path, failed_path(path)
    else:
        target, stale = failed_path(path), path
    encoding = {
        f"/{group}": {"count": COMPRESSED} for group in ("prior_predictive", "posterior_predictive")
    }
    with replacing(target) as temporary:
        fit.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
    if stale:
        stale.unlink(missing_ok=True)
    return target


def failed_path(path: Path) -> Path:
    """Name the file that a fit goes to when it fails the gate.

    Returns
    -------
    pathlib.Path
        The file with ``.failed.nc`` in place of ``.nc``.
    """
    return path.with_suffix(".failed.nc")


def approximate_path(path: Path) -> Path:
    """Name the file that a first look goes to.

    Returns
    -------
    pathlib.Path
        The file with ``.approximate.nc`` in place of ``.nc``.
    """
    return path.with_suffix(".approximate.nc")
