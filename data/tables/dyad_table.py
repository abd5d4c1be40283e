"""The table of dyads: every row checked, and named as the user's program names it."""

from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd

from data.declaration import Columns
from data.errors import RowError, StudyError, rows
from data.tables.rules import folded, is_missing, number_faults, numbers, refuse

# up to which a count's log-likelihood, a difference of numbers as large, is good to 1e-5
LARGEST_COUNT = 10**9
LARGEST_EXPOSURE, MOST_UNEQUAL = 1e100, 1e12


def refuse_ends(table: pd.DataFrame, columns: Columns) -> None:
    """Refuse names of cities that cannot be told apart or shown, and dyads that are none."""
    senders, receivers = table[columns.sender], table[columns.receiver]
    both = np.column_stack([senders, receivers]).ravel()
    refuse_names(pd.Series(both, table.index.repeat(2), dtype=object))
    dyads = senders + " -> " + receivers
    itself = ("a city is paired with itself; remove the row", senders == receivers)
    twice = "the same directed dyad stands more than once; keep one row"
    refuse(dyads, [itself, (twice, dyads.duplicated(keep=False))], quoted=False)


def checked_outcome(column: pd.Series) -> pd.Series:
    """Read the outcome; what is missing stays missing, for it is to be predicted.

    Returns
    -------
    pandas.Series
        float64 whole numbers, or NaN.
    """
    seen = column[~is_missing(column)]
    if seen.empty:
        raise StudyError(
            f"every '{column.name}' is missing; nothing can be learnt from it: "
            "check that the outcome column is the right one"
        )
    counts = _counts(seen)
    if not counts.any():
        raise StudyError(
            f"every '{column.name}' is 0; nothing can be learnt from it: "
            "check that the outcome column is the right one"
        )
    return counts.astype(float).reindex(column.index)


def settle_column(column: pd.Series, *, allow_missing: bool = False) -> pd.Series:
    """Decide whether a predictor's text is numbers or categories.

    Parameters
    ----------
    allow_missing : bool
        Whether values may be missing: NaN among numbers, None among categories.
    """
    missing, _, infinite = number_faults(column, "complete the row or remove it")
    refuse(column, [infinite] if allow_missing else [missing, infinite])
    if pd.api.types.is_numeric_dtype(column):
        return column
    values, there = numbers(column), ~is_missing(column)
    text = values.isna() & there
    if not text.any():
        return values
    if text[there].all():
        return column if there.all() else column.where(there, None)
    odd, others = (text, "numbers") if text[there].mean() <= 1 / 2 else (~text & there, "text")
    raise RowError(
        f"{rows(text.index[odd].tolist())}: '{column.name}' is {column[odd].iloc[0]!r}, "
        f"other rows hold {others}; make the column all numbers or all text"
    )


def checked_exposures(column: pd.Series) -> pd.Series:
    """Read exposures: float64, positive."""
    remedy, values = "an exposure is a positive number", numbers(column)
    zero_or_negative = (f"'{column.name}' is zero or negative; {remedy}", values <= 0)
    far = (values > LARGEST_EXPOSURE) | (values < 1 / LARGEST_EXPOSURE)
    beyond = (f"'{column.name}' lies beyond 1e-100 to 1e100; change its unit", far)
    refuse(column, [*number_faults(column, remedy), zero_or_negative, beyond])
    least, most = values.min(), values.max()
    if most > MOST_UNEQUAL * least:
        ends = (values == least) | (values == most)
        first = values[ends].drop_duplicates().index.tolist()
        raise RowError(
            f"{rows(first)}: '{column.name}' goes from {least:g} to {most:g}; the largest "
            "exposure is at most 1e12 times the smallest"
        )
    return values


def refuse_names(cities: pd.Series) -> None:
    """Refuse names that cannot be told apart, or shown as they are."""
    bare = cities.str.strip()
    refuse(
        cities,
        [
            ("a city has no name", bare == ""),
            ("a city's name begins or ends with a blank; remove it", bare != cities),
            (
                "a city's name holds a newline or another control character; remove it",
                ~cities.map(str.isprintable),
            ),
            (
                "a city's name holds markup; write the plain name",
                cities.str.contains(r"<\s*[A-Za-z/!?][^>]*>|\[[a-z#@/][^\]]*\]", regex=True),
            ),
            (
                "a city's name holds ' -> ' or ' & ', which join two names; write it another way",
                cities.str.contains(r" (?:->|&) ", regex=True),
            ),
        ],
    )
    seen: dict[str, str] = {}
    for row, city in cities.drop_duplicates().items():
        other = seen.setdefault(folded(city), city)
        if other != city:
            raise RowError(
                f"{rows([row])}: cities {other!a} and {city!a} differ only in case or Unicode "  # type: ignore[list-item]
                "form; write one city one way"
            )


def _counts(column: pd.Series) -> pd.Series:
    name, remedy, values = column.name, "a count is a whole number from 0 to 10^9", numbers(column)
    refuse(
        column,
        [
            *number_faults(column, remedy),
            (f"'{name}' is negative; {remedy}", values < 0),
            (f"'{name}' is over 10^9; {remedy}", values > LARGEST_COUNT),
            (f"'{name}' is fractional; {remedy}", values % 1 != 0),
        ],
    )
    counts = values.astype("int64")
    refuse(column, [(f"'{name}' is fractional; {remedy}", column.map(_exact) != counts)])
    return counts


def _exact(text: str) -> Decimal | float:
    """Read a number with all its digits, of which float64 holds seventeen."""
    try:
        return Decimal(text)
    except InvalidOperation:  # of an exponent that only a zero can have here
        return float(text)
