"""Many replicates of a calibration: on dask, each kept as it ends, none made twice."""

from pathlib import Path

import xarray as xr

from models.simulation.calibration import Calibration, replicate
from models.work.cluster import Runner
from models.work.pieces import kept_among, make_missing
from models.work.progress import Reporter


def calibration_folder(results: Path, calibration: Calibration) -> Path:
    """Name the folder of a calibration."""
    return results / "sbc" / f"{calibration.model}-{calibration.digest[:12]}"


def kept_replicates(folder: Path, calibration: Calibration, replicates: int) -> dict[int, Path]:
    """Find the replicates that are there."""
    paths = _paths(folder, replicates)
    return {number: paths[number] for number in kept_among(paths, calibration.digest)}


def complete(
    folder: Path,
    calibration: Calibration,
    replicates: int,
    run: Runner,
    reporter: Reporter,
) -> xr.Dataset:
    """Run the replicates that are missing, keep each as it ends, and put all together.

    Returns
    -------
    xarray.Dataset
        What `models.simulation.calibration.replicate` returns, along ``replicate``; fits that
        failed the gate are among them. The attributes are the calibration's manifest.
    """
    paths = _paths(folder, replicates)
    make_missing(
        paths,
        calibration.digest,
        replicate,
        lambda number: (calibration, number),
        lambda one: int(one["replicate"]),
        "replicates",
        run,
        reporter,
    )
    each = [xr.load_dataset(path, engine="h5netcdf") for path in paths.values()]
    whole: xr.Dataset = xr.concat(
        [one.drop_attrs() for one in each], "replicate", join="exact", data_vars="all"
    )
    faults = ("replicate", [str(one.attrs["faults"]) for one in each])
    return whole.assign(faults=faults).assign_attrs(calibration.manifest)


def _paths(folder: Path, replicates: int) -> dict[int, Path]:
    return {number: folder / "replicates" / f"{number:05d}.nc" for number in range(replicates)}
