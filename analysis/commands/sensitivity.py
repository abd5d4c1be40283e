"""`interlocal sensitivity`."""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.commands.options import (
    Chains,
    Draws,
    Models,
    Results,
    Sampler,
    Seed,
    StudyFolder,
    TargetAccept,
    Tune,
    chosen_models,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.fits.finding import FitFile
    from data import Study
    from models.priors.prior_set import Priors
    from models.settings import Settings


def sensitivity(
    study: StudyFolder,
    models: Models = "",
    priors: Annotated[
        str,
        typer.Option(
            help="Prior sets by name or TOML file, as in 'default wide'; by default all that come "
            "with the package, but for calibration."
        ),
    ] = "",
    seed: Seed = 20221,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    target_accept: TargetAccept = 0.8,
    sampler: Sampler = "nutpie",
    results: Results = "results",
) -> None:
    """Hold a study's hypotheses against its models under several prior sets.

    Each model is sampled under each prior set as by interlocal sample, and not again where that
    is done. Printed: each hypothesis under every model and prior set, beside maximum likelihood
    where interlocal mle has made it; and of each fit under the first prior set the parameters
    that rest on their priors (power-scaling). Written: RESULTS/STUDY/hypotheses.csv, .md, .tex and
    .docx. Where a fit fails its diagnostics, the exit status is 3.
    """
    from data.study import read_study
    from models.settings import Settings

    settings = Settings(draws, tune, chains, seed, target_accept, sampler)
    checked = read_study(study)
    names = chosen_models(models, study, checked)
    sets = _chosen_sets(priors)
    for prior_set in sets:
        for model in names:
            prior_set.refuse_misfit(model, checked)

    passed, failed = _sampled(
        checked, [model.name for model in names], sets, settings, Path(results)
    )
    _show_hypotheses(checked, Path(results))
    _show_sensitivity([fit for fit in passed if fit.priors == sets[0].name])
    if failed:
        labels = ", ".join(fit.label for fit in failed)
        print(f"error: {labels} failed the diagnostics", file=sys.stderr)
        raise typer.Exit(3)


def _sampled(
    study: "Study",
    models: "Sequence[str]",
    sets: "Sequence[Priors]",
    settings: "Settings",
    results: Path,
) -> "tuple[list[FitFile], list[FitFile]]":
    """Sample what is not there; give the fits that pass the gate, and those that fail."""
    from analysis.fits.finding import FitFile
    from models.inference.sample_to_files import sample_to_files
    from models.work.workspace import Workspace

    passed: list[FitFile] = []
    failed: list[FitFile] = []
    try:
        places = [Workspace(results, study, prior_set) for prior_set in sets]
        wanted = list(itertools.product(places, models))
        made = sample_to_files(wanted, settings)
        for (place, model), (path, reused) in zip(wanted, made, strict=True):
            fails = path.name.endswith(".failed.nc")
            (failed if fails else passed).append(FitFile(model, place.priors.name, path))
            state = "up to date" if reused else "written"
            print(f"{state}: {path}{', which fails its diagnostics' * fails}")
    except KeyboardInterrupt:
        kept = ", ".join(str(fit.path) for fit in [*passed, *failed]) or "no fit was finished"
        print(f"\ninterrupted; kept: {kept}; nothing is half-written", file=sys.stderr)
        raise typer.Exit(130) from None
    return passed, failed


def _show_hypotheses(study: "Study", results: Path) -> None:
    from analysis.chapters.data_words import with_data
    from analysis.chapters.hypotheses import hypotheses_page
    from analysis.hypothesis.effects import plain_effects
    from analysis.hypothesis.verdicts import findings, with_effects
    from analysis.tables.files import write_page
    from analysis.tables.terminal import console, show

    if not study.declaration.hypothesis:
        print("The study states no hypothesis; [[hypothesis]] in its study.toml would.")
        return
    found = findings(study, results=results)
    found = replace(found, table=with_effects(found.table, plain_effects(study, results=results)))
    page = with_data(hypotheses_page(found, study.declaration), study.words)
    show(page, console())
    stem = results / study.name / "hypotheses"
    for path in write_page(page, stem, ("csv", "md", "tex", "docx")):
        print(f"written: {path}")


def _show_sensitivity(fits: "Sequence[FitFile]") -> None:
    from analysis.chapters.sensitivity import sensitivity_blocks
    from analysis.posterior.sensitivity import RULES
    from analysis.posterior.sensitivity import sensitivity as sensitivity_of
    from analysis.tables.blocks import Text
    from analysis.tables.terminal import console, show_blocks
    from models.inference.fit import Fit

    for fit in fits:
        print()
        with Fit.open(fit.path) as opened:
            show_blocks(sensitivity_blocks(sensitivity_of(opened.tree), fit.label), console())
    if fits:
        print()
        show_blocks([Text(RULES)], console())


def _chosen_sets(written: str) -> "list[Priors]":
    from models.priors.files import prior_sets
    from models.priors.prior_set import Priors

    named = written.replace(",", " ").split()
    every = ["default", *(name for name in prior_sets() if name not in ("calibration", "default"))]
    return [Priors.load(name) for name in dict.fromkeys(named or every)]
