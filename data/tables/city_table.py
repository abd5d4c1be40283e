"""A study's city table: where the cities of its dyads lie."""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from data.declaration import CityTable
from data.errors import StudyError, nearest
from data.tables.rules import number_faults, numbers, refuse


def city_positions(
    table: pd.DataFrame, columns: CityTable, cities: Sequence[str]
) -> dict[str, xr.DataArray]:
    """Check a city table and look up the positions of a study's cities.

    Returns
    -------
    dict of str to xarray.DataArray
        ``latitude`` and ``longitude`` (city), in decimal degrees, in the order of `cities`.
    """
    named = table[columns.city]
    twice = named.duplicated(keep=False)
    refuse(named, [("a city stands more than once; keep one row", twice)])
    missing = sorted(set(cities) - set(named))
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StudyError(
            f"no row for city '{missing[0]}'{others}; "
            f"{nearest(missing[0], named)}Needed: a row for each city of the dyads"
        )
    used = table[named.isin(cities)]
    positions = {}
    for kind, most in (("latitude", 90), ("longitude", 180)):
        column = used[getattr(columns, kind)]
        remedy = f"a {kind} is a number of degrees from -{most} to {most}"
        values = numbers(column)
        beyond = (f"'{column.name}' is beyond {most}; {remedy}", values.abs() > most)
        refuse(column, [*number_faults(column, remedy), beyond])
        of_city = values.set_axis(used[columns.city]).reindex(pd.Index(cities))
        positions[kind] = xr.DataArray(of_city.to_numpy(), dims="city", attrs={"units": "degrees"})
    return positions
