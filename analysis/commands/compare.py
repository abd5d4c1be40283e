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
    force: Annotated[
        bool, typer.Option("--force", help="Compare again, though nothing has changed.")
    ] = False,
) -> None:
    """Compare the fits of a study by how well they predict what they have not seen.

    Models that `interlocal sample` has not fitted yet are fitted first, and so is the twin without
    inflation of each zero-inflated one. What importance sampling cannot leave out is left out with
    the effects of its cities integrated out, and where that fails exactly, by refits. Both run on
    dask and are kept: an interrupted comparison goes on where it stopped.
    The maximum-likelihood rows are scored by exact refits too. Written to RESULTS/STUDY/PRIORS/:
    comparison.csv, comparison.md and comparison.nc. A comparison of the same fits at the same units
    is shown, not made again.
    """
    from data.study import read_study
    from models.leave_out.units import checked_units

    checked = read_study(study)
    names = [each.name for each in chosen_models(models, study, checked)]
    left_out = checked_units(units.replace(",", " ").split())

    from analysis.comparison.compare import comparison
    from analysis.comparison.completion import compared_fits, complete_fits, verdicts_on
    from analysis.comparison.file import comparison_paths, comparison_tree, kept_comparison
    from analysis.tables.comparison import print_comparison, write_comparison
    from analysis.tables.fit import console
    from models.priors.prior_set import Priors
    from models.work.workspace import Workspace

    workspace = Workspace(Path(results), checked, Priors.load(priors))
    try:
        complete_fits(workspace, names)
        compared = compared_fits(workspace, names)
        tree = None if force else kept_comparison(workspace.comparison, compared, names, left_out)
        said = "up to date"
        if tree is None:
            found = comparison(workspace, names, left_out, scheduler)
            verdicts = verdicts_on(workspace, names, found.rows.get("dyad", {}))
            tree = comparison_tree(found, verdicts, compared)
            write_comparison(tree, workspace.folder)
            said = "written"
    except KeyboardInterrupt:
        print(
            "\ninterrupted; finished units are kept, and the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    print_comparison(tree, console())
    for path in comparison_paths(workspace.comparison):
        print(f"{said}: {path}")
