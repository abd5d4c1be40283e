"""Node terms: what a formula computes of a directed dyad from attributes of its two cities.

| node term | of the directed dyad i -> j | known elsewhere as |
|---|---|---|
| ``sender(x)``, ``receiver(x)`` | x of i, x of j | nodeocov, nodeicov; ego, alter |
| ``same(x)``, ``differs(x)`` | 1 where x is equal, where it is not | nodematch |
| ``absdiff(x)``, ``difference(x)`` | absolute difference; sender less receiver | absdiff |
| ``total(x)``, ``product(x)`` | sum, product | nodecov |
| ``overlap(x, y, ...)`` | 1 - half the summed absolute differences of shares | Bray-Curtis |
| ``distance_km()`` | geodesic between positions, on WGS 84 | |

The names are those of ergm (Hunter et al. 2008, doi:10.18637/jss.v024.i03) where it has them. Bray
and Curtis 1957, Ecological Monographs 27(4), doi:10.2307/1942268: of shares their dissimilarity is
half the summed absolute differences.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.errors import StudyError

MANY = 100
# how many arguments each takes, least and most
NODE_TERMS = {
    "sender": (1, 1),
    "receiver": (1, 1),
    "same": (1, 1),
    "differs": (1, 1),
    "absdiff": (1, 1),
    "difference": (1, 1),
    "total": (1, 1),
    "product": (1, 1),
    "overlap": (2, MANY),
    "distance_km": (0, 0),
}
NUMBERS = ("absdiff", "difference", "total", "product", "overlap")  # those that take numbers alone
PLACED = ("distance_km",)  # those that need positions


@dataclass(frozen=True)
class Ends:
    """The two cities of each directed dyad, and their attributes.

    Attributes
    ----------
    cities : pandas.DataFrame
        A row a city, a column an attribute: numbers or text.
    sender, receiver : numpy.ndarray
        (dyad,) the row of each in `cities`.
    latitude, longitude : numpy.ndarray, optional
        (city,) decimal degrees.
    """

    cities: pd.DataFrame
    sender: np.ndarray
    receiver: np.ndarray
    latitude: np.ndarray | None = None
    longitude: np.ndarray | None = None

    def context(self, attributes: tuple[str, ...], rows: pd.Index) -> dict[str, Any]:
        """Give what a formula's names stand for: attributes by city, and functions of them.

        Parameters
        ----------
        attributes : tuple of str
            The attributes that are used.
        rows : pandas.Index
            (dyad,) the index that values of dyads have.
        """

        def of_dyads(function: str, compute: Callable[..., Any]) -> Callable[..., pd.Series]:
            def node_term(*given: Any) -> pd.Series:
                values = [self._by_city(function, one) for one in given]
                return pd.Series(np.asarray(compute(*values)), index=rows)

            return node_term

        i, j = self.sender, self.receiver
        terms: dict[str, Callable[..., Any]] = {
            "sender": lambda x: x[i],
            "receiver": lambda x: x[j],
            "same": lambda x: _compared(x[i], x[j], 1.0, 0.0),
            "differs": lambda x: _compared(x[i], x[j], 0.0, 1.0),
            "absdiff": lambda x: np.abs(x[i] - x[j]),
            "difference": lambda x: x[i] - x[j],
            "total": lambda x: x[i] + x[j],
            "product": lambda x: x[i] * x[j],
            "overlap": self._overlap,
            "distance_km": self._distance_km,
        }
        functions = {name: of_dyads(name, compute) for name, compute in terms.items()}
        return functions | {name: self.cities[name] for name in attributes}

    def _by_city(self, function: str, given: Any) -> np.ndarray:
        """Take an argument of a node term: a value a city."""
        values = np.asarray(given)
        if values.shape != (len(self.cities),):
            raise StudyError(f"{function}() takes one column of the city table, a value a city")
        if values.dtype == bool:
            return values.astype(float)
        if values.dtype.kind in "iuf":
            return values.astype(float)
        if function in NUMBERS:
            name = getattr(given, "name", None) or "its argument"
            raise StudyError(
                f"{function}() takes numbers, and '{name}' is text; write same() or differs()"
            )
        return values.astype(object)

    def _overlap(self, *columns: np.ndarray) -> np.ndarray:
        amounts = np.stack(columns)
        totals = amounts.sum(axis=0)
        faulty = (amounts < 0).any(axis=0) | (totals == 0)
        if faulty.any():
            raise StudyError(
                "overlap() takes amounts that are not negative and not all zero; those of "
                f"'{self.cities.index[faulty][0]}' are"
            )
        shares = amounts / totals
        apart = np.abs(shares[:, self.sender] - shares[:, self.receiver]).sum(axis=0)
        overlap: np.ndarray = 1 - apart / 2
        return overlap

    def _distance_km(self) -> np.ndarray:
        from pyproj import Geod  # noqa: PLC0415 - it starts slowly, and few studies need it

        if self.latitude is None or self.longitude is None:
            raise StudyError("distance_km() needs the positions of the cities")
        ends = (
            place[side]
            for side in (self.sender, self.receiver)
            for place in (self.longitude, self.latitude)
        )
        _, _, metres = Geod(ellps="WGS84").inv(*ends)
        kilometres: np.ndarray = np.asarray(metres) / 1000
        return kilometres


def _compared(here: np.ndarray, there: np.ndarray, equal: float, unequal: float) -> np.ndarray:
    """Give a value where two are equal, another where not, and NaN where one of them is missing."""
    values = np.where(here == there, equal, unequal)
    values[pd.isna(here) | pd.isna(there)] = np.nan
    return values
