"""A first formula for a new study: which columns can be in it."""

from collections.abc import Iterator

import pandas as pd

from data.errors import StudyError
from data.new_study.columns import Taken
from data.new_study.found import Guess
from data.roles import SIDES
from data.study import assembled
from data.tables.city_table import Cities
from data.tables.rules import is_missing, numbers
from data.tables.study_tables import StudyTables

FEW = 12  # levels that a category may have in a first formula
MOST = 12  # terms of a first formula
ENOUGH = 10  # dyads a term


def add_terms(found: Guess, tables: StudyTables, title: str, dyads: int) -> None:
    """Add one term after the other to the formula, as long as it can be computed.

    Parameters
    ----------
    dyads : int
        How many are modelled, which bounds the terms.
    """
    most = min(MOST, dyads // ENOUGH)
    for column, term, why in _candidates(found, tables):
        if len(found.terms) >= most:
            found.left_out.append(Taken(column, term, "the formula has enough terms for a start"))
            continue
        try:
            assembled(tables, found.declaration(title, [*found.terms, term]), "new", "study.toml")
        except StudyError as error:
            said = str(error).rpartition(": ")[2]
            found.left_out.append(Taken(column, term, said))
        else:
            found.terms.append(term)
            found.taken.append(Taken(column, term, why))
    named = {one.column for one in (*found.taken, *found.left_out)}
    for column, why in _unused(found, tables):
        if column not in named:
            found.left_out.append(Taken(column, "", why))


def _candidates(found: Guess, tables: StudyTables) -> Iterator[tuple[str, str, str]]:
    """Give columns with the terms that they may be in a first formula, and what they hold."""
    used = {one.column for one in found.taken} | set(SIDES)
    if period := found.dyads.get("period"):
        several = tables.dyads[period].nunique()
        if 1 < several <= FEW:
            yield period, f"C({_quoted(period)})", f"{several} periods"
    if found.dyads.get("absent") != "zero":
        for name in map(str, tables.dyads):
            if name not in used and name.strip():
                yield from _of_column(name, tables.dyads[name])
    if tables.cities is not None:
        yield from _of_cities(tables.cities, directed=found.dyads.get("directed", True))


def _of_column(name: str, column: pd.Series) -> Iterator[tuple[str, str, str]]:
    if is_missing(column).any():
        return
    values, quoted = numbers(column), _quoted(name)
    if values.notna().all():
        binary = set(values) <= {0, 1}
        yield name, quoted if binary else f"scale({quoted})", "numbers, of dyads"
    elif column.nunique() <= FEW and values.isna().all():
        yield name, quoted, f"{column.nunique()} categories, of dyads"


def _of_cities(cities: Cities, *, directed: bool) -> Iterator[tuple[str, str, str]]:
    places: set[str] = set()
    if cities.has_positions:
        places = {cities.columns.latitude, cities.columns.longitude}
        yield "distance", "scale(log(distance_km()))", "computed from the positions"
    for name in cities.attributes:
        column, quoted = cities.table[name], _quoted(name)
        if name in places or is_missing(column).any() or _is_code(name, column):
            continue
        if list(column) == cities.names:  # a label
            continue
        if numbers(column).notna().all():
            whose = {side: f"numbers, of the {side}" for side in SIDES}
            for term, what in (whose if directed else {"total": "numbers, of both"}).items():
                yield name, f"scale({term}({quoted}))", what
        elif 1 < column.nunique() <= min(FEW, len(column) // 2):
            yield name, f"same({quoted})", f"{column.nunique()} categories, of cities"


def _unused(found: Guess, tables: StudyTables) -> Iterator[tuple[str, str]]:
    filled = found.dyads.get("absent") == "zero"
    for name in tables.dyads:
        if name in SIDES or not str(name).strip():
            continue
        missing = int(is_missing(tables.dyads[name]).sum())
        if filled:
            yield str(name), "dyads without a row have no value of it; bring it under [matrices]"
        elif missing:
            yield str(name), f'{missing} values are missing; missing = "drop" leaves their rows out'
        else:
            yield str(name), "text of many values, or of numbers and words"
    for name in tables.cities.attributes if tables.cities else ():
        missing = int(is_missing(tables.cities.table[name]).sum()) if tables.cities else 0
        why = f"{missing} values are missing" if missing else "a code, or text of many values"
        yield name, why


def _is_code(name: str, column: pd.Series) -> bool:
    """Tell whether whole numbers are codes: all different, under a name that says so."""
    says = any(word in name.casefold() for word in ("code", "fips", "nuts")) or (
        name.casefold() == "id"
    )
    return says and column.nunique() == len(column)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
