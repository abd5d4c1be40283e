"""`dyads.csv`: every row checked, with the line numbers that an editor shows."""

import unicodedata
from decimal import Decimal, InvalidOperation

import pandas as pd

from data.declaration import Columns
from data.errors import RowError, StudyError, rows
from data.tables.rules import number_faults, numbers, refuse

# up to which a count's log-likelihood, a difference of numbers as large, is good to 1e-5
LARGEST_COUNT = 10**9
LARGEST_EXPOSURE, MOST_UNEQUAL = 1e100, 1e12


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
    checked = table.copy()
    checked[columns.outcome] = _counts(table[columns.outcome])
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


def _exposures(column: pd.Series) -> pd.Series:
    remedy, values = "an exposure is a positive number", numbers(column)
    zero_or_negative = (f"'{column.name}' is zero or negative; {remedy}", values <= 0)
    far = (values > LARGEST_EXPOSURE) | (values < 1 / LARGEST_EXPOSURE)
    beyond = (f"'{column.name}' lies beyond 1e-100 to 1e100; change its unit", far)
    refuse(column, [*number_faults(column, remedy), zero_or_negative, beyond])
    least, most = values.min(), values.max()
    if most > MOST_UNEQUAL * least:
        ends = [values.index[values == end][0] for end in (least, most)]
        raise RowError(
            f"{rows(sorted(ends))}: '{column.name}' goes from {least:g} to {most:g}; the largest "
            "exposure is at most 1e12 times the smallest"
        )
    return values
