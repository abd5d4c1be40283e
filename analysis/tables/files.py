"""Pages as files, all of them whole or none."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from analysis.tables.blocks import Page
from analysis.tables.documents import latex, typst, word
from analysis.tables.html import as_html
from analysis.tables.markdown import markdown
from analysis.tables.terminal import as_text
from data.files import all_or_none, refuse_unwritable, replacing

WRITERS: dict[str, Callable[[Page, Path], str | bytes]] = {
    "csv": lambda page, _: csv(page.data),
    "html": lambda page, _: as_html(page),
    "md": markdown,
    "txt": lambda page, _: as_text(page),
    "tex": lambda page, _: latex(page),
    "typ": lambda page, _: typst(page),
    "docx": lambda page, _: word(page),
}


def write_page(page: Page, stem: Path, kinds: Sequence[str]) -> list[Path]:
    """Write a page in several formats, named by the endings of their files."""
    refuse_unwritable(stem.parent)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    with all_or_none():
        for kind, path in zip(kinds, paths, strict=True):
            content = WRITERS[kind](page, stem.parent)
            with replacing(path) as temporary:
                temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
    return paths


def csv(data: pd.DataFrame) -> str:
    """Write a table as CSV; text that a spreadsheet would compute gets an apostrophe."""
    data = data.rename(index=_safe, columns=_safe)
    for position, kind in enumerate(data.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            data.isetitem(position, data.iloc[:, position].map(_safe).array)
    return data.to_csv(lineterminator="\n")


def _safe(value: object) -> object:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        # "(0.1)" would be the number -0.1
        suspect = isinstance(value, str) and re.match(r"[=+\-@\t\r].|\(\d", value, re.DOTALL)
        return f"'{value}" if suspect else value
    return value
