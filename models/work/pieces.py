"""Results that are made one by one, each kept as it ends, none made twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5netcdf
import pandas as pd
import xarray as xr

from data.files import refuse_unwritable, replacing
from models.work.cluster import Runner, in_process
from models.work.fits import is_current
from models.work.progress import Reporter


@dataclass(frozen=True)
class Bench:
    """Who does the work, and who hears of it.

    Attributes
    ----------
    run : callable
        `models.work.cluster.in_process`, or what `on_cluster` gives.
    """

    run: Runner = in_process
    reporter: Reporter = field(default_factory=Reporter)


@dataclass(frozen=True)
class Pieces:
    """Results that are wanted, by key, each in a file of its own.

    Attributes
    ----------
    digest : str
        What they are made from; each has it among its attributes, and its key as ``label``.
    """

    paths: Mapping[Any, Path]
    digest: str

    @property
    def kept(self) -> list[Any]:
        """The keys of those that are there."""
        return [key for key, path in self.paths.items() if is_current(path, self.digest)]

    def make(
        self,
        work: Callable[..., xr.Dataset],
        task_of: Callable[[Any], tuple[Any, ...]],
        title: str,
        bench: Bench,
        failing: str = "failed the gate",
    ) -> None:
        """Make those that are not there, and keep each as it ends.

        Parameters
        ----------
        work : callable
            A task to a result with the variable ``passed``, 0 where it failed.
        task_of : callable
            A key to the arguments of ``work``; it is called when the task's turn comes.
        title : str
            What progress is told of.
        failing : str
            What is said of results that failed, behind their number.
        """
        kept = set(self.kept)
        missing = [key for key in self.paths if key not in kept]
        for folder in dict.fromkeys(self.paths[key].parent for key in missing):
            refuse_unwritable(folder)
        if missing:
            there = f" ({len(kept)} are there already)" if kept else ""
            bench.reporter.stage(title + there)
        failed = 0
        tasks = (task_of(key) for key in missing)
        for done, piece in enumerate(bench.run(work, tasks), start=len(kept) + 1):
            with replacing(self.paths[piece.attrs["label"]]) as temporary:
                piece.to_netcdf(temporary, engine="h5netcdf")
            failed += not int(piece["passed"])
            note = f"{failed} {failing}" if failed else ""
            bench.reporter.advance(done, len(self.paths), note)

    def scalars(self, columns: Sequence[str]) -> pd.DataFrame:
        """Read numbers of results, a row a key."""
        rows = {}
        for key, path in self.paths.items():
            with h5netcdf.File(path, "r") as file:
                rows[key] = [float(file[column][()]) for column in columns]
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns), dtype=float)
