"""`interlocal figures`."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Models, PriorSet, Results, StudyFolder, chosen_models


def figures(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    backend: Annotated[
        str, typer.Option(help="matplotlib; or plotly, for pages to look into with a mouse.")
    ] = "matplotlib",
    results: Results = "results",
) -> None:
    """Draw the fits that `interlocal sample` has made.

    Each figure goes to RESULTS/STUDY/PRIORS/figures/MODEL/NAME.png and .svg; the comparison of
    all models, where there is one, to figures/comparison.png and .svg. With --backend plotly those
    that ArviZ draws are pages that need no network, NAME.html.
    """
    from analysis.figures.style import checked_backend
    from data.study import read_study

    checked_backend(backend)
    checked = read_study(study)
    names = [model.name for model in chosen_models(models, study, checked)]

    from analysis.figures.drawing import draw_figures
    from analysis.fits.gathering import gather
    from models.priors.prior_set import Priors
    from models.work.progress import reporting
    from models.work.workspace import Workspace

    with (
        gather(Workspace(Path(results), checked, Priors.load(priors)), names) as found,
        reporting(f"figures {checked.name}") as reporter,
    ):
        drawn, _ = draw_figures(found, reporter, again=True, backend=backend)
    for path in drawn.values():
        static = path.suffix == ".png"
        ours = ", by matplotlib: ArviZ draws no such figure" * (backend != "matplotlib")
        print(f"written: {path}{f' and .svg{ours}' if static else ''}")
    for model in found.missing:
        print(f"not fitted, so not drawn: {model}")
