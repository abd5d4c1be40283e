"""Results that are made one by one, each kept as it ends, none made twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from data.files import refuse_unwritable
from models.work import netcdf
from models.work.cluster import Runner, in_process
from models.work.fits import is_current
from models.work.progress import Reporter

AGAIN = "the command that was run"  # makes those again that cannot be read


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
            netcdf.write(piece, self.paths[piece.attrs["label"]])
            failed += not int(piece["passed"])
            note = f"{failed} {failing}" if failed else ""
            bench.reporter.advance(done, len(self.paths), note)

    def values(self, columns: Sequence[str]) -> Iterator[tuple[Any, list[np.ndarray]]]:
        """Read variables of results, one result after the other."""
        for key, path in self.paths.items():
            with netcdf.opened(path, AGAIN) as file:
                yield key, [np.asarray(file[column][()]) for column in columns]

    def scalars(self, columns: Sequence[str]) -> pd.DataFrame:
        """Read numbers of results, a row a key."""
        rows = {key: list(map(float, values)) for key, values in self.values(columns)}
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns), dtype=float)
