"""Models sampled into the results folder, but for fits that are there already."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.files import refuse_unwritable
from models.inference.prepare import prepared_models
from models.inference.sample import label_of, sampled
from models.settings import Settings
from models.work.fits import save_fit
from models.work.progress import reporting
from models.work.workspace import (
    Workspace,
    claim,
    claim_priors,
    refuse_other_priors,
    refuse_other_study,
)


def sample_to_files(
    wanted: Sequence[tuple[Workspace, str]], settings: Settings, *, force: bool = False
) -> Iterator[tuple[Path, bool]]:
    """Sample models into their workspaces, but for fits that are there already.

    Yields
    ------
    path : pathlib.Path
        The fit's file; it ends in ``.failed.nc`` where the fit failed its diagnostics.
    reused : bool
        Whether it was there.
    """
    for place in {place.folder: place for place, _ in wanted}.values():
        refuse_other_study(place.results, place.study)
        refuse_other_priors(place)
    kept = [None if force else place.current(model, settings) for place, model in wanted]
    missing = [
        (place.study, model, place.priors)
        for (place, model), path in zip(wanted, kept, strict=True)
        if path is None
    ]
    models = prepared_models(missing, settings)
    for (place, model), there in zip(wanted, kept, strict=True):
        if there is not None:
            claim(place.results, place.study)
            yield there, True
            continue
        refuse_unwritable(place.folder)
        with reporting(label_of(place.study, model, place.priors)) as reporter:
            reporter.stage("compiling")
            fit = sampled(next(models), reporter)
        claim(place.results, place.study)
        claim_priors(place)
        fit.attrs["digest"] = place.digest(model, settings)
        yield save_fit(fit, place.fit(model)), False
