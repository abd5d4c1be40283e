"""`dyads.csv`: every row checked, with the line numbers that an editor shows."""

import unicodedata
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from data.declaration import Columns
from data.errors import StudyError, rows
from data.tables.csv_rows import read_rows
from data.tables.rules import Rule, column_rules, number_rules, numbers, validate, where_number

LARGEST_COUNT = 2**53  # beyond it float64 skips whole numbers


def read_table(path: Path, columns: Columns) -> pd.DataFrame:
    """Read a table of directed dyads.

    Returns
    -------
    pandas.DataFrame
        One row a directed dyad, indexed by line number. Outcome (int64) and exposure (float64)
        are checked numbers; every other column is as `settle_column` makes it when it is used.
    """
    named = [name for name in columns.model_dump(exclude={"file"}).values() if name is not None]
    return check_table(read_rows(path, named, "dyads"), columns, str(path))


def check_table(table: pd.DataFrame, columns: Columns, name: str) -> pd.DataFrame:
    """Check the cities, the outcome and the exposure of a table of directed dyads."""
    validate(table, _city_rules(columns), name)
    _refuse_lookalikes(table, columns, name)
    validate(table, _dyad_rules(columns), name, (columns.sender, columns.receiver))
    validate(table, _outcome_rules(columns), name)
    whole = table[columns.outcome].map(Decimal).map(int).astype("int64")
    checked = table.assign(**{columns.outcome: whole})
    if columns.exposure is not None:
        validate(table, _exposure_rules(columns.exposure), name)
        checked[columns.exposure] = numbers(table[columns.exposure])
    cities = set(table[columns.sender]) | set(table[columns.receiver])
    if len(cities) < 3:
        raise StudyError(f"{name}: only {len(cities)} cities; city effects need at least three")
    if not checked[columns.outcome].any():
        raise StudyError(
            f"{name}: every '{columns.outcome}' is 0; nothing can be learnt from it: "
            "check that the outcome column is the right one"
        )
    return checked


def settle_column(column: pd.Series, name: str) -> pd.Series:
    """Decide whether a predictor's text is numbers or categories."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    validate(column.to_frame(), _predictor_rules(str(column.name)), name)
    values = numbers(column)
    if values.isna().all():
        return column
    text = values.isna()
    if text.any():
        odd, others = (text, "numbers") if text.mean() <= 1 / 2 else (~text, "text")
        raise StudyError(
            f"{name}: {rows(text.index[odd].tolist())}: '{column.name}' is "
            f"{column[odd].iloc[0]!r}, other rows hold {others}; "
            "make the column all numbers or all text"
        )
    return values


def _city_rules(columns: Columns) -> pa.DataFrameSchema:
    rules: list[Rule] = [
        (lambda s: s.str.strip() != "", "a city has no name"),
        (lambda s: s.str.strip() == s, "a city's name begins or ends with a blank; remove it"),
        (
            lambda s: s.map(str.isprintable),
            "a city's name holds a newline or another control character; remove it",
        ),
        (
            lambda s: ~s.str.contains(r"<\s*[A-Za-z/!?][^>]*>|\[[a-z#@/][^\]]*\]", regex=True),
            "a city's name holds markup; write the plain name",
        ),
        (
            lambda s: ~s.str.contains(r" (?:->|&) ", regex=True),
            "a city's name holds ' -> ' or ' & ', which join two names; write it another way",
        ),
    ]
    names = [columns.sender, columns.receiver]
    return pa.DataFrameSchema(
        {
            name: pa.Column(object, [pa.Check(holds, error=message) for holds, message in rules])
            for name in names
        }
    )


def _refuse_lookalikes(table: pd.DataFrame, columns: Columns, name: str) -> None:
    seen: dict[str, str] = {}
    for column in (columns.sender, columns.receiver):
        for row, city in table[column].drop_duplicates().items():
            other = seen.setdefault(unicodedata.normalize("NFKC", city).casefold(), city)
            if other != city:
                raise StudyError(
                    f"{name}: row {row}: cities {other!a} and {city!a} differ only in case or "
                    "Unicode form; write one city one way"
                )


def _dyad_rules(columns: Columns) -> pa.DataFrameSchema:
    pair = [columns.sender, columns.receiver]
    return pa.DataFrameSchema(
        checks=[
            pa.Check(
                lambda table: table[pair[0]] != table[pair[1]],
                error="a city is paired with itself; remove the row",
            ),
            pa.Check(
                lambda table: ~table.duplicated(pair, keep=False),
                error="the same directed dyad stands more than once; keep one row",
            ),
        ]
    )


def _outcome_rules(columns: Columns) -> pa.DataFrameSchema:
    column, remedy = columns.outcome, "a count is a whole number from 0 to 2^53"
    return column_rules(
        column,
        [
            *number_rules(column, remedy),
            (where_number(lambda s: s >= 0), f"'{column}' is negative; {remedy}"),
            (where_number(lambda s: s % 1 == 0), f"'{column}' is fractional; {remedy}"),
            (_at_most_largest, f"'{column}' is over 2^53; {remedy}"),
        ],
    )


def _at_most_largest(column: pd.Series) -> pd.Series:
    # float64 rounds 2^53 + 1 down to 2^53: the text decides
    near = numbers(column) >= LARGEST_COUNT
    return ~near | column.map(lambda text: Decimal(text) <= LARGEST_COUNT).where(near, other=True)


def _exposure_rules(column: str) -> pa.DataFrameSchema:
    remedy = "an exposure is a positive number"
    positive = (where_number(lambda s: s > 0), f"'{column}' is zero or negative; {remedy}")
    return column_rules(column, [*number_rules(column, remedy), positive])


def _predictor_rules(column: str) -> pa.DataFrameSchema:
    remedy = "complete the row or remove it"
    present, _, finite = number_rules(column, remedy)
    return column_rules(column, [present, finite])
