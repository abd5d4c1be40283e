"""Results that are made one by one, each kept as it ends, none made twice."""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from data.files import refuse_unwritable, replacing
from models.cluster import Runner
from models.progress import Reporter
from models.store import is_current


def kept_among(paths: Mapping[Any, Path], digest: str) -> list[Any]:
    """List what is there.

    Parameters
    ----------
    paths : mapping
        The file of each result.
    digest : str
        What they are made from.

    Returns
    -------
    list
        The keys of those that can be read and are made from this.
    """
    return [key for key, path in paths.items() if is_current(path, digest)]


def make_missing(
    paths: Mapping[Any, Path],
    digest: str,
    work: Callable[..., xr.Dataset],
    given: Any,
    key_of: Callable[[xr.Dataset], Hashable],
    title: str,
    run: Runner,
    reporter: Reporter,
) -> None:
    """Make the results that are not there, and keep each as it ends.

    Parameters
    ----------
    paths : mapping
        The file of each result that is wanted.
    digest : str
        What they are made from; each result has it among its attributes.
    work : callable
        ``(given, key)`` to a result with the variable ``passed``, 0 where it failed the gate.
    given : object
        What every result is made from.
    key_of : callable
        A result to its key.
    title : str
        What progress is told of.
    run : callable
        Does the work: `models.cluster.in_process`, or what `on_cluster` gives.
    reporter : Reporter
        Hears of progress.

    Raises
    ------
    ResultsError
        A folder cannot be written.
    """
    kept = set(kept_among(paths, digest))
    missing = [key for key in paths if key not in kept]
    for folder in dict.fromkeys(paths[key].parent for key in missing):
        refuse_unwritable(folder)
    if missing:
        reporter.stage(title + (f" ({len(kept)} are there already)" if kept else ""))
    failed = 0
    tasks = [(given, key) for key in missing]
    for done, one in enumerate(run(work, tasks), start=len(kept) + 1):
        with replacing(paths[key_of(one)]) as temporary:
            one.to_netcdf(temporary, engine="h5netcdf")
        failed += not int(one["passed"])
        reporter.advance(done, len(paths), f"{failed} failed the gate" if failed else "")
