"""`interlocal table`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Models, PriorSet, Results, StudyFolder, chosen_models


def table(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    ml: Annotated[
        bool,
        typer.Option("--ml", help="Beside them each family's pooled model by maximum likelihood."),
    ] = False,
    errors: Annotated[
        bool,
        typer.Option(
            "--errors/--interval",
            help="Below each estimate its standard deviation or error; or its interval.",
        ),
    ] = False,
    results: Results = "results",
) -> None:
    """Put models side by side in the table that a paper prints.

    Reads what `interlocal sample`, and with --ml `interlocal mle`, have kept. Rows: both parts, sds
    and correlations of effects, dispersion, elpd, numbers of dyads, cities and zeros. Written:
    RESULTS/STUDY/table.html, .md, .tex, .docx, .typ and .csv; beside each fit its summary,
    RESULTS/STUDY/PRIORS/MODEL.md, .tex, .docx and .csv.
    """
    from data.study import read_study

    checked = read_study(study)
    names = [model.name for model in chosen_models(models, study, checked)]

    from analysis.chapters.side_by_side import table_page, write_tables
    from analysis.fits.gathering import gather
    from analysis.tables.terminal import console, show
    from models.inference.fit import Fit
    from models.priors.prior_set import Priors
    from models.work.workspace import Workspace

    with gather(Workspace(Path(results), checked, Priors.load(priors)), names) as found:
        page = table_page(found, ml=ml, errors=errors)
        show(page, console())
        for path in write_tables(page, found):
            print(f"written: {path}")
        failed = [name for name, model in found.models.items() if not Fit(model.fit).passed]
    if failed:
        print(f"error: {', '.join(failed)} failed the diagnostics (see above)", file=sys.stderr)
        raise typer.Exit(3)
