"""Models sampled into the results folder, but for fits that are there already."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.files import refuse_unwritable
from data.study import Study
from models.inference.prepare import prepared_models
from models.inference.sample import label_of, sampled
from models.priors.prior_set import Priors
from models.settings import Settings
from models.work.fits import (
    approximate_path,
    failed_path,
    fit_digest,
    fit_path,
    is_current,
    save_fit,
)
from models.work.progress import reporting


def sample_to_files(
    study: Study,
    wanted: Sequence[tuple[str, Priors]],
    settings: Settings,
    results: Path,
    *,
    force: bool = False,
) -> Iterator[tuple[Path, bool]]:
    """Sample models into the results folder, but for fits that are there already.

    Yields
    ------
    path : pathlib.Path
        The fit's file; it ends in ``.failed.nc`` where the fit failed its diagnostics, and in
        ``.approximate.nc`` where it is a first look.
    """
    kept = [None if force else _kept(study, *model, settings, results) for model in wanted]
    missing = [model for model, path in zip(wanted, kept, strict=True) if path is None]
    models = prepared_models(study, missing, settings)
    for (model, priors), there in zip(wanted, kept, strict=True):
        if there is not None:
            yield there, True
            continue
        path = fit_path(results, study, priors, model)
        refuse_unwritable(path.parent)
        with reporting(label_of(study, model, priors)) as reporter:
            reporter.stage("compiling")
            fit = sampled(next(models), reporter)
        fit.attrs["digest"] = fit_digest(study, priors, model, settings)
        yield save_fit(fit, path), False


def _kept(
    study: Study, model: str, priors: Priors, settings: Settings, results: Path
) -> Path | None:
    path = fit_path(results, study, priors, model)
    digest = fit_digest(study, priors, model, settings)
    files = path, failed_path(path), approximate_path(path)
    return next((file for file in files if is_current(file, digest)), None)
