"""`interlocal compare`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Models, PriorSet, Results, StudyFolder, chosen_models


def compare(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    units: Annotated[
        str, typer.Option("--unit", help="What is left out, one or several of dyad, pair, city.")
    ] = "dyad pair city",
    scheduler: Annotated[
        str,
        typer.Option(
            help="A dask scheduler, tcp://host:port, whose workers work; this machine by default."
        ),
    ] = "",
    results: Results = "results",
) -> None:
    """Compare the fits of a study by how well they predict what they have not seen.

    Models that `interlocal sample` has not fitted yet are fitted first, and so is the twin without
    inflation of each zero-inflated one. What importance sampling cannot leave out is left out with
    the effects of its cities integrated out, and where that fails exactly, by refits. Both run on
    dask and are kept: an interrupted comparison goes on where it stopped.
    The maximum-likelihood rows are scored by exact refits too. Written to RESULTS/STUDY/PRIORS/:
    comparison.csv, comparison.md and comparison.nc.
    """
    from data.study import read_study
    from models.units import checked_units

    checked = read_study(study)
    names = [each.name for each in chosen_models(models, study, checked)]
    left_out = checked_units(units.replace(",", " ").split())

    from analysis.compare import comparison, fit_of
    from analysis.comparing import complete_fits, verdicts_on
    from analysis.comparison_file import About
    from analysis.comparison_text import print_comparison, write_comparison
    from analysis.terminal import console
    from models.priors import Priors

    prior_set, folder = Priors.load(priors), Path(results)
    try:
        complete_fits(checked, names, prior_set, folder)
        found = comparison(checked, names, prior_set, left_out, folder, scheduler)
        verdicts = verdicts_on(checked, names, prior_set, folder)
    except KeyboardInterrupt:
        print(
            "\ninterrupted; finished units are kept, and the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    declared = checked.declaration
    fits = {}
    for name in names:
        with fit_of(checked, name, prior_set, folder) as fit:
            fits[name] = fit.attrs["digest"]
    about = About(declared.title, declared.synthetic, prior_set.name, checked.digest, fits)
    print_comparison(found, verdicts, about, console())
    for path in write_comparison(found, verdicts, about, folder / checked.name / prior_set.name):
        print(f"written: {path}")
