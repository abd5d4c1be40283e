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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from data.errors import StudyError

MANY = 100


@dataclass(frozen=True)
class NodeTerm:
    """What a formula may compute of the attributes of two cities.

    Attributes
    ----------
    compute : callable
        The senders' and the receivers' values, (dyad,) each, to those of dyads; of a term that
        takes several arguments, or positions, both are (argument, dyad).
    least, most : int
        How many arguments it takes; one that takes none is computed from latitude and longitude.
    takes_text : bool
        Whether values may be categories.
    """

    compute: Callable[[np.ndarray, np.ndarray], np.ndarray]
    least: int = 1
    most: int = 1
    takes_text: bool = False

    @property
    def is_placed(self) -> bool:
        return self.most == 0


def _compared(here: np.ndarray, there: np.ndarray, equal: float, unequal: float) -> np.ndarray:
    """Give a value where two are equal, another where not, and NaN where one of them is missing."""
    values = np.where(here == there, equal, unequal)
    values[pd.isna(here) | pd.isna(there)] = np.nan
    return values


def _overlap(i: np.ndarray, j: np.ndarray) -> np.ndarray:
    for amounts in (i, j):
        if (amounts < 0).any() or (amounts.sum(axis=0) == 0).any():
            raise StudyError("overlap() takes amounts that are not negative, and not all zero")
    apart = np.abs(i / i.sum(axis=0) - j / j.sum(axis=0)).sum(axis=0)
    overlap: np.ndarray = 1 - apart / 2
    return overlap


def _distance_km(i: np.ndarray, j: np.ndarray) -> np.ndarray:
    from pyproj import Geod  # noqa: PLC0415 - it starts slowly, and few studies need it

    _, _, metres = Geod(ellps="WGS84").inv(i[1], i[0], j[1], j[0])
    kilometres: np.ndarray = np.asarray(metres) / 1000
    return kilometres


NODE_TERMS = {
    "sender": NodeTerm(lambda i, _: i, takes_text=True),
    "receiver": NodeTerm(lambda _, j: j, takes_text=True),
    "same": NodeTerm(lambda i, j: _compared(i, j, 1.0, 0.0), takes_text=True),
    "differs": NodeTerm(lambda i, j: _compared(i, j, 0.0, 1.0), takes_text=True),
    "absdiff": NodeTerm(lambda i, j: np.abs(i - j)),
    "difference": NodeTerm(lambda i, j: i - j),
    "total": NodeTerm(lambda i, j: i + j),
    "product": NodeTerm(lambda i, j: i * j),
    "overlap": NodeTerm(_overlap, least=2, most=MANY),
    "distance_km": NodeTerm(_distance_km, least=0, most=0),
}


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

    @property
    def positions(self) -> dict[str, pd.Series]:
        """Where the cities lie: ``latitude`` and ``longitude`` by city; empty without positions."""
        places = {"latitude": self.latitude, "longitude": self.longitude}
        return {
            kind: pd.Series(values, self.cities.index)
            for kind, values in places.items()
            if values is not None
        }

    def take(self, rows: slice | list[int] | np.ndarray) -> "Ends":
        """Give those of some dyads, by position or by whether they are among them."""
        return replace(self, sender=self.sender[rows], receiver=self.receiver[rows])

    def context(self, attributes: tuple[str, ...], rows: pd.Index) -> dict[str, Any]:
        """Give what a formula's names stand for: attributes by city, and functions of them.

        Parameters
        ----------
        attributes : tuple of str
            The attributes that are used.
        rows : pandas.Index
            (dyad,) the index that values of dyads have.
        """

        def named(name: str, term: NodeTerm) -> Callable[..., pd.Series]:
            def node_term(*given: Any) -> pd.Series:
                if term.is_placed:
                    values = np.stack([self.latitude, self.longitude])  # type: ignore[list-item]
                else:
                    columns = [self._by_city(name, one, text=term.takes_text) for one in given]
                    values = columns[0] if term.most == 1 else np.stack(columns)
                i, j = values[..., self.sender], values[..., self.receiver]
                return pd.Series(np.asarray(term.compute(i, j)), index=rows)

            return node_term

        functions = {name: named(name, term) for name, term in NODE_TERMS.items()}
        return functions | {name: self.cities[name] for name in attributes}

    def _by_city(self, function: str, given: Any, *, text: bool) -> np.ndarray:
        """Take an argument of a node term: a value a city."""
        values = np.asarray(given)
        if values.shape != (len(self.cities),):
            raise StudyError(f"{function}() takes one column of the city table, a value a city")
        if values.dtype.kind in "biuf":
            return values.astype(float)
        if not text:
            name = getattr(given, "name", None) or "its argument"
            raise StudyError(
                f"{function}() takes numbers, and '{name}' is text; write same() or differs()"
            )
        return values.astype(object)
