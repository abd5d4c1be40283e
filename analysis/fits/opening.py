"""Results from disk."""

from pathlib import Path

import xarray as xr

from data.errors import ResultsError, suggest
from data.study import study_name
from models.inference.fit import Fit
from models.work.netcdf import open_tree
from models.work.workspace import COMPARISON, prior_folder, refuse_namesake

AGAIN = "`interlocal compare`"  # makes a comparison again


def load(
    study: str | Path, model: str, priors: str = "default", *, results: str | Path = "results"
) -> xr.DataTree:
    """Read a fit that `interlocal sample` wrote.

    Parameters
    ----------
    study : str or pathlib.Path
        The study's folder, or the name that its results are kept under.
    model : str
        The model's name; of a fit that failed the gate with ``.failed`` behind it.
    priors : str
        The prior set's name.
    results : str or pathlib.Path
        The results folder.

    Returns
    -------
    xarray.DataTree
        The fit, with the groups that `models.sample` describes, read as it is used.

    Raises
    ------
    ResultsError
        There is no such fit, and the message lists those that there are; it cannot be read; or
        the results under the study's name are another study's.
    """
    folder = _folder(study, priors, results)
    path = folder / f"{model}.nc"
    files = [file.name for file in folder.glob("*.nc") if file.name != COMPARISON]
    if path.name not in files:
        found = sorted(name.removesuffix(".nc") for name in files)
        known = suggest(model, found) if found else "run `make sample` first"
        raise ResultsError(f"{path}: no such fit; {known}")
    return Fit.open(path).tree


def load_comparison(
    study: str | Path, priors: str = "default", results: str | Path = "results"
) -> xr.DataTree:
    """Read a comparison that `interlocal compare` wrote.

    Parameters
    ----------
    study : str or pathlib.Path
        The study's folder, or the name that its results are kept under.
    priors : str
        The prior set's name.
    results : str or pathlib.Path
        The results folder.

    Returns
    -------
    xarray.DataTree
        As `analysis.comparison.file.comparison_tree` describes it, read as it is used.

    Raises
    ------
    ResultsError
        There is no such comparison, and the message lists the prior sets of which there is one; or
        it cannot be read, or was written by an earlier version, which kept less.
    """
    path = _folder(study, priors, results) / COMPARISON
    if not path.exists():
        found = sorted(file.parent.name for file in path.parents[1].glob(f"*/{COMPARISON}"))
        known = suggest(priors, found) if found else "run `make compare` first"
        raise ResultsError(f"{path}: no such comparison; {known}")
    tree = open_tree(path, AGAIN)
    if "errors" not in tree.attrs:
        tree.close()
        raise ResultsError(
            f"{path}: written by an earlier version; run `make compare` again, which refits nothing"
        )
    return tree


def _folder(study: str | Path, priors: str, results: str | Path) -> Path:
    """Find the folder of fits: of the study in a folder, else of the study of a name."""
    folder, results = Path(study), Path(results)
    if not (folder / "study.toml").is_file():
        return prior_folder(results, folder.resolve().name, priors)
    name = study_name(folder)
    refuse_namesake(results, folder, name)
    return prior_folder(results, name, priors)
