"""`dyads.csv`: every row checked, with the line numbers that an editor shows."""

import unicodedata
from decimal import Decimal

import pandas as pd

from data.declaration import Columns
from data.errors import RowError, StudyError, rows
from data.tables.rules import number_faults, numbers, refuse

LARGEST_COUNT = 2**53  # beyond it float64 skips whole numbers


def check_table(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Check the cities, the outcome and the exposure of a table of directed dyads.

    Returns
    -------
    pandas.DataFrame
        One row a directed dyad, indexed by line number. Outcome (int64) and exposure (float64)
        are checked numbers; every other column is as `settle_column` makes it when it is used.
    """
    senders, receivers = table[columns.sender], table[columns.receiver]
    cities = pd.concat([senders, receivers])
    _refuse_names(cities)
    dyads = senders + " -> " + receivers
    itself = ("a city is paired with itself; remove the row", senders == receivers)
    twice = "the same directed dyad stands more than once; keep one row"
    refuse(dyads, [itself, (twice, dyads.duplicated(keep=False))], quoted=False)
    checked = table.assign(**{columns.outcome: _counts(table[columns.outcome])})
    if columns.exposure is not None:
        checked[columns.exposure] = _exposures(table[columns.exposure])
    if cities.nunique() < 3:
        raise StudyError(f"only {cities.nunique()} cities; city effects need at least three")
    if not checked[columns.outcome].any():
        raise StudyError(
            f"every '{columns.outcome}' is 0; nothing can be learnt from it: "
            "check that the outcome column is the right one"
        )
    return checked


def settle_column(column: pd.Series) -> pd.Series:
    """Decide whether a predictor's text is numbers or categories."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    missing, _, infinite = number_faults(column, "complete the row or remove it")
    refuse(column, [missing, infinite])
    values = numbers(column)
    if values.isna().all():
        return column
    text = values.isna()
    if text.any():
        odd, others = (text, "numbers") if text.mean() <= 1 / 2 else (~text, "text")
        raise RowError(
            f"{rows(text.index[odd].tolist())}: '{column.name}' is {column[odd].iloc[0]!r}, "
            f"other rows hold {others}; make the column all numbers or all text"
        )
    return values


def _refuse_names(cities: pd.Series) -> None:
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
        other = seen.setdefault(unicodedata.normalize("NFKC", city).casefold(), city)
        if other != city:
            raise RowError(
                f"row {row}: cities {other!a} and {city!a} differ only in case or Unicode form; "
                "write one city one way"
            )


def _counts(column: pd.Series) -> pd.Series:
    name, remedy, values = column.name, "a count is a whole number from 0 to 2^53", numbers(column)
    refuse(
        column,
        [
            *number_faults(column, remedy),
            (f"'{name}' is negative; {remedy}", values < 0),
            (f"'{name}' is fractional; {remedy}", values % 1 != 0),
        ],
    )
    exact = column.map(Decimal)  # float64 rounds 2^53 + 1 down to 2^53
    refuse(column, [(f"'{name}' is over 2^53; {remedy}", exact > LARGEST_COUNT)])
    return exact.map(int).astype("int64")


def _exposures(column: pd.Series) -> pd.Series:
    remedy, values = "an exposure is a positive number", numbers(column)
    zero_or_negative = (f"'{column.name}' is zero or negative; {remedy}", values <= 0)
    refuse(column, [*number_faults(column, remedy), zero_or_negative])
    return values
