"""`interlocal mle`."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Models, Results, Seed, StudyFolder, chosen_models


def mle(
    study: StudyFolder,
    models: Models = "",
    errors: Annotated[
        str,
        typer.Option(
            help="Standard errors behind z, p and intervals: information, sandwich, sender, "
            "receiver, two_way, dyadic or jackknife; of a panel also dyad."
        ),
    ] = "jackknife",
    permutations: Annotated[
        int, typer.Option(help="Permutations of the cities for p-values; 0 for none.")
    ] = 999,
    seed: Seed = 20221,
    results: Results = "results",
    force: Annotated[
        bool, typer.Option("--force", help="Fit again, though nothing has changed.")
    ] = False,
) -> None:
    """Fit the pooled models of a study by maximum likelihood, and tabulate them.

    Without --model, the pooled twin of each model that the study names. Each fit goes to
    RESULTS/STUDY/maximum_likelihood/MODEL.nc, its tables beside it as .txt, .csv, .md, .tex
    and .docx.
    What the data do not determine is named, and has no standard error.
    """
    from data.study import read_study

    checked = read_study(study)
    chosen = chosen_models(models, study, checked)
    names = [model.name if models else f"{model.family_name}_pooled" for model in chosen]

    from analysis.chapters.maximum_likelihood import mle_page
    from analysis.fits.finding import find_fits
    from analysis.tables.files import write_page
    from analysis.tables.terminal import console, show
    from data.files import all_or_none
    from models.frequentist.covariances import kinds_of, refuse_kind
    from models.frequentist.files import fit_to_file
    from models.inference.fit import Fit

    refuse_kind(errors, kinds_of(panel=checked.declaration.dyads.period is not None))
    sampled, lost = find_fits(checked, Path(results)).passed, []
    for name in dict.fromkeys(names):
        with all_or_none(), ExitStack() as opened:
            fit, path, reused = fit_to_file(
                checked, name, permutations, Path(results), seed=seed, force=force
            )
            fits = [
                opened.enter_context(Fit.open(each.path)) for each in sampled if each.model == name
            ]
            page = mle_page(fit, errors, fits)
            write_page(page, path.with_suffix(""), ("txt", "csv", "md", "tex", "docx"))
        show(page, console())
        print(f"{'up to date' if reused else 'written'}: {path} and .txt, .csv, .md, .tex, .docx")
        if not fit.converged:
            lost.append(name)
    if lost:
        print(f"error: no maximum was found for {', '.join(lost)} (see above)", file=sys.stderr)
        raise typer.Exit(3)
