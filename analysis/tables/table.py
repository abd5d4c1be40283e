"""A table: labelled data with a caption, and how its columns are written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral

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
        Whether the index has two levels, the first of which names groups of rows that stay in
        their order.
    """

    data: pd.DataFrame
    caption: str
    forms: Mapping[str, str] = field(default_factory=dict)
    form: str = ".3f"
    notes: tuple[str, ...] = ()
    grouped: bool = False

    @property
    def headings(self) -> tuple[str, ...]:
        names = (*self.data.index.names[self.grouped :], *self.data.columns)
        return tuple(str(name or "").replace("\u00ad", "") for name in names)

    @cached_property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The cells, labels first; the name of a group has a row of its own."""
        rows: list[tuple[Cell, ...]] = []
        above = None
        for label, cells in zip(self.data.index, self._cells, strict=True):
            group, *labels = label if isinstance(label, tuple) else (label,)
            if not self.grouped:
                labels = [group, *labels]
            elif group != above:
                above = group
                rows.append((Cell(str(group)), *[Cell("")] * len(cells)))
            rows.append((*(Cell(str(text)) for text in labels), *cells))
        return tuple(rows)

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers, whatever dashes stand among them."""
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.headings)
        return tuple(any(cell.key is not None for cell in column) for column in columns)

    @property
    def text(self) -> pd.DataFrame:
        """Every cell as text, under the labels that it has in the data."""
        texts = [[cell.text for cell in cells] for cells in self._cells]
        headings = self.headings[self.data.index.nlevels - self.grouped :]
        return pd.DataFrame(texts, self.data.index, list(headings), dtype=object)

    @cached_property
    def _cells(self) -> list[list[Cell]]:
        forms = [self.forms.get(str(column), self.form) for column in self.data.columns]
        rows = self.data.itertuples(index=False, name=None)
        return [list(map(_cell, row, forms)) for row in rows]


def intervals(data: pd.DataFrame, lower: str = "lower", upper: str = "upper") -> pd.Series:
    """Make one column of two that hold the ends of intervals."""
    return pd.Series(list(zip(data[lower], data[upper], strict=True)), data.index, dtype=object)


def _cell(value: object, form: str) -> Cell:
    match value:
        case str():
            return Cell(value)
        case (float(lower), float(upper)):
            text, key = interval(lower, upper, form), lower
        case Integral():
            text, key = str(value), float(value)
        case float():
            text, key = p_value(value) if form == P else number(value, form), value
        case _:
            raise TypeError(f"a cell holds no {type(value).__name__}")
    return Cell(text, key if math.isfinite(key) else None)
