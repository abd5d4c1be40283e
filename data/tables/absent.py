"""Dyads without a row: zeros, where a study says so."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data.declaration import Columns, Declaration
from data.errors import RowError, StudyError, rows, suggest
from data.tables.dyad_table import checked_outcome
from data.tables.periods import there_in
from data.tables.study_tables import StudyTables


def completed(
    given: pd.DataFrame,
    tables: StudyTables,
    declaration: Declaration,
    periods: Sequence[str] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """Give every dyad a row where those without one are zeros; name the cities.

    Of a panel a dyad has one in each period in which both of its cities are there: all those of the
    city table, and without one those that have a row before or then, and then or after.
    """
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
    keys = list(columns.ends)
    every: dict[str, np.ndarray] = {columns.sender: names[i], columns.receiver: names[j]}
    labels = [f"dyad {a} -> {b}" for a, b in zip(names[i], names[j], strict=True)]
    if columns.period is not None:
        there = _there(given, names, columns, periods, always=tables.cities is not None)
        when, row = np.nonzero(there[:, i] & there[:, j])
        every = {side: values[row] for side, values in every.items()}
        every[columns.period] = np.array(periods, dtype=object)[when]
        labels = [f"{labels[k]} in {periods[t]}" for t, k in zip(when, row, strict=True)]
        keys.append(columns.period)
    wanted = pd.MultiIndex.from_arrays([every[key] for key in keys])
    places = pd.MultiIndex.from_frame(given[keys]).get_indexer(wanted)
    whole = given.reset_index(drop=True).reindex(places)  # nothing where there is no row
    for key in keys:
        whole[key] = every[key]
    labelled = given.index.to_numpy(dtype=object)
    named = [labelled[k] if k >= 0 else label for k, label in zip(places, labels, strict=True)]
    whole.index = pd.Index(named, dtype=object)
    return whole, cities


def _there(
    given: pd.DataFrame,
    names: np.ndarray,
    columns: Columns,
    periods: Sequence[str],
    *,
    always: bool,
) -> np.ndarray:
    """Tell in which periods each city is there, (period, city): in all, where a table says so."""
    if always:
        return np.ones((len(periods), len(names)), dtype=bool)
    known = pd.Index(names)
    one, other = (known.get_indexer(pd.Index(given[side])) for side in columns.ends)
    when = pd.Index(periods).get_indexer(pd.Index(given[columns.period]))
    return there_in((one, other), when, len(names), len(periods))


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
