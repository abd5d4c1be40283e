"""Periods of a panel: read from a column, and put in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.declaration import Columns
from data.errors import RowError, StudyError, rows, suggest
from data.tables.rules import is_missing, numbers, refuse


@dataclass(frozen=True)
class Periods:
    """The periods of a panel, and that of each row.

    Attributes
    ----------
    names : tuple of str
        In their order.
    of_rows : pandas.Series
        The position of each row's period among them.
    """

    names: tuple[str, ...]
    of_rows: pd.Series


def periods_of(column: pd.Series, declared: Sequence[str] = ()) -> Periods:
    """Read the periods of rows: numbers, dates, or texts in a declared order.

    Parameters
    ----------
    declared : sequence of str
        The names of all periods in their order; else numbers and ISO dates have one.

    Raises
    ------
    StudyError
        The texts have no order.
    RowError
        A row has no period, or one that is not declared.
    """
    missing = (f"'{column.name}' is missing; every row of a panel has a period", is_missing(column))
    refuse(column, [missing])
    text = column.astype(str).str.strip()
    if declared:
        unknown = ~text.isin(declared)
        if unknown.any():
            first = text[unknown].iloc[0]
            raise RowError(
                f"{rows(text.index[unknown].tolist())}: '{column.name}' is '{first}', which is not "
                f"among the declared periods; {suggest(first, declared)}"
            )
        names = [name for name in declared if (text == name).any()]
        return Periods(tuple(names), text.map({name: k for k, name in enumerate(names)}))
    values = numbers(column)
    if values.notna().all():
        refuse(column, [(f"'{column.name}' is infinite", values.abs() == np.inf)])
        keys, text = values, values.map(lambda value: f"{value:.15g}")
    else:
        keys = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        if keys.isna().any():
            at = text.index[keys.isna()].tolist()
            raise StudyError(
                f"{rows(at[:1])}: '{column.name}' is '{text[at[0]]}', and neither all numbers nor "
                "all dates such as 2012-05-31 stand there: write the periods in their order, as in "
                'periods = ["before", "after"]'
            )
    order = pd.DataFrame({"key": keys.to_numpy(), "text": text.to_numpy()}).drop_duplicates("key")
    names = order.sort_values("key")["text"].tolist()
    positions = np.unique(keys.to_numpy(), return_inverse=True)[1]
    return Periods(tuple(names), pd.Series(positions, column.index))


def there_in(
    ends: tuple[np.ndarray, np.ndarray], period: np.ndarray, cities: int, periods: int
) -> np.ndarray:
    """Tell in which periods each city is there: from the first in which it has a row to the last.

    Parameters
    ----------
    ends : tuple of numpy.ndarray
        Positions of both cities of each row.
    period : numpy.ndarray
        The position of each row's period.

    Returns
    -------
    numpy.ndarray
        Shape (period, city), of bool.
    """
    seen = np.zeros((periods, cities), dtype=bool)
    for end in ends:
        seen[period, end] = True
    entered = np.logical_or.accumulate(seen)
    left = np.logical_or.accumulate(seen[::-1])[::-1]
    return np.asarray(entered & left)


def possible_rows(columns: Columns, there: np.ndarray) -> int:
    """Give how many rows there could be of cities that are there in some periods."""
    return sum(columns.possible(int(cities)) for cities in there.sum(axis=1))
