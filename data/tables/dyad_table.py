"""The table of dyads: every row checked, and named as the user's program names it."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd

from data.declaration import Columns
from data.errors import RowError, StudyError, rows
from data.outcomes import AMOUNT, LARGEST_COUNT, SUCCESSES, TIE, OutcomeKind
from data.tables.rules import folded, is_missing, number_faults, numbers, refuse

LARGEST_EXPOSURE, MOST_UNEQUAL = 1e100, 1e12


def refuse_ends(table: pd.DataFrame, columns: Columns) -> None:
    """Refuse names of cities that cannot be told apart or shown, and dyads that are none."""
    senders, receivers = table[columns.sender], table[columns.receiver]
    both = np.column_stack([senders, receivers]).ravel()
    refuse_names(pd.Series(both, table.index.repeat(2), dtype=object))
    dyads = senders + " -> " + receivers
    itself = ("a city is paired with itself; remove the row", senders == receivers)
    twice = "the same directed dyad stands more than once; keep one row"
    if columns.period is None:
        again = dyads.duplicated(keep=False)
        twice += ", or name the column of periods under [dyads], period = ..."
    else:
        again = table.duplicated([*columns.ends, columns.period], keep=False)
        twice = twice.replace("once;", "once in a period;")
    refuse(dyads, [itself, (twice, again)], quoted=False)


def checked_outcome(column: pd.Series, kinds: Iterable[OutcomeKind]) -> pd.Series:
    """Read the outcome; what is missing stays missing, for it is to be predicted.

    Parameters
    ----------
    kinds : iterable of OutcomeKind
        What it must be, every one of them.

    Returns
    -------
    pandas.Series
        float64, or NaN.
    """
    seen = column[~is_missing(column)]
    if seen.empty:
        raise StudyError(
            f"every '{column.name}' is missing; nothing can be learnt from it: "
            "check that the outcome column is the right one"
        )
    values = numbers(seen)
    for kind in kinds:
        values = _whole(seen, kind) if kind.is_whole else _amounts(seen, kind)
    if not values.any():
        raise StudyError(
            f"every '{column.name}' is 0; nothing can be learnt from it: "
            "check that the outcome column is the right one"
        )
    return values.astype(float).reindex(column.index)


def refuse_constant(outcome: pd.Series, trials: pd.Series | None, kinds: set[OutcomeKind]) -> None:
    """Refuse an outcome that is the same everywhere, where its kind lets nothing be learnt."""
    if not outcome.any():
        raise StudyError(f"every '{outcome.name}' of the rows that are left is 0")
    most: float | pd.Series = 1 if trials is None else trials
    if {TIE, SUCCESSES} & kinds and (outcome == most).all():
        what = "1" if trials is None else "its trials"
        raise StudyError(
            f"every '{outcome.name}' is {what}; nothing can be learnt from it: if dyads without a "
            'row are 0, write absent = "zero" under [dyads]'
        )
    if AMOUNT in kinds and (outcome == outcome.iloc[0]).all():
        raise StudyError(f"every '{outcome.name}' is the same; nothing can be learnt from it")


def checked_trials(column: pd.Series, outcome: pd.Series) -> pd.Series:
    """Read trials: float64 whole numbers from 1 on, no fewer than the successes."""
    remedy = "trials are a whole number from 1 to 10^9"
    values = numbers(column)
    over = (f"'{outcome.name}' is more than '{column.name}'", outcome > values)
    refuse(
        column,
        [
            *number_faults(column, remedy),
            (f"'{column.name}' is below 1; {remedy}", values < 1),
            (f"'{column.name}' is over 10^9; {remedy}", values > LARGEST_COUNT),
            (f"'{column.name}' is fractional; {remedy}", values % 1 != 0),
            over,
        ],
    )
    return values


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


def _amounts(column: pd.Series, kind: OutcomeKind) -> pd.Series:
    values = numbers(column)
    beyond = f"'{column.name}' is beyond that; {kind.rule}", values.abs() > kind.largest
    refuse(column, [*number_faults(column, kind.rule), beyond])
    return values


def _whole(column: pd.Series, kind: OutcomeKind) -> pd.Series:
    name, remedy, values = column.name, kind.rule, numbers(column)
    most = "10^9" if kind.largest == LARGEST_COUNT else f"{kind.largest:g}"
    refuse(
        column,
        [
            *number_faults(column, remedy),
            (f"'{name}' is negative; {remedy}", values < 0),
            (f"'{name}' is over {most}; {remedy}", values > kind.largest),
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
