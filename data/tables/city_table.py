"""A study's city table: attributes of its cities, and where they lie."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from data.declaration import CityTable
from data.errors import StudyError, nearest
from data.tables.dyad_table import refuse_names, settle_column
from data.tables.rules import number_faults, numbers, refuse
from data.tables.sheet import refuse_lacking

DEGREES = {"latitude": 90, "longitude": 180}


@dataclass(frozen=True)
class Cities:
    """A city table, its names checked.

    Attributes
    ----------
    table : pandas.DataFrame
        Text, a row a city; its index holds what messages call the rows.
    """

    table: pd.DataFrame
    columns: CityTable

    @cached_property
    def names(self) -> list[str]:
        return [str(name) for name in self.table[self.columns.city]]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that are attributes of cities."""
        return tuple(str(column) for column in self.table if column != self.columns.city)

    @property
    def has_positions(self) -> bool:
        return all(getattr(self.columns, kind) in self.table for kind in DEGREES)

    def of(self, cities: Sequence[str]) -> pd.DataFrame:
        """Give the rows of cities, in their order.

        Raises
        ------
        StudyError
            A city has no row.
        """
        places = pd.Index(self.names).get_indexer(pd.Index(cities))
        if lacking := sorted(city for city, place in zip(cities, places, strict=True) if place < 0):
            others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise StudyError(
                f"no row for city '{lacking[0]}'{others}; "
                f"{nearest(lacking[0], self.names)}Needed: a row for each city of the dyads"
            )
        return self.table.iloc[places]

    def positions(self, cities: Sequence[str]) -> dict[str, pd.Series]:
        """Look up where cities lie.

        Returns
        -------
        dict of str to pandas.Series
            ``latitude`` and ``longitude`` in decimal degrees, by city.
        """
        found, positions = self.of(cities), {}
        for kind, most in DEGREES.items():
            column = found[getattr(self.columns, kind)]
            remedy = f"a {kind} is a number of degrees from -{most} to {most}"
            values = numbers(column)
            beyond = (f"'{column.name}' is beyond {most}; {remedy}", values.abs() > most)
            refuse(column, [*number_faults(column, remedy), beyond])
            positions[kind] = values.set_axis(list(cities))
        return positions

    def settled(
        self, attributes: Iterable[str], cities: Sequence[str], *, allow_missing: bool = False
    ) -> pd.DataFrame:
        """Give attributes as numbers or text, a row a city."""
        found = self.of(cities)
        columns = {
            name: settle_column(found[name], allow_missing=allow_missing) for name in attributes
        }
        return pd.DataFrame(columns, index=found.index).set_axis(list(cities), axis=0)


def city_table(table: pd.DataFrame, columns: CityTable) -> Cities:
    """Check a city table.

    Raises
    ------
    StudyError
        It is empty, a declared column is not there, a city stands twice or has no name.
    """
    half = any(getattr(columns, key) in table for key in DEGREES)
    placed = [key for key in DEGREES if half or key in columns.model_fields_set]
    refuse_lacking(table, columns, ["city", *placed], "[cities]", "a city")
    named = table[columns.city]
    refuse_names(named)
    twice = named.duplicated(keep=False)
    refuse(named, [("a city stands more than once; keep one row", twice)])
    return Cities(table, columns)
