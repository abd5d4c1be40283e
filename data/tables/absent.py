"""Dyads without a row: zeros, where a study says so."""

import numpy as np
import pandas as pd

from data.declaration import Declaration
from data.errors import RowError, StudyError, rows, suggest
from data.tables.dyad_table import checked_outcome
from data.tables.study_tables import StudyTables


def completed(
    given: pd.DataFrame, tables: StudyTables, declaration: Declaration
) -> tuple[pd.DataFrame, list[str]]:
    """Give every dyad a row where those without one are zeros; name the cities."""
    columns = declaration.dyads
    cities = sorted(set(given[columns.sender]) | set(given[columns.receiver]))
    if columns.absent == "missing":
        refuse_few(cities, given)
        return given, cities
    if tables.cities is not None:
        known = tables.cities.names
        for side in columns.ends:
            unknown = given[side][~given[side].isin(known)]
            if len(unknown):
                raise RowError(
                    f"{rows(unknown.index.tolist())}: city '{unknown.iloc[0]}' has no row in the "
                    f"city table; {suggest(unknown.iloc[0], known[:20])}"
                )
        cities = known
    refuse_few(cities, given)
    names = np.array(cities if columns.directed else sorted(cities), dtype=object)
    i, j = np.nonzero(~np.eye(len(names), dtype=bool))
    if not columns.directed:
        i, j = i[i < j], j[i < j]
    every = pd.MultiIndex.from_arrays([names[i], names[j]])
    rows_of = pd.MultiIndex.from_frame(given[list(columns.ends)])
    places = rows_of.get_indexer(every)
    whole = given.reset_index(drop=True).reindex(places)  # nothing where there is no row
    whole[columns.sender], whole[columns.receiver] = names[i], names[j]
    labels = given.index.to_numpy(dtype=object)
    whole.index = pd.Index(
        [
            labels[place] if place >= 0 else f"dyad {a} -> {b}"
            for place, a, b in zip(places, names[i], names[j], strict=True)
        ],
        dtype=object,
    )
    return whole, cities


def refuse_few(cities: list[str], given: pd.DataFrame) -> None:
    """Refuse dyads of fewer than three cities."""
    if given.empty or len(cities) < 3:
        raise StudyError(f"only {len(cities)} cities; city effects need at least three")


def seen_outcome(outcome: pd.Series, every: pd.Index, declaration: Declaration) -> pd.Series:
    """Read the outcome of every row: NaN where it is to be predicted, 0 where there is no row."""
    values = checked_outcome(outcome, declaration.kinds)
    if declaration.dyads.absent == "missing":
        return values
    added = ~every.isin(outcome.index)
    return values.reindex(every).mask(added, 0.0)


def refuse_absent(
    column: str, table: pd.DataFrame, given: pd.DataFrame, declaration: Declaration
) -> None:
    """Refuse to use a column of the table of dyads where dyads have no row."""
    if len(table) > len(given) and column in given:
        raise StudyError(
            f"'{column}' stands in {declaration.dyads.file}, which has no row for "
            f'{len(table) - len(given)} dyads (absent = "zero"); bring it under [matrices], '
            "or compute it from the city table"
        )
