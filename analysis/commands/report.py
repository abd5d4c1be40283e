"""`interlocal report`."""

import sys
from pathlib import Path

import typer

from analysis.commands.options import Models, PriorSet, Results, StudyFolder, chosen_models


def report(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    results: Results = "results",
) -> None:
    """Write everything that is known of a study as one page.

    Reads what `interlocal sample`, `mle` and `compare` have kept; what has not been made is named,
    with the command that makes it. Goes to RESULTS/STUDY/report.html, one file that holds its
    figures and needs no network, and report.md.
    """
    from data.study import read_study

    checked = read_study(study)
    names = [model.name for model in chosen_models(models, study, checked)]

    from analysis.chapters.material import Material
    from analysis.figures.drawing import draw_figures
    from analysis.fits.gathering import gather
    from analysis.report.write import write_report
    from models.inference.fit import Fit
    from models.priors.prior_set import Priors
    from models.work.progress import reporting
    from models.work.workspace import Workspace

    workspace = Workspace(Path(results), checked, Priors.load(priors))
    with (
        gather(workspace, names) as found,
        reporting(f"report {checked.name}") as reporter,
    ):
        material = Material(found, *draw_figures(found, reporter))
        reporter.stage("writing")
        written = write_report(material, workspace.study_folder)
    for path in written:
        print(f"written: {path}")
    failed = [name for name, model in found.models.items() if not Fit(model.fit).passed]
    if failed:
        print(
            f"error: {', '.join(failed)} failed the diagnostics (see the report)", file=sys.stderr
        )
        raise typer.Exit(3)
