"""Results from disk."""

from pathlib import Path

import xarray as xr

from data.errors import ResultsError, suggest


def load(
    study: str | Path, model: str, priors: str = "default", *, results: str | Path = "results"
) -> xr.DataTree:
    """Read a fit that `interlocal sample` wrote.

    Parameters
    ----------
    study : str or pathlib.Path
        The study's folder, or the name of it.
    model : str
        The model's name; of a fit that failed the gate, with ``.failed`` behind it.
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
        There is no such fit; the message lists those that there are.
    """
    folder = Path(results) / Path(study).resolve().name / priors
    path = folder / f"{model}.nc"
    if not path.exists():
        found = sorted(each.name.removesuffix(".nc") for each in folder.glob("*.nc"))
        known = suggest(model, found) if found else "run `make sample` first"
        raise ResultsError(f"{path}: no such fit; {known}")
    return open_fit(path)


def open_fit(path: Path) -> xr.DataTree:
    """Open the file of a fit; its arrays are read as they are used.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    xarray.DataTree
        The fit.
    """
    return xr.open_datatree(path, engine="h5netcdf")
