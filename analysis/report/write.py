"""A report as one HTML file that needs no network, and as Markdown."""

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image
from tabulate import tabulate

from analysis.report.document import Grid, Section
from analysis.report.material import Material
from analysis.report.of_fits import checked, cities, diagnosed, effects
from analysis.report.of_maximum_likelihood import frequentist
from analysis.report.of_questions import answered, compared, sensitive
from analysis.report.of_repetition import repeated
from analysis.report.of_study import asked, counted, modelled
from analysis.tables.words import markdown_text, synthetic_sentence
from data.files import refuse_unwritable, replacing

COLOURS = 128
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
    """Write a report.

    Parameters
    ----------
    folder : pathlib.Path
        Where ``report.html`` and ``report.md`` go. The HTML file holds its figures; the Markdown
        file refers to them.
    """
    sections = [section(material) for section in SECTIONS]
    return write_sections(sections, material, folder)


def write_sections(sections: list[Section], material: Material, folder: Path) -> list[Path]:
    """Write sections as HTML and Markdown."""
    refuse_unwritable(folder)
    declaration = material.results.study.declaration
    priors = material.results.priors.name
    environment = Environment(
        loader=PackageLoader("analysis.report"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "embedded": _embedded,
        "indented": lambda text: "\n".join(f"    {line}" for line in text.splitlines()),
        "pipes": _pipes,
        "plain": markdown_text,
        "relative": lambda path: Path(os.path.relpath(path, folder)).as_posix(),
    }
    paths = []
    for kind in ("html", "md"):
        paths.append(folder / f"report.{kind}")
        text = environment.get_template(f"report.{kind}.j2").render(
            title=declaration.title,
            subtitle=f"Bayesian regression of directed dyads, {priors} priors",
            synthetic=synthetic_sentence(declaration.synthetic),
            sections=sections,
        )
        with replacing(paths[-1]) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return paths


def _embedded(path: Path) -> str:
    """Write a figure into the page, in few colours, which drawings need no more of."""
    smaller = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS).save(smaller, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(smaller.getvalue()).decode('ascii')}"


def _pipes(block: Grid) -> str:
    text: str = tabulate(
        [[markdown_text(cell.text) for cell in row] for row in block.rows],
        headers=[markdown_text(heading) for heading in block.headings],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["right" if each else "left" for each in block.numeric] if block.rows else None,
    )
    return text
