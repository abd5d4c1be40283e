"""Figures on disk: drawn where they are missing or older than what they show."""

from collections.abc import Iterator
from pathlib import Path

from analysis.figures import elpd_figure
from analysis.figures.catalogue import CATALOGUE, Entry
from analysis.figures.style import save_figure
from analysis.fits.gathering import ModelResults, StudyResults
from analysis.fits.opening import COMPARISON as COMPARISON_FILE
from data.errors import ResultsError
from data.files import refuse_unwritable
from models.work.progress import Reporter

FOLDER = "figures"  # in the folder of a prior set
COMPARISON = "comparison"  # the figure of all models


def draw_figures(
    results: StudyResults, reporter: Reporter, *, again: bool = False
) -> dict[tuple[str, str], Path]:
    """Draw every figure that the results allow.

    Returns
    -------
    dict of (str, str) to pathlib.Path
        By model and figure the PNG file, with an SVG file beside it; the comparison of all models
        has the model ``""``.
    """
    drawn: dict[tuple[str, str], Path] = {}
    work = list(_work(results))
    reporter.stage("figures")
    for done, (model, entry) in enumerate(work):
        reporter.advance(done, len(work))
        stem = results.folder / FOLDER / model.model / entry.name
        if not again and _is_younger(stem, model.sources):
            drawn[model.model, entry.name] = stem.with_suffix(".png")
            continue
        try:
            figure = entry.draw(model)
        except ResultsError:  # the model has no such thing, which its report says
            continue
        refuse_unwritable(stem.parent)
        drawn[model.model, entry.name] = save_figure(figure, stem)[0]
    if results.comparison is not None:
        stem = results.folder / FOLDER / COMPARISON
        if again or not _is_younger(stem, (results.folder / COMPARISON_FILE,)):
            refuse_unwritable(stem.parent)
            save_figure(elpd_figure(results.comparison), stem)
        drawn["", COMPARISON] = stem.with_suffix(".png")
    return drawn


def _work(results: StudyResults) -> Iterator[tuple[ModelResults, Entry]]:
    for model in results.models.values():
        for entry in CATALOGUE:
            yield model, entry


def _is_younger(stem: Path, sources: tuple[Path, ...]) -> bool:
    files = [stem.with_suffix(f".{kind}") for kind in ("png", "svg")]
    if not all(map(Path.exists, files)):
        return False
    youngest = max(source.stat().st_mtime for source in sources)
    return min(file.stat().st_mtime for file in files) >= youngest
