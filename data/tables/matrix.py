"""Square matrices with names on both margins: rows send, columns receive."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import RowError, StudyError, nearest, rows
from data.tables.rules import folded, is_missing, number_faults, numbers, refuse


@dataclass(frozen=True)
class Square:
    """A checked matrix.

    Attributes
    ----------
    cells : numpy.ndarray
        (sender, receiver) text, both in the order of `names`.
    rows : list of str
        What messages call the rows.
    """

    names: list[str]
    cells: np.ndarray
    rows: list[str]

    def labels(self, i: Iterable[int], j: Iterable[int]) -> list[str]:
        """Name cells as messages do."""
        return [f"{self.rows[a]}, column '{self.names[b]}'" for a, b in zip(i, j, strict=True)]


def square(table: pd.DataFrame) -> Square:
    """Check a matrix's margins.

    Raises
    ------
    StudyError
        A name stands twice, or the margins differ.
    """
    if table.shape[0] < 2 or table.shape[1] < 2:
        raise StudyError("is no matrix; it needs names in its first row and in its first column")
    down, across = table.iloc[:, 0], [str(name) for name in table.columns[1:]]
    refuse(down, [("the matrix names two rows alike; keep one", down.duplicated(keep=False))])
    of_rows, of_columns = set(down), set(across)
    if missing := [name for name in down if name not in of_columns]:
        raise StudyError(
            f"the matrix's margins differ: row '{missing[0]}' has no column; "
            f"{nearest(missing[0], of_columns - of_rows)}write the same names on both"
        )
    if unnamed := [name for name in across if name not in of_rows]:
        raise StudyError(
            f"the matrix is not square: column '{unnamed[0]}' has no row; "
            "write the same names on both margins"
        )
    rows = [f"row {row}" if isinstance(row, int) else str(row) for row in table.index.tolist()]
    return Square(down.to_list(), table[down.to_list()].to_numpy(dtype=object), rows)


def has_same_margins(table: pd.DataFrame) -> bool:
    """Tell whether the first row and the first column of a table hold the same names."""
    return len(table) >= 3 and set(table.iloc[:, 0]) == set(table.columns[1:])


def as_rows(matrix: Square, sender: str, receiver: str, value: str) -> pd.DataFrame:
    """Lay out a matrix as a row a directed dyad, its diagonal left out.

    Raises
    ------
    RowError
        The diagonal holds something other than zeros or nothing.
    """
    names = np.array(matrix.names, dtype=object)
    every = np.arange(len(names))
    own = pd.Series(np.diag(matrix.cells), matrix.labels(every, every), name=value, dtype=object)
    held = ~is_missing(own) & (numbers(own) != 0)
    refuse(own, [("a city directs something at itself; leave the diagonal blank", held)])
    i, j = np.nonzero(~np.eye(len(names), dtype=bool))
    return pd.DataFrame(
        {sender: names[i], receiver: names[j], value: matrix.cells[i, j]},
        matrix.labels(i, j),
        dtype=object,
    )


def covariate_of_matrix(matrix: Square, name: str, cities: Iterable[str]) -> pd.DataFrame:
    """Give a covariate of some cities' dyads as a matrix of numbers, NaN where it is blank."""
    wanted = list(cities)
    places = pd.Index(matrix.names).get_indexer(pd.Index(wanted))
    if lacking := [city for city, place in zip(wanted, places, strict=True) if place < 0]:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise StudyError(
            f"the matrix has no city '{lacking[0]}'{more}; "
            f"{nearest(lacking[0], matrix.names)}it needs each city of the dyads"
        )
    i, j = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
    flat = pd.Series(matrix.cells[i, j], matrix.labels(i, j), name=name, dtype=object)
    refuse(
        flat[i != j],
        [
            (fault, faulty[i != j])
            for fault, faulty in number_faults(flat, "a matrix holds numbers")[1:]
        ],
    )
    return pd.DataFrame(numbers(flat).to_numpy().reshape(len(wanted), -1), wanted, wanted)


def covariate_of_rows(
    table: pd.DataFrame,
    sender: str,
    receiver: str,
    value: str,
    cities: Iterable[str],
    absent: float,
) -> pd.DataFrame:
    """Give a covariate that stands in rows as a matrix of numbers.

    Rows of other cities, and of a city with itself, are passed over.

    Parameters
    ----------
    absent : float
        The value of a dyad without a row.
    """
    wanted = pd.Index(list(cities))
    for column in (sender, receiver):
        _refuse_lookalikes(table[column], wanted)
    i, j = (wanted.get_indexer(pd.Index(table[column])) for column in (sender, receiver))
    inside = (i >= 0) & (j >= 0) & (i != j)
    within, i, j = table[inside], i[inside], j[inside]
    if within.empty:
        raise RowError(
            f"no row is of two cities of the dyads; '{sender}' and '{receiver}' name them"
        )
    dyads = within[sender] + " -> " + within[receiver]
    twice = "the same directed dyad stands more than once; keep one row"
    refuse(dyads, [(twice, dyads.duplicated(keep=False))], quoted=False)
    refuse(within[value], number_faults(within[value], "a covariate in rows holds numbers")[1:])
    matrix = np.full((len(wanted), len(wanted)), absent, dtype=float)
    matrix[i, j] = numbers(within[value])
    return pd.DataFrame(matrix, wanted, wanted)


def _refuse_lookalikes(named: pd.Series, cities: pd.Index) -> None:
    """Refuse names that differ from those of cities in case, blanks or Unicode form alone."""
    known = {folded(str(city)): city for city in cities}
    for row, name in named[~named.isin(cities)].drop_duplicates().items():
        if folded(name) in known:
            raise RowError(
                f"{rows([row])}: {name!a} differs from city {known[folded(name)]!a} only in case, "  # type: ignore[list-item]
                "blanks or Unicode form; write one city one way"
            )
