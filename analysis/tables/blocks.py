"""What a page is made of, before it is text, HTML, Markdown, LaTeX or a Word file."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from pathlib import Path

import pandas as pd

from analysis.tables.numbers import interval, number, p_value

P = "p"  # the form of p values


@dataclass(frozen=True)
class Cell:
    """A cell as it is shown; a number has a key that it is sorted by."""

    text: str
    key: float | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A table.

    Attributes
    ----------
    data : pandas.DataFrame
        Rows labelled by the index. Cells hold text, numbers, or the two ends of an interval. A
        heading may hold soft hyphens, where a terminal may break it.
    forms : mapping of str to str
        The format specifications of columns by heading, or `P`; ``form`` is that of all others.
    grouped : bool
        Whether the first level of the index names groups of rows that stay in their order.
    """

    data: pd.DataFrame
    caption: str
    forms: Mapping[str, str] = field(default_factory=dict)
    form: str = ".3f"
    notes: tuple[str, ...] = ()
    grouped: bool = False

    @property
    def headings(self) -> list[str]:
        names = [*self.data.index.names[self.grouped :], *self.data.columns]
        return [str(name or "").replace("\u00ad", "") for name in names]

    @cached_property
    def rows(self) -> list[list[Cell]]:
        """The cells, labels first; the name of a group has a row of its own."""
        rows: list[list[Cell]] = []
        above = None
        for label, cells in zip(self.data.index, self._cells, strict=True):
            labels = [Cell(str(part)) for part in (label if isinstance(label, tuple) else (label,))]
            if self.grouped:
                group = labels.pop(0)
                if group != above:
                    rows.append([group, *[Cell("")] * (len(self.headings) - 1)])
                above = group
            rows.append([*labels, *cells])
        return rows

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers, whatever dashes stand among them."""
        columns = range(len(self.headings))
        return [any(row[column].key is not None for row in self.rows) for column in columns]

    @property
    def text(self) -> pd.DataFrame:
        """Every cell as text, under the labels that it has in the data."""
        texts = [[cell.text for cell in cells] for cells in self._cells]
        headings = self.headings[self.data.index.nlevels - self.grouped :]
        return pd.DataFrame(texts, self.data.index, headings, dtype=object)

    @cached_property
    def _cells(self) -> list[list[Cell]]:
        forms = [self.forms.get(str(column), self.form) for column in self.data.columns]
        rows = self.data.itertuples(index=False, name=None)
        return [list(map(_cell, row, forms)) for row in rows]


@dataclass(frozen=True)
class Text:
    text: str
    warns: bool = False


@dataclass(frozen=True)
class Code:
    """Lines to be read or typed as they stand."""

    text: str


@dataclass(frozen=True)
class Picture:
    path: Path
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: tuple["Block", ...]

    @property
    def anchor(self) -> str:
        return self.title.casefold().replace(" ", "-")


class Fold(Section):
    """Blocks that a page shows when a reader asks for them; other formats cannot fold."""


Block = Text | Code | Table | Picture | Section


@dataclass(frozen=True, eq=False)
class Page:
    """Blocks that are printed or written together; of its ``data`` a file of CSV is made."""

    title: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    synthetic: tuple[str, ...] = ()
    data: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def warning(self) -> str:
        """Which data are simulated, in two sentences; empty where none are."""
        if not self.synthetic:
            return ""
        verb = "is" if len(self.synthetic) == 1 else "are"
        return (
            f"Synthetic data: {', '.join(self.synthetic)} {verb} simulated, not observed. "
            "Nothing here is a finding about the world."
        )


def intervals(data: pd.DataFrame, lower: str = "lower", upper: str = "upper") -> pd.Series:
    """Make one column of two that hold the ends of intervals."""
    return pd.Series(list(zip(data[lower], data[upper], strict=True)), data.index, dtype=object)


def unfolded(blocks: Iterable[Block]) -> Iterator[Text | Code | Table | Picture]:
    """Go through blocks, and in place of a section through its own."""
    for block in blocks:
        if isinstance(block, Section):
            yield Text(f"{block.title}.")
            yield from unfolded(block.blocks)
        else:
            yield block


def _cell(value: object, form: str) -> Cell:
    match value:
        case (float(lower), float(upper)):
            text, key = interval(lower, upper, form), lower
        case Integral():
            text, key = str(value), float(value)
        case float():
            text, key = p_value(value) if form == P else number(value, form), value
        case _:
            return Cell(str(value))
    return Cell(text, key if math.isfinite(key) else None)
