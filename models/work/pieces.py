"""Results that are made one by one, each kept as it ends, none made twice."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5netcdf
import pandas as pd
import xarray as xr

from data.files import refuse_unwritable, replacing
from models.work.cluster import Runner
from models.work.fits import is_current
from models.work.progress import Reporter


def kept_among(paths: Mapping[Any, Path], digest: str) -> list[Any]:
    """List what is there."""
    return [key for key, path in paths.items() if is_current(path, digest)]


def make_missing(
    paths: Mapping[Any, Path],
    digest: str,
    work: Callable[..., xr.Dataset],
    task_of: Callable[[Any], tuple[Any, ...]],
    key_of: Callable[[xr.Dataset], Hashable],
    title: str,
    run: Runner,
    reporter: Reporter,
    failing: str = "failed the gate",
) -> None:
    """Make the results that are not there, and keep each as it ends.

    Parameters
    ----------
    paths : mapping
        The file of each result that is wanted.
    digest : str
        What they are made from; each result has it among its attributes.
    work : callable
        A task to a result with the variable ``passed``, 0 where it failed.
    task_of : callable
        A key to the arguments of ``work``; it is called when the task's turn comes.
    key_of : callable
        A result to its key.
    title : str
        What progress is told of.
    run : callable
        Does the work: `models.work.cluster.in_process`, or what `on_cluster` gives.
    reporter : Reporter
        Hears of progress.
    failing : str
        What is said of results that failed, behind their number.
    """
    kept = set(kept_among(paths, digest))
    missing = [key for key in paths if key not in kept]
    for folder in dict.fromkeys(paths[key].parent for key in missing):
        refuse_unwritable(folder)
    if missing:
        reporter.stage(title + (f" ({len(kept)} are there already)" if kept else ""))
    failed = 0
    tasks = (task_of(key) for key in missing)
    for done, one in enumerate(run(work, tasks), start=len(kept) + 1):
        with replacing(paths[key_of(one)]) as temporary:
            one.to_netcdf(temporary, engine="h5netcdf")
        failed += not int(one["passed"])
        reporter.advance(done, len(paths), f"{failed} {failing}" if failed else "")


def scalars(paths: Mapping[Any, Path], columns: Sequence[str]) -> pd.DataFrame:
    """Read numbers of results."""
    rows = {}
    for key, path in paths.items():
        with h5netcdf.File(path, "r") as file:
            rows[key] = [float(file[column][()]) for column in columns]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns), dtype=float)
