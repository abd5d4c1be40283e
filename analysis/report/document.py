"""What a report is made of, before it is HTML or Markdown."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

UNKNOWN = "-"


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : str
        What is shown.
    key : float or None
        What a number is sorted by; None for text.
    """

    text: str
    key: float | None = None


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes
    ----------
    text : str
        Plain text.
    warns : bool
        Whether it must not be overlooked.
    """

    kind: ClassVar[str] = "text"
    text: str
    warns: bool = False


@dataclass(frozen=True)
class Code:
    """Lines to be read or typed as they stand.

    Attributes
    ----------
    text : str
        Plain text.
    """

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes
    ----------
    caption : str
        What it shows.
    headings : tuple of str
        One a column.
    rows : tuple of tuple of Cell
        As many cells each.
    """

    kind: ClassVar[str] = "grid"
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers, whatever dashes stand among them."""
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.headings)
        return tuple(any(cell.key is not None for cell in column) for column in columns)


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes
    ----------
    path : pathlib.Path
        A PNG file.
    alt : str
        What it shows, for those who do not see it.
    caption : str
        What to look for.
    """

    kind: ClassVar[str] = "picture"
    path: Path
    alt: str
    caption: str


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when a reader asks for them.

    Attributes
    ----------
    summary : str
        What is inside.
    blocks : tuple
        Blocks.
    """

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: tuple["Block", ...]


Block = Text | Code | Grid | Picture | Fold


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes
    ----------
    title : str
        Its heading.
    blocks : tuple
        Blocks.
    """

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        """The name that links lead to."""
        return self.title.casefold().replace(" ", "-")


def number(value: float, form: str = ".3f") -> Cell:
    """Write a number as a cell.

    Parameters
    ----------
    value : float
        The number.
    form : str
        How it is written, as in a format string.

    Returns
    -------
    Cell
        A dash where it is not a number.
    """
    value = float(value)
    return Cell(f"{value:{form}}", value) if math.isfinite(value) else Cell(UNKNOWN)


def p_value(value: float) -> Cell:
    """Write a p-value as a cell.

    Parameters
    ----------
    value : float
        Between 0 and 1.

    Returns
    -------
    Cell
        ``<0.001`` where it rounds to 0; a dash where it is not a number.
    """
    cell = number(value)
    return Cell("<0.001", cell.key) if cell.text == "0.000" else cell


def interval(lower: float, upper: float, form: str = ".3f") -> Cell:
    """Write an interval as a cell, sorted by its lower end.

    Parameters
    ----------
    lower, upper : float
        Its ends.
    form : str
        How they are written.

    Returns
    -------
    Cell
        A dash where an end is not a number.
    """
    if not np.isfinite([lower, upper]).all():
        return Cell(UNKNOWN)
    return Cell(f"{lower:{form}} to {upper:{form}}", float(lower))


def grid(caption: str, headings: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> Grid:
    """Make a table.

    Parameters
    ----------
    caption : str
        What it shows.
    headings : sequence of str
        One a column.
    rows : iterable of sequence of Cell or str
        As many cells each.

    Returns
    -------
    Grid
        The table.
    """
    cells = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in row) for row in rows
    )
    return Grid(caption, tuple(headings), cells)


def labelled_rows(table: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.Series]]:
    """Go through a table row by row.

    Parameters
    ----------
    table : pandas.DataFrame
        A table.

    Yields
    ------
    tuple of str
        The row's labels, one a level of the index.
    pandas.Series
        The row.
    """
    for label, row in table.iterrows():
        yield tuple(map(str, label if isinstance(label, tuple) else (label,))), row


def summary_grid(
    caption: str,
    table: pd.DataFrame,
    percent: str,
    signed: Callable[[str], bool] = lambda _: True,
) -> Grid:
    """Tabulate a posterior summary.

    Parameters
    ----------
    caption : str
        What it shows.
    table : pandas.DataFrame
        Columns ``mean``, ``sd``, ``lower``, ``upper``, as `analysis.summary` makes them.
    percent : str
        The interval's width, as in ``89%``.
    signed : callable
        Whether a row's parameter can have either sign; the probability of a positive one is shown
        for no other.

    Returns
    -------
    Grid
        A row a parameter.
    """
    rows = [
        (
            name,
            number(row["mean"]),
            number(row["sd"]),
            interval(row["lower"], row["upper"]),
            number(row["p_positive"]) if signed(name) else Cell(""),
        )
        for (name,), row in labelled_rows(table)
    ]
    return grid(caption, ("", "mean", "sd", f"{percent} interval", "P(positive)"), rows)
