"""Pages as HTML: one file that holds its figures and needs no network."""

import base64
import io
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from analysis.tables.blocks import Page

COLOURS = 128


def as_html(page: Page) -> str:
    """Write a page as HTML; what a study says is escaped."""
    environment = Environment(
        loader=PackageLoader("analysis.tables"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"embedded": _embedded, "kind": lambda block: type(block).__name__}
    return environment.get_template("page.html.j2").render(page=page)


def _embedded(path: Path) -> str:
    """Write a figure into the page, in few colours, which drawings need no more of."""
    smaller = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS).save(smaller, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(smaller.getvalue()).decode('ascii')}"
