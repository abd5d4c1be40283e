"""Exact refits of a model without some of its units, each kept as it ends."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from models.leave_out.refit import Refits, refit
from models.leave_out.units import rows_of_units
from models.work.cluster import Runner
from models.work.pieces import kept_among, make_missing, scalars
from models.work.progress import Reporter

FOLDER = "left_out"


def refit_paths(refits: Refits, labels: Sequence[str], results: Path) -> dict[str, Path]:
    """Name the files of refits.

    Returns
    -------
    dict of str to pathlib.Path
        For each unit ``results/<study>/<priors>/left_out/<model>/<unit>/<number>.nc``; the number
        is its place among all units.
    """
    folder = results / refits.study.name / refits.priors.name / FOLDER / refits.model / refits.unit
    place = {label: k for k, label in enumerate(rows_of_units(refits.study.dyads, refits.unit))}
    return {label: folder / f"{place[label]:06d}.nc" for label in labels}


def kept_refits(refits: Refits, labels: Sequence[str], results: Path) -> list[str]:
    """List the refits that are there."""
    return kept_among(refit_paths(refits, labels, results), refits.digest)


def exact_refits(
    refits: Refits, labels: Sequence[str], results: Path, run: Runner, reporter: Reporter
) -> pd.DataFrame:
    """Refit a model without each of some units."""
    paths = refit_paths(refits, labels, results)
    make_missing(
        paths,
        refits.digest,
        refit,
        lambda label: (refits, label),
        lambda one: str(one.attrs["label"]),
        f"{refits.model}: refits without each {refits.unit}",
        run,
        reporter,
    )
    return scalars(paths, ("elpd", "error", "passed"))
