"""Everything that is known of a study under one prior set, gathered from the results folder."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import xarray as xr
from arviz_stats.utils import ELPDDataLOO

from analysis.fits.opening import load_comparison
from data.errors import ResultsError
from data.study import Study
from models.frequentist.files import load_mle
from models.frequentist.result import MaximumLikelihood
from models.inference.fit import Fit, is_made_from
from models.leave_out.loo import psis
from models.priors.prior_set import Priors
from models.work import netcdf
from models.work.fits import decoded
from models.work.made_from import COMPARISONS, made_by
from models.work.workspace import Workspace, claim


@dataclass(frozen=True)
class ModelResults:
    """What is known of one model.

    Attributes
    ----------
    mle : MaximumLikelihood or None
        The family's pooled model by maximum likelihood, where `interlocal mle` has fitted it.
    beside : pathlib.Path or None
        A fit of the same study and priors that failed, where this one passed.
    """

    model: str
    fit: xr.DataTree
    path: Path
    mle: MaximumLikelihood | None
    sources: tuple[Path, ...]
    beside: Path | None = None

    @cached_property
    def loo(self) -> ELPDDataLOO:
        return psis(self.fit, "dyad")


@dataclass(frozen=True)
class StudyResults:
    """What is known of a study under one prior set.

    Attributes
    ----------
    models : dict of str to ModelResults
        By name, in the order asked for; fits that failed their diagnostics among them.
    """

    workspace: Workspace
    models: dict[str, ModelResults]
    missing: list[str]
    comparison: xr.DataTree | None
    _open: ExitStack = field(repr=False, compare=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def study(self) -> Study:
        return self.workspace.study

    @property
    def priors(self) -> Priors:
        return self.workspace.priors

    @property
    def folder(self) -> Path:
        return self.workspace.folder

    @property
    def first(self) -> ModelResults:
        """The model that a reader should see first.

        It passed its diagnostics if any did; then the one that predicts a new dyad best, where
        they have been compared; else the first with city effects.
        """
        passed = [model for model in self.models.values() if Fit(model.fit).passed]
        candidates = passed or list(self.models.values())
        if self.comparison is not None and "dyad" in self.comparison.children:
            ranked = self.comparison["dyad"]["model"].to_numpy().tolist()
            known = [model for model in candidates if model.model in ranked]
            if known:
                return min(known, key=lambda model: ranked.index(model.model))
        with_effects = [model for model in candidates if Fit(model.fit).name.roles]
        return (with_effects or candidates)[0]


def gather(workspace: Workspace, models: Sequence[str]) -> StudyResults:
    """Open the results of a study."""
    found: dict[str, ModelResults] = {}
    missing = []
    study, priors = workspace.study, workspace.priors
    if workspace.study_folder.is_dir():
        claim(workspace.results, study)
    with ExitStack() as opened:  # which closes them where something is refused
        for model in models:
            there = [*filter(Path.exists, (workspace.fit(model), workspace.failed(model)))]
            if not there:
                missing.append(model)
                continue
            current = [path for path in there if is_of_now(path, workspace)]
            path, *beside = current or there[:1]
            fit = opened.enter_context(Fit.of(path, study, priors))
            pooled = workspace.maximum_likelihood(f"{fit.name.family_name}_pooled")
            mle = _pooled(study, pooled)
            sources = (path,) if mle is None else (path, pooled)
            found[model] = ModelResults(model, fit.tree, path, mle, sources, *beside)
        if not found:
            raise ResultsError(
                f"{workspace.folder}: no fit of {', '.join(models)}; "
                "run `interlocal sample` on the study first"
            )
        comparison = None
        if workspace.comparison.exists():
            comparison = opened.enter_context(
                load_comparison(study.name, priors.name, workspace.results)
            )
            if not _is_of(comparison, study, found):
                comparison = None
            else:
                comparison.attrs |= study.words
        return StudyResults(workspace, found, missing, comparison, opened.pop_all())


def is_of_now(path: Path, workspace: Workspace) -> bool:
    """Tell whether a file holds a fit of the study, the priors and the sources as they are now."""
    return is_made_from(netcdf.attributes(path), workspace.study, workspace.priors)


def _is_of(comparison: xr.DataTree, study: Study, found: dict[str, ModelResults]) -> bool:
    """Tell whether these fits of this study were compared, and not earlier ones."""
    compared = decoded(comparison.attrs, "fits")
    made_from = comparison.attrs["study_digest"], comparison.attrs.get("made_by")
    return made_from == (study.digest, made_by(COMPARISONS)) and all(
        compared[name] == Fit(model.fit).digest for name, model in found.items() if name in compared
    )


def _pooled(study: Study, path: Path) -> MaximumLikelihood | None:
    if not path.exists():
        return None
    fit = load_mle(path)
    return fit.as_told_by(study) if fit.is_of(study) else None
