"""Pages as Markdown."""

import html
import os
import re
from collections.abc import Iterable
from pathlib import Path

from analysis.tables.blocks import Block, Code, Fold, Page, Picture, Section, Table, Text


def markdown(page: Page, folder: Path) -> str:
    """Write a page as Markdown that refers to its figures from a folder."""
    opening = [f"# {plain(page.title)}", plain(page.subtitle)]
    if page.warning:
        opening.append(f"> **{plain(page.warning)}**")
    return "\n\n".join(filter(None, [*opening, *_written(page.blocks, folder)])) + "\n"


def plain(text: str) -> str:
    """Write text so that neither Markdown nor the HTML made of it reads it as markup."""
    marked = re.sub(r"([\\`*\[\]|~$])", r"\\\1", html.escape(text, quote=False))
    marked = re.sub(r"^([#+-]+)(?=\s)|(?=://)|(?<=\bwww)(?=\.)", r"\\\1", marked)
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", marked)  # within a word it is no markup


def _written(blocks: Iterable[Block], folder: Path) -> Iterable[str]:
    for block in blocks:
        match block:
            case Text():
                yield f"**{plain(block.text)}**" if block.warns else plain(block.text)
            case Code():
                yield "\n".join(f"    {line}" for line in block.text.splitlines())
            case Table():
                yield f"*{plain(block.caption)}*"
                yield _pipes(block)
                yield from map(plain, block.notes)
            case Picture():
                path = Path(os.path.relpath(block.path, folder)).as_posix()
                yield f"![{plain(block.alt)}](<{path}>)"
                yield f"*{plain(block.caption)}*"
            case Section():
                title = plain(block.title)
                yield f"**{title}**" if isinstance(block, Fold) else f"## {title}"
                yield from _written(block.blocks, folder)


def _pipes(table: Table) -> str:
    rule = ["---:" if is_number else "---" for is_number in table.numeric]
    cells = [[plain(cell.text) for cell in row] for row in table.rows]
    lines = [list(map(plain, table.headings)), rule, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
