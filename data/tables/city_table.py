"""A study's city table: where the cities of its dyads lie."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import xarray as xr

from data.declaration import CityTable
from data.errors import StudyError, nearest
from data.tables.csv_rows import read_rows
from data.tables.rules import Rule, column_rules, number_rules, numbers, validate, where_number


def read_positions(path: Path, columns: CityTable) -> pd.DataFrame:
    """Read a city table as text."""
    return read_rows(path, [columns.city, columns.latitude, columns.longitude], "cities")


def city_positions(
    table: pd.DataFrame, columns: CityTable, cities: Sequence[str], name: str
) -> dict[str, xr.DataArray]:
    """Check a city table and look up the positions of a study's cities.

    Returns
    -------
    dict of str to xarray.DataArray
        ``latitude`` and ``longitude`` (city), in decimal degrees, in the order of `cities`.
    """
    once: Rule = (lambda s: ~s.duplicated(keep=False), "a city stands more than once; keep one row")
    validate(table, column_rules(columns.city, [once]), name)
    missing = sorted(set(cities) - set(table[columns.city]))
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StudyError(
            f"{name}: no row for city '{missing[0]}'{others}; "
            f"{nearest(missing[0], table[columns.city])}Needed: a row for each city of the dyads"
        )
    used = table[table[columns.city].isin(cities)]
    positions = {}
    for kind, column, most in (
        ("latitude", columns.latitude, 90),
        ("longitude", columns.longitude, 180),
    ):
        remedy = f"a {kind} is a number of degrees from -{most} to {most}"
        rules = [
            *number_rules(column, remedy),
            (where_number(_within(most)), f"'{column}' is beyond {most}; {remedy}"),
        ]
        validate(used, column_rules(column, rules), name)
        of_city = numbers(used[column]).set_axis(used[columns.city])
        positions[kind] = xr.DataArray(
            of_city.reindex(pd.Index(cities)).to_numpy(), dims="city", attrs={"units": "degrees"}
        )
    return positions


def _within(most: int) -> Callable[[pd.Series], pd.Series]:
    return lambda values: values.abs() <= most
