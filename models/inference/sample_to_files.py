"""Models sampled into the results folder, but for fits that are there already."""

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from data.files import refuse_unwritable
from data.study import Study
from models.inference.prepare import in_turn, prepared
from models.inference.sample import ConvergenceWarning, sampled
from models.name import parse_model
from models.priors.prior_set import Priors
from models.settings import ADVI, Settings
from models.work.fits import (
    approximate_path,
    failed_path,
    fit_digest,
    fit_path,
    is_current,
    save_fit,
)


def sample_to_files(
    study: Study,
    wanted: Sequence[tuple[str, Priors]],
    settings: Settings,
    results: Path,
    *,
    force: bool = False,
) -> Iterator[tuple[Path, bool]]:
    """Sample models into the results folder, but for fits that are there already.

    Each is compiled while the one before it is sampled, where the sampler is nutpie: others use
    PyTensor meanwhile, or start processes.

    Yields
    ------
    path : pathlib.Path
        The fit's file; it ends in ``.failed.nc`` where the fit failed its diagnostics, and in
        ``.approximate.nc`` where it is a first look.
    """
    kept = [None if force else _kept(study, *each, settings, results) for each in wanted]
    missing = [each for each, path in zip(wanted, kept, strict=True) if path is None]
    compiled = in_turn(
        [partial(prepared, study, *each, settings) for each in missing],
        ahead=settings.sampler == "nutpie" and settings.method != ADVI,
    )
    for (model, priors), there in zip(wanted, kept, strict=True):
        if there is not None:
            yield there, True
            continue
        path, name = fit_path(results, study, priors, model), parse_model(model)
        refuse_unwritable(path.parent)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the file and the summary say it
            fit = sampled(study, name, priors, settings, partial(next, compiled))
        fit.attrs["digest"] = fit_digest(study, priors, model, settings)
        yield save_fit(fit, path), False


def _kept(
    study: Study, model: str, priors: Priors, settings: Settings, results: Path
) -> Path | None:
    path = fit_path(results, study, priors, model)
    digest = fit_digest(study, priors, model, settings)
    files = path, failed_path(path), approximate_path(path)
    return next((each for each in files if is_current(each, digest)), None)
