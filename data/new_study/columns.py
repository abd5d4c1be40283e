"""Which columns of a table of dyads name the two cities, and which holds the counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from data.errors import StudyError, suggest
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


def refuse_panel(table: pd.DataFrame, sender: str, receiver: str) -> None:
    """Refuse a table in which dyads stand several times, told apart by another column.

    Raises
    ------
    StudyError
        The message names the column, of which one value is to be kept.
    """
    if not table.duplicated([sender, receiver]).any():
        return
    for column in map(str, table):
        rows = table.duplicated([sender, receiver, column])
        if column not in (sender, receiver) and not rows.any():
            values = pd.unique(table[column])
            if len(values) < len(table) / 2:
                raise StudyError(
                    f"each directed dyad stands in several rows, told apart by '{column}'; keep "
                    f"the rows of one, such as {values[0]}"
                )


def find_outcome(table: pd.DataFrame, ends: tuple[str, str], asked: str | None) -> Taken:
    """Find the column of counts.

    Raises
    ------
    StudyError
        The one that is asked for is not there; or no column holds counts.
    """
    others = [str(column) for column in table if column not in ends]
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
    own = [column for column in counts if not _is_of_one_end(table, column, ends)]
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


def _is_of_one_end(table: pd.DataFrame, column: str, ends: tuple[str, str]) -> bool:
    """Tell whether a column is the same in every row of a sender, or of a receiver."""
    return any(int(table.groupby(end)[column].nunique().max()) <= 1 for end in ends)


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
