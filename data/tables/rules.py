"""Rules that the columns of a table obey, checked by pandera and reported with line numbers."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pandera.pandas as pa

from data.errors import StudyError, rows

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})

Rule = tuple[Callable[[pd.Series], pd.Series], str]


def validate(
    table: pd.DataFrame, schema: pa.DataFrameSchema, name: str, shown: tuple[str, str] | None = None
) -> None:
    """Let pandera check a table; report the first broken rule with its rows."""
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        # pandera reports in its own order
        order = [check.error for check in _checks(schema)]
        first = min(cases["check"], key=order.index)
        broken = cases[cases["check"] == first].drop_duplicates("index").sort_values("index")
        at = [int(number) for number in broken["index"]]
        found = repr(broken["failure_case"].iloc[0])
        if shown:
            found = " -> ".join(str(table.loc[at[0], column]) for column in shown)
        raise StudyError(f"{name}: {rows(at)}: {first} (found {found})") from None


def _checks(schema: pa.DataFrameSchema) -> list[pa.Check]:
    return [check for column in schema.columns.values() for check in column.checks] + list(
        schema.checks or []
    )


def column_rules(column: str, rules: Sequence[Rule]) -> pa.DataFrameSchema:
    """Make rules about one column."""
    checks = [pa.Check(holds, error=message) for holds, message in rules]
    return pa.DataFrameSchema({column: pa.Column(object, checks)})


def number_rules(column: str, remedy: str) -> list[Rule]:
    """Ask for finite numbers."""
    return [
        (_present, f"'{column}' is missing; {remedy}"),
        (lambda s: ~_present(s) | numbers(s).notna(), f"'{column}' is not a number; {remedy}"),
        (where_number(lambda s: s.abs() < np.inf), f"'{column}' is infinite; {remedy}"),
    ]


def where_number(holds: Callable[[pd.Series], pd.Series]) -> Callable[[pd.Series], pd.Series]:
    """Let a rule speak of numbers alone."""

    def check(column: pd.Series) -> pd.Series:
        found = numbers(column)
        return found.isna() | holds(found)

    return check


def numbers(column: pd.Series) -> pd.Series:
    """Read text as numbers.

    Returns
    -------
    pandas.Series
        float64; NaN for what is missing or no number.
    """
    return pd.to_numeric(column.where(_present(column)), errors="coerce").astype("float64")


def _present(column: pd.Series) -> pd.Series:
    return ~column.str.strip().str.casefold().isin(MISSING)
