"""Pages and tables as files, each whole or not at all."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from analysis.tables.blocks import Page
from analysis.tables.documents import latex, typst, word
from analysis.tables.html import as_html
from analysis.tables.markdown import markdown
from analysis.tables.terminal import as_text
from data.files import refuse_unwritable, replacing

WRITERS: dict[str, Callable[[Page], str | bytes]] = {
    "html": as_html,
    "txt": as_text,
    "tex": latex,
    "typ": typst,
    "docx": word,
}


def write_page(page: Page, stem: Path, kinds: Sequence[str]) -> list[Path]:
    """Write a page in several formats, named by the endings of their files."""
    refuse_unwritable(stem.parent)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    for kind, path in zip(kinds, paths, strict=True):
        content = markdown(page, stem.parent) if kind == "md" else WRITERS[kind](page)
        with replacing(path) as temporary:
            temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
    return paths


def write_csv(data: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV; text that a spreadsheet would compute gets an apostrophe."""
    refuse_unwritable(path.parent)
    safe = data.rename(index=_safe, columns=_safe)
    for position, kind in enumerate(data.dtypes):
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            safe.isetitem(position, data.iloc[:, position].map(_safe).array)
    with replacing(path) as temporary:
        safe.to_csv(temporary, lineterminator="\n")
    return path


def _safe(value: object) -> object:
    if not isinstance(value, str) or _is_number(value):
        return value
    # "(0.1)" would be the number -0.1
    return f"'{value}" if re.match(r"[=+\-@\t\r].|\(\d", value, re.DOTALL) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
