"""Many replicates of a calibration: on dask, each kept as it ends, none made twice."""

import json
from pathlib import Path

import xarray as xr

from models.simulation.calibration import Calibration, replicate
from models.work import netcdf
from models.work.pieces import AGAIN, Bench, Pieces


def calibration_folder(results: Path, calibration: Calibration) -> Path:
    """Name the folder of a calibration."""
    return results / "sbc" / f"{calibration.model}-{calibration.digest[:12]}"


def replicate_pieces(folder: Path, calibration: Calibration, replicates: int) -> Pieces:
    """Name the replicates' files."""
    paths = {number: folder / "replicates" / f"{number:05d}.nc" for number in range(replicates)}
    return Pieces(paths, calibration.digest)


def complete(pieces: Pieces, calibration: Calibration, bench: Bench) -> xr.Dataset:
    """Run the replicates that are missing, keep each as it ends, and put all together.

    Returns
    -------
    xarray.Dataset
        What `models.simulation.calibration.replicate` returns, along ``replicate``; fits that
        failed the gate are among them. The attributes are the calibration's manifest.
    """
    pieces.make(replicate, lambda number: (calibration, number), "replicates", bench)
    made = [netcdf.load_dataset(path, AGAIN) for path in pieces.paths.values()]
    whole: xr.Dataset = xr.concat(
        [one.drop_attrs() for one in made], "replicate", join="exact", data_vars="all"
    )
    faults = ("replicate", [str(one.attrs["faults"]) for one in made])
    commits = json.dumps(sorted({str(one.attrs["commit"]) for one in made} - {""}))
    return whole.assign(faults=faults).assign_attrs(calibration.manifest | {"commits": commits})
