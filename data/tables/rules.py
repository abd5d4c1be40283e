"""How a column's faulty rows are found and reported."""

import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd

from data.errors import RowError, rows

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})

Fault = tuple[str, pd.Series]  # what is wrong, and whether it is, row by row


def refuse(column: pd.Series, faults: Iterable[Fault], *, quoted: bool = True) -> None:
    """Refuse a column for the first fault that any of its rows has."""
    for fault, faulty in faults:
        found = column[faulty.to_numpy()]
        found = found[~found.index.duplicated()]
        if len(found):
            value = repr(found.iloc[0]) if quoted else found.iloc[0]
            raise RowError(f"{rows(found.index.tolist())}: {fault} (found {value})")


def number_faults(column: pd.Series, remedy: str) -> tuple[Fault, Fault, Fault]:
    """Find what is missing, no number, or infinite."""
    values, missing = numbers(column), is_missing(column)
    return (
        (f"'{column.name}' is missing; {remedy}", missing),
        (f"'{column.name}' is not a number; {remedy}", values.isna() & ~missing),
        (f"'{column.name}' is infinite; {remedy}", values.abs() == np.inf),
    )


def numbers(column: pd.Series) -> pd.Series:
    """Read text as numbers.

    Returns
    -------
    pandas.Series
        float64; NaN for what is missing or no number.
    """
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    return pd.to_numeric(column.mask(is_missing(column)), errors="coerce").astype("float64")


def folded(name: str) -> str:
    """Write a name without what may differ between two spellings of it: case, blanks, form."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def is_missing(column: pd.Series) -> pd.Series:
    """Tell which values are missing, of text or of numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return column.isna()
    return column.isna() | column.str.strip().str.casefold().isin(MISSING)
