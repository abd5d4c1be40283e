"""`interlocal figures`."""

from pathlib import Path

from analysis.commands.options import Models, PriorSet, Results, StudyFolder, chosen_models


def figures(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    results: Results = "results",
) -> None:
    """Draw the fits that `interlocal sample` has made.

    Each figure goes to RESULTS/STUDY/PRIORS/MODEL.coefficients.png and .svg.
    """
    from data.study import read_study

    checked = read_study(study)
    names = [each.name for each in chosen_models(models, study, checked)]

    from analysis.figures import coefficient_figure
    from analysis.figures.style import save_figure
    from analysis.loading import load
    from models.priors import Priors

    prior_set = Priors.load(priors).name
    for name in names:
        with load(checked.name, name, prior_set, results=results) as fit:
            stem = Path(results) / checked.name / prior_set / f"{name}.coefficients"
            for path in save_figure(coefficient_figure(fit), stem):
                print(f"written: {path}")
