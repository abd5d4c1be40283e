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
        str,
        typer.Option(
            "--unit",
            help="What is left out, one or several of dyad, pair, city; of a panel also row.",
        ),
    ] = "dyad pair city",
    scheduler: Annotated[
        str,
        typer.Option(
            help="A dask scheduler, tcp://host:port, whose workers work; this machine by default."
        ),
    ] = "",
    refits: Annotated[
        bool,
        typer.Option(
            "--refits/--no-refits",
            help="Refit what importance sampling does not reach; else it is marked as not reached.",
        ),
    ] = True,
    results: Results = "results",
    force: Annotated[
        bool, typer.Option("--force", help="Compare again, though nothing has changed.")
    ] = False,
) -> None:
    """Compare the fits of a study by how well they predict what they have not seen.

    Models that `interlocal sample` has not fitted yet are fitted first, and so is the twin without
    inflation of each zero-inflated one. What importance sampling cannot leave out is left out with
    the effects of its cities integrated out, and where that fails exactly, by refits. Both run on
    dask and are kept: an interrupted comparison goes on where it stopped. What there is to do is
    told before it starts. With --no-refits the rest is marked as not reached.
    The maximum-likelihood rows are scored by exact refits too. Written to RESULTS/STUDY/PRIORS/:
    comparison.csv, .md, .tex, .docx and .nc. A comparison of the same fits at the same units is
    shown, not made again.
    """
    from data.study import read_study
    from models.leave_out.units import checked_units, suited_units

    checked = read_study(study)
    names = [model.name for model in chosen_models(models, study, checked)]
    left_out = suited_units(
        checked_units(units.replace(",", " ").split()), directed=checked.declaration.dyads.directed
    )

    from analysis.chapters.comparison import (
        comparison_files,
        comparison_page,
        not_compared,
        write_comparison,
    )
    from analysis.comparison.compare import comparison
    from analysis.comparison.completion import compared_fits, complete_fits, verdicts_on
    from analysis.comparison.file import comparison_tree, kept_comparison
    from analysis.tables.terminal import console, show
    from models.priors.prior_set import Priors
    from models.work.workspace import Workspace

    workspace = Workspace(Path(results), checked, Priors.load(priors))
    folder = workspace.folder
    try:
        complete_fits(workspace, names)
        compared = compared_fits(workspace, names)
        kept = None
        if not force:
            kept = kept_comparison(workspace.comparison, compared, names, left_out, refits=refits)
        whole = all(path.exists() for path in comparison_files(folder))
        if kept is None:
            found = comparison(workspace, names, left_out, scheduler, refits=refits)
            verdicts = verdicts_on(workspace, names, found.rows.get("dyad", {}))
            kept, whole = comparison_tree(found, verdicts, compared), False
        others = not_compared(kept, workspace)
        told = kept.attrs | compared.attributes | checked.words
        told["not_compared"] = " ".join(others)
        if told != kept.attrs:  # another title now, or fits that are not in it
            kept.attrs, whole = told, False
        if not whole:
            write_comparison(kept, folder, others)
    except KeyboardInterrupt:
        print(
            "\ninterrupted; finished units are kept, and the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    show(comparison_page(kept, others), console())
    for path in comparison_files(folder):
        print(f"{'up to date' if whole else 'written'}: {path}")
