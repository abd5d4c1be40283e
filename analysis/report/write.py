"""A report as one HTML file that needs no network, and as Markdown."""

from collections.abc import Callable
from pathlib import Path

from analysis.chapters.comparison import compared
from analysis.chapters.data_words import in_nouns
from analysis.chapters.effects import cities, effects
from analysis.chapters.fits import checked, diagnosed
from analysis.chapters.hypotheses import answered
from analysis.chapters.material import Material
from analysis.chapters.maximum_likelihood import frequentist
from analysis.chapters.models import modelled
from analysis.chapters.repetition import repeated
from analysis.chapters.sensitivity import sensitive
from analysis.chapters.study import asked, counted
from analysis.tables.blocks import Page, Section
from analysis.tables.files import write_page

SECTIONS: tuple[Callable[[Material], Section], ...] = (
    asked,
    counted,
    modelled,
    diagnosed,
    answered,
    effects,
    cities,
    compared,
    checked,
    frequentist,
    sensitive,
    repeated,
)


def write_report(material: Material, folder: Path) -> list[Path]:
    """Write ``report.html``, which holds its figures, and ``report.md``, which refers to them."""
    declaration = material.study.declaration
    page = Page(
        declaration.title,
        tuple(section(material) for section in SECTIONS),
        f"Bayesian regression of dyads, {material.results.priors.name} priors",
        declaration.synthetic,
    )
    return write_page(in_nouns(page, declaration), folder / "report", ("html", "md"))
