"""Everything that is known of a study under one prior set, gathered from the results folder."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import xarray as xr
from arviz_stats.utils import ELPDDataLOO

from analysis.fits.opening import COMPARISON, is_fit_of, load_comparison, open_fit
from data.errors import ResultsError
from data.study import Study
from models.frequentist.files import load_mle, mle_path
from models.frequentist.result import MaximumLikelihood
from models.leave_out.loo import psis
from models.name import parse_model
from models.priors.prior_set import Priors
from models.work.fits import failed_path, fit_path


@dataclass(frozen=True)
class ModelResults:
    """What is known of one model.

    Attributes
    ----------
    mle : MaximumLikelihood or None
        The family's pooled model by maximum likelihood, where `interlocal mle` has fitted it.
    """

    model: str
    fit: xr.DataTree
    path: Path
    mle: MaximumLikelihood | None
    sources: tuple[Path, ...]

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

    study: Study
    priors: Priors
    folder: Path
    models: dict[str, ModelResults]
    missing: list[str]
    comparison: xr.DataTree | None
    _open: ExitStack = field(repr=False, compare=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def first(self) -> ModelResults:
        """The model that a reader should see first.

        It passed its diagnostics if any did; then the one that predicts a new dyad best, where
        they have been compared; else the first with city effects.
        """
        passed = [each for each in self.models.values() if each.fit.attrs["passed"]]
        candidates = passed or list(self.models.values())
        if self.comparison is not None and "dyad" in self.comparison.children:
            ranked = self.comparison["dyad"]["model"].to_numpy().tolist()
            known = [each for each in candidates if each.model in ranked]
            if known:
                return min(known, key=lambda each: ranked.index(each.model))
        with_effects = [each for each in candidates if parse_model(each.model).roles]
        return (with_effects or candidates)[0]


def gather(study: Study, models: Sequence[str], priors: Priors, results: Path) -> StudyResults:
    """Open the results of a study."""
    found, missing = {}, []
    with ExitStack() as opened:  # which closes them where something is refused
        for model in models:
            passed = fit_path(results, study, priors, model)
            path = next(filter(Path.exists, (passed, failed_path(passed))), None)
            if path is None:
                missing.append(model)
                continue
            fit = opened.enter_context(open_fit(path))
            if not is_fit_of(fit, study, priors):
                raise ResultsError(
                    f"{path}: was made from another study or other priors; "
                    f"run `interlocal sample` on it with --model {model} again"
                )
            pooled = mle_path(results, study.name, f"{parse_model(model).family_name}_pooled")
            mle = _pooled(study, pooled)
            sources = (path,) if mle is None else (path, pooled)
            found[model] = ModelResults(model, fit, path, mle, sources)
        folder = fit_path(results, study, priors, models[0]).parent
        if not found:
            raise ResultsError(
                f"{folder}: no fit of {', '.join(models)}; "
                "run `interlocal sample` on the study first"
            )
        comparison = None
        if (folder / COMPARISON).exists():
            comparison = opened.enter_context(load_comparison(study.name, priors.name, results))
            if not _is_of(comparison, study, found):
                comparison = None
        return StudyResults(study, priors, folder, found, missing, comparison, opened.pop_all())


def _is_of(comparison: xr.DataTree, study: Study, found: dict[str, ModelResults]) -> bool:
    """Tell whether these fits of this study were compared, and not earlier ones."""
    compared = json.loads(comparison.attrs["fits"])
    return comparison.attrs["study_digest"] == study.digest and all(
        compared[model] == each.fit.attrs["digest"]
        for model, each in found.items()
        if model in compared
    )


def _pooled(study: Study, path: Path) -> MaximumLikelihood | None:
    if not path.exists():
        return None
    fit = load_mle(path)
    return fit if fit.attributes.get("study_digest") == study.digest else None
