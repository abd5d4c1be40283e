"""Which columns of a table of dyads name the two cities, and which holds the counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from data.errors import StudyError, suggest
from data.tables.periods import periods_of
from data.tables.rules import is_missing, numbers

# words for sender and receiver, as people and programs name them
ENDS = (
    *(("sender", "receiver"), ("from", "to"), ("source", "target"), ("ego", "alter")),
    *(("origin", "destination"), ("orig", "dest"), ("exporter", "importer"), ("i", "j")),
    *(("tail", "head"), ("out", "in"), ("actor", "partner"), ("initiator", "target")),
)
OUTCOMES = (
    *("count", "counts", "n", "number", "freq", "frequency", "weight", "flow", "flows"),
    *("value", "amount", "y", "outcome"),
)
SHARED = 0.3  # of the names in two columns: how many they share, where they name the same cities


@dataclass(frozen=True)
class Taken:
    """A column, what it is taken for, and why."""

    column: str
    what: str
    why: str


def find_ends(table: pd.DataFrame, cities: Sequence[str] | None) -> tuple[Taken, Taken]:
    """Find the columns of senders and receivers.

    Raises
    ------
    StudyError
        No two columns name the same cities.
    """
    folded = {str(column).strip().casefold(): str(column) for column in table}
    for sender, receiver in ENDS:
        if sender in folded and receiver in folded:
            why = f"'{sender}' and '{receiver}' are names for the two ends"
            return (
                Taken(folded[sender], "sender", why),
                Taken(folded[receiver], "receiver", why),
            )
    columns = [str(column) for column in table if _may_name(table[column])]
    values = {column: set(table[column]) for column in columns}
    if cities is not None:
        known = set(cities)
        inside = [column for column in columns if values[column] <= known]
        if len(inside) == 2:
            why = "every value is a city of the city table"
            return Taken(inside[0], "sender", why), Taken(inside[1], "receiver", why)
    for first, second in combinations(columns, 2):
        both, either = values[first] & values[second], values[first] | values[second]
        if len(both) >= SHARED * len(either) and not (table[first] == table[second]).all():
            why = f"'{first}' and '{second}' hold the same names"
            return (
                Taken(first, "sender", f"{why}; it stands first"),
                Taken(second, "receiver", why),
            )
    raise StudyError(
        "no two columns name the same cities; call them sender and receiver, or from and to "
        f"(it has: {', '.join(map(str, table.columns))})"
    )


def _may_name(column: pd.Series) -> bool:
    """Tell whether a column may name cities: text, or whole numbers, nothing missing."""
    if (column.str.strip() == "").any() or column.nunique() < 3:
        return False
    values = numbers(column)
    return bool(values.isna().all() or (values % 1 == 0).all())


def find_period(table: pd.DataFrame, sender: str, receiver: str) -> Taken | None:
    """Find the column of periods where dyads stand in several rows: the one that tells them apart.

    Raises
    ------
    StudyError
        Its values have no order.
    """
    if not table.duplicated([sender, receiver]).any():
        return None
    for column in map(str, table):
        again = table.duplicated([sender, receiver, column])
        few = table[column].nunique() < len(table) / 2
        if column not in (sender, receiver) and few and not again.any():
            periods_of(table[column])
            return Taken(column, "period", "it tells apart the rows of a directed dyad")
    return None


def find_outcome(table: pd.DataFrame, used: Sequence[str], asked: str | None) -> Taken:
    """Find the column of counts.

    Parameters
    ----------
    used : sequence of str
        The columns of senders, of receivers and, of a panel, of periods.

    Raises
    ------
    StudyError
        The one that is asked for is not there; or no column holds counts.
    """
    others = [str(column) for column in table if column not in used]
    if asked is not None:
        if asked not in others:
            raise StudyError(f"no column '{asked}'; {suggest(asked, others)}")
        return Taken(asked, "outcome", "it was asked for")
    counts = [
        column
        for column in others
        if column.strip() and _are_counts(table[column]) and not _numbers_rows(table[column])
    ]
    for column in counts:
        if column.strip().casefold() in OUTCOMES:
            return Taken(column, "outcome", f"whole numbers, and '{column}' is a name for counts")
    own = [column for column in counts if not _is_of_one_end(table, column, used)]
    several = [column for column in own if numbers(table[column]).max() > 1]
    if not (several or own):
        raise StudyError(
            "no column holds counts of dyads, whole numbers from 0; name one with --outcome "
            f"(it has: {', '.join(others) or 'no other column'})"
        )
    chosen = (several or own)[0]
    more = [column for column in (several or own) if column != chosen]
    why = "the first column of whole numbers that is no city's own"
    return Taken(chosen, "outcome", f"{why}; others: {', '.join(more)}" if more else why)


def _are_counts(column: pd.Series) -> bool:
    seen = column[~is_missing(column)]
    values = numbers(seen)
    whole = values.notna().all() and bool(((values >= 0) & (values % 1 == 0)).all())
    return bool(len(values) and whole and values.any())


def _numbers_rows(column: pd.Series) -> bool:
    """Tell whether a column numbers the rows: whether it rises from each row to the next."""
    return bool((np.diff(numbers(column)) > 0).all())


def _is_of_one_end(table: pd.DataFrame, column: str, used: Sequence[str]) -> bool:
    """Tell whether a column is the same in all rows of a sender or receiver, and of a period."""
    *ends, period = used if len(used) > 2 else [*used, None]
    keys = [[end] if period is None else [end, period] for end in ends]
    return any(int(table.groupby(by)[column].nunique().max()) <= 1 for by in keys)


def find_city_column(table: pd.DataFrame, needed: Sequence[str]) -> Taken:
    """Find the column of a city table that names the cities of the dyads.

    Raises
    ------
    StudyError
        No column has all of them.
    """
    missing = {str(column): sorted(set(needed) - set(table[column])) for column in table}
    best = min(missing, key=lambda column: (len(missing[column]), column.casefold() != "city"))
    if lacking := missing[best]:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise StudyError(
            f"no column names every city of the dyads; '{best}' comes nearest, and lacks "
            f"{', '.join(map(repr, lacking[:3]))}{more}"
        )
    return Taken(best, "city", "it has the name of every city of the dyads")


def find_position(table: pd.DataFrame, names: Sequence[str], most: float) -> str | None:
    """Find a column of degrees."""
    for column in table:
        if str(column).strip().casefold() in names:
            values = numbers(table[column])
            if values.notna().all() and (values.abs() <= most).all():
                return str(column)
    return None
