"""Figures on disk: drawn where they are missing or older than what they show."""

from functools import partial
from pathlib import Path

from matplotlib import pyplot as plt

from analysis.figures import dimension_figure, elpd_figure
from analysis.figures.catalogue import CATALOGUE
from analysis.figures.elpd import dimension_table, elpd_table
from analysis.figures.style import save_figure
from analysis.fits.gathering import StudyResults
from data.errors import ResultsError
from data.files import refuse_unwritable
from models.inference.fit import Fit
from models.work.progress import Reporter

COMPARISON, DIMENSIONS = "comparison", "dimensions"  # the figures of all models


def draw_figures(
    results: StudyResults,
    reporter: Reporter,
    *,
    again: bool = False,
    backend: str = "matplotlib",
) -> tuple[dict[tuple[str, str], Path], dict[tuple[str, str], str]]:
    """Draw every figure that the results allow, and tell which they do not allow, and why.

    Returns
    -------
    drawn : dict of (str, str) to pathlib.Path
        By model and figure the PNG file, with an SVG file beside it, or the page of another
        backend; the comparison of all models has the model ``""``.
    not_drawn : dict of (str, str) to str
        Why the others were not drawn.
    """
    plt.switch_backend("agg")  # no window is needed
    work = [
        (model.model, entry.name, partial(entry.draw, model, backend), model.sources)
        for model in results.models.values()
        for entry in CATALOGUE
        if entry.suits(Fit(model.fit).name)
    ]
    if results.comparison is not None:
        compared = partial(elpd_figure, results.comparison, backend=backend)
        work.append(("", COMPARISON, compared, (results.workspace.comparison,)))
        if not dimension_table(elpd_table(results.comparison)).empty:
            by_number = partial(dimension_figure, results.comparison)
            work.append(("", DIMENSIONS, by_number, (results.workspace.comparison,)))
    drawn: dict[tuple[str, str], Path] = {}
    not_drawn: dict[tuple[str, str], str] = {}
    reporter.stage("figures")
    for done, (model, name, draw, sources) in enumerate(work):
        reporter.advance(done, len(work))
        stem = results.workspace.figures / model / name
        if not again and _is_younger(stem, (*sources, results.workspace.owner)):
            drawn[model, name] = stem.with_suffix(".png")
            continue
        try:
            figure = draw()
        except ResultsError as error:
            not_drawn[model, name] = str(error)
            reporter.tell(f"not drawn: {name} of {model or 'all models'}: {error}")
            continue
        refuse_unwritable(stem.parent)
        drawn[model, name] = save_figure(figure, stem)[0]
    return drawn, not_drawn


def _is_younger(stem: Path, sources: tuple[Path, ...]) -> bool:
    files = [stem.with_suffix(f".{kind}") for kind in ("png", "svg")]
    if not all(map(Path.exists, files)):
        return False
    youngest = max(source.stat().st_mtime for source in sources)
    return min(file.stat().st_mtime for file in files) >= youngest
