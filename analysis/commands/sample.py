"""`interlocal sample`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import (
    Chains,
    Draws,
    Models,
    PriorSet,
    RandomSlopes,
    Results,
    Sampler,
    Seed,
    StudyFolder,
    TargetAccept,
    Tune,
    chosen_models,
)


def sample(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    seed: Seed = 20221,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    target_accept: TargetAccept = 0.8,
    sampler: Sampler = "nutpie",
    slopes: RandomSlopes = None,
    results: Results = "results",
    prior_only: Annotated[
        bool,
        typer.Option("--prior-only", help="Show what the priors expect of counts; sample nothing."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Sample again, though nothing has changed.")
    ] = False,
) -> None:
    """Sample the models of a study, check the draws, keep and summarise them.

    Each fit goes to RESULTS/STUDY/PRIORS/MODEL.nc, a netCDF file that ArviZ reads. A fit whose
    study, priors and settings are unchanged is shown, not made again. A fit that fails its
    diagnostics goes to MODEL.failed.nc, and the exit status is 3.
    """
    from data.study import read_study, with_slopes
    from models.settings import Settings

    settings = Settings(draws, tune, chains, seed, target_accept, sampler)
    checked = with_slopes(read_study(study), slopes) if slopes else read_study(study)
    names = chosen_models(models, study, checked)

    from analysis.chapters.fits import fit_page
    from analysis.fits.gathering import is_of_now
    from analysis.tables.terminal import console, show, show_blocks
    from models.inference.fit import Fit
    from models.inference.sample_to_files import sample_to_files
    from models.priors.prior_set import Priors
    from models.work.workspace import Workspace

    prior_set = Priors.load(priors)
    for model in names:
        prior_set.refuse_misfit(model, checked)
    if prior_only:
        from analysis.chapters.prior_predictive import prior_predictive_blocks
        from models.inference.prior_predictive import prior_predictive

        for model in names:
            expected = prior_predictive(checked, model.name, prior_set, seed)
            print()
            show_blocks(prior_predictive_blocks(expected, model.name, prior_set.name), console())
        return
    failed, kept = [], []
    try:
        workspace = Workspace(Path(results), checked, prior_set)
        wanted = [(workspace, model.name) for model in names]
        made = sample_to_files(wanted, settings, force=force)
        for model, (path, reused) in zip(names, made, strict=True):
            kept.append(path)
            with Fit.open(path) as fit:
                show(fit_page(fit.as_told_by(checked).tree), console())
                if not fit.passed:
                    failed.append(model.name)
            print(f"{'up to date' if reused else 'written'}: {path}")
            passing = workspace.fit(model.name)
            if path != passing and passing.exists() and is_of_now(passing, workspace):
                print(f"kept, and used: {passing}, which passed with other settings")
    except KeyboardInterrupt:
        files = ", ".join(map(str, kept)) or "no fit was finished"
        print(f"\ninterrupted; kept: {files}; nothing is half-written", file=sys.stderr)
        raise typer.Exit(130) from None
    if failed:
        print(f"error: {', '.join(failed)} failed the diagnostics (see above)", file=sys.stderr)
        raise typer.Exit(3)
