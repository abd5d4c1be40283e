"""Pages as HTML: one file that holds its figures and needs no network."""

import base64
import hashlib
import io
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from analysis.tables.blocks import Page

COLOURS = 128
OWN = {"style": "css", "script": "js"}  # what a page carries besides its text


def as_html(page: Page) -> str:
    """Write a page as HTML; what a study says is escaped."""
    environment = Environment(
        loader=PackageLoader("analysis.tables"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "embedded": _embedded,
        "kind": lambda block: type(block).__name__,
        "sha256": _sha256,
    }
    own = {name: environment.get_template(f"page.{kind}").render() for name, kind in OWN.items()}
    return environment.get_template("page.html.j2").render(page=page, **own)


def _sha256(source: str) -> str:
    """Name a script or a style sheet as a page's policy does: none but ours is obeyed."""
    digest = hashlib.sha256(source.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _embedded(path: Path) -> str:
    """Write a figure into the page, in few colours, which drawings need no more of."""
    smaller = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS).save(smaller, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(smaller.getvalue()).decode('ascii')}"
