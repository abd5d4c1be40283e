"""Undirected dyads: each pair of cities once, the two in the order of their names."""

import numpy as np
import pandas as pd

from data.declaration import Columns
from data.errors import RowError, rows
from data.tables.rules import is_missing, numbers, refuse


def pairs_of(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Put the two cities of each pair in order, and keep each pair once.

    A row a pair is what a table holds; a matrix and a graph hold both directions, whose outcomes
    must be the same, or one of them missing.
    """
    one, other = table[columns.sender], table[columns.receiver]
    swapped = (one > other).to_numpy()
    table = table.copy()
    table[columns.sender] = np.where(swapped, other, one)
    table[columns.receiver] = np.where(swapped, one, other)
    pairs = table[columns.sender] + " & " + table[columns.receiver]
    if columns.is_in_rows:
        twice = "the pair stands more than once, in one order or the other; keep one row"
        by = [pairs] if columns.period is None else [pairs, table[columns.period]]
        refuse(pairs, [(twice, pd.concat(by, axis=1).duplicated(keep=False))], quoted=False)
        return table
    outcome = table[columns.outcome]
    missing = is_missing(outcome)
    by_pair = numbers(outcome).fillna(np.nan)[~missing].groupby(pairs[~missing])
    differ = by_pair.nunique()
    if (differ > 1).any():
        pair = str(differ.index[differ > 1][0])
        found = table.index[(pairs == pair).to_numpy()].tolist()
        raise RowError(
            f"{rows(found)}: '{columns.outcome}' of {pair} is not the same in both directions; "
            "undirected dyads have one"
        )
    # the known one of each pair first
    order = np.argsort(missing.to_numpy(), kind="stable")
    first = ~pairs.iloc[order].duplicated()
    return table.iloc[np.sort(order[first.to_numpy()])]


def symmetric(matrix: pd.DataFrame, name: str) -> pd.DataFrame:
    """Take a dyadic covariate for one of pairs: a value that one direction lacks is the other's.

    Raises
    ------
    RowError
        The two directions have different values.
    """
    values = matrix.to_numpy()
    whole = np.where(np.isnan(values), values.T, values)
    differ = np.argwhere(np.triu(~np.isnan(whole) & ~np.isclose(whole, whole.T, rtol=1e-12), 1))
    if len(differ):
        i, j = differ[0]
        raise RowError(
            f"'{name}' of {matrix.index[i]} and {matrix.index[j]} is {whole[i, j]:g} in one "
            f"direction and {whole[j, i]:g} in the other; undirected dyads need one value"
        )
    return pd.DataFrame(whole, matrix.index, matrix.columns)
