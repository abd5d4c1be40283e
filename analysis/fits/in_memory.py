"""Fits in memory, put where those that compare them look for them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import xarray as xr

from data.errors import ResultsError
from data.study import Study
from models.inference.fit import Fit
from models.priors.prior_set import Priors
from models.work.fits import save_fit
from models.work.workspace import Workspace, claim


@contextmanager
def results_of(
    study: Study, results: str | Path | None, fits: Sequence[xr.DataTree], priors: Priors
) -> Iterator[Path]:
    """Give the results folder: the one that is named, else ``results``, else one that ends here.

    Parameters
    ----------
    results : str or pathlib.Path, optional
        A folder. None, with fits in memory or for a study in memory, is a temporary one.

    Raises
    ------
    ResultsError
        Fits are given beside a folder, or one is of another study.
    """
    if results is not None and fits:
        raise ResultsError("give fits, or the results folder that holds them")
    if results is not None or (study.folder is not None and not fits):
        yield Path(results or "results")
        return
    with TemporaryDirectory(prefix="interlocal-") as folder:
        for tree in fits:
            fit = Fit(tree)
            if fit.study_digest != study.digest:
                raise ResultsError(f"{fit.model}: the fit is of another study")
            place = Workspace(Path(folder), study, priors)
            claim(place.results, study)
            target = place.folder.with_name(fit.priors) / f"{fit.model}.nc"
            target.parent.mkdir(parents=True, exist_ok=True)
            whole = tree.copy()
            whole.attrs = tree.attrs | {"digest": place.digest(fit.model, fit.settings)}
            save_fit(whole, target)
        yield Path(folder)
