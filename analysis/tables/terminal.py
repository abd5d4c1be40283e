"""Pages on a terminal."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO

import rich.table
from rich.console import Console
from rich.text import Text as Plain

from analysis.tables.blocks import Block, Code, Page, Table, Text, unfolded

WIDTH = 110  # where standard output is a file or a pipe
GAP = 2  # between columns


def console() -> Console:
    """Give the console that results are printed on."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def show(page: Page, out: Console) -> None:
    """Print a page."""
    out.print()
    out.rule(Plain(page.title, "bold"), align="left")
    opening = Text(page.subtitle), Text(page.warning, warns=True)
    show_blocks([*(text for text in opening if text.text), *page.blocks], out)


def show_blocks(blocks: Iterable[Block], out: Console) -> None:
    """Print blocks, with a blank line before each table; a study's text is no markup."""
    for number, block in enumerate(unfolded(blocks)):
        match block:
            case Text():
                out.print(Plain(block.text), style="bold yellow" if block.warns else "")
            case Code():
                out.print(Plain(block.text))
            case Table():
                for part, table in enumerate(_fitting(block, out.width)):
                    if number or part:
                        out.print()
                    out.print(_grid(table))
                for note in block.notes:
                    out.print(Plain(note))


def as_text(page: Page) -> str:
    """Write a page as it is printed."""
    text = StringIO()
    show(page, Console(file=text, width=WIDTH, highlight=False))
    return text.getvalue()


def _fitting(table: Table, width: int) -> Iterator[Table]:
    """Split a table with groups into such that fit; the columns of others are folded."""
    if not table.grouped:
        yield table
        return
    headings = [max(heading.split(), key=len, default="") for heading in table.headings]
    cells = [headings, *([cell.text for cell in row] for row in table.rows)]
    first, *widths = (max(map(len, column)) + GAP for column in zip(*cells, strict=True))
    parts: list[list[int]] = [[]]
    for column, needed in enumerate(widths):
        if parts[-1] and first + sum(widths[k] for k in parts[-1]) + needed > width:
            parts.append([])
        parts[-1].append(column)
    for part in parts:
        data = table.data.iloc[:, part]
        yield replace(table, data=data[(data != "").any(axis=1)])


def _grid(table: Table) -> rich.table.Table:
    title = Plain(table.caption, "bold")
    grid = rich.table.Table(title=title, title_justify="left", box=None, pad_edge=False)
    labels = len(table.headings) - len(table.data.columns)
    names = [*table.headings[:labels], *map(str, table.data.columns)]
    for name, is_number in zip(names, table.numeric, strict=True):
        # numbers are never broken, their headings are
        heading = Plain(name.replace("\u00ad", "-\n").replace(" ", "\n") if is_number else name)
        grid.add_column(
            heading,
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    for row in table.rows:
        grid.add_row(*(Plain(cell.text) for cell in row))
    return grid
