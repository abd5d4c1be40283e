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
    key : float or None
        What a number is sorted by; None for text.
    """

    text: str
    key: float | None = None


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    warns: bool = False


@dataclass(frozen=True)
class Code:
    """Lines to be read or typed as they stand."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Grid:
    """A table."""

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
    """A figure."""

    kind: ClassVar[str] = "picture"
    path: Path
    alt: str
    caption: str


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when a reader asks for them."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: tuple["Block", ...]


Block = Text | Code | Grid | Picture | Fold


@dataclass(frozen=True)
class Section:
    """A section of a report."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        return self.title.casefold().replace(" ", "-")


def number(value: float, form: str = ".3f") -> Cell:
    """Write a number as a cell.

    Parameters
    ----------
    form : str
        How it is written, as in a format string.
    """
    value = float(value)
    return Cell(f"{value:{form}}", value) if math.isfinite(value) else Cell(UNKNOWN)


def p_value(value: float) -> Cell:
    """Write a p-value as a cell."""
    cell = number(value)
    return Cell("<0.001", cell.key) if cell.text == "0.000" else cell


def interval(lower: float, upper: float, form: str = ".3f") -> Cell:
    """Write an interval as a cell, sorted by its lower end.

    Parameters
    ----------
    form : str
        How they are written.
    """
    if not np.isfinite([lower, upper]).all():
        return Cell(UNKNOWN)
    return Cell(f"{lower:{form}} to {upper:{form}}", float(lower))


def grid(caption: str, headings: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> Grid:
    """Make a table."""
    cells = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in row) for row in rows
    )
    return Grid(caption, tuple(headings), cells)


def labelled_rows(table: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.Series]]:
    """Go through a table row by row."""
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
    signed : callable
        Whether a row's parameter can have either sign; the probability of a positive one is shown
        for no other.
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
