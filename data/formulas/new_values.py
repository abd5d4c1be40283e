"""A formula's design matrix for other rows than those on which it was fitted."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from formulaic.errors import DataMismatchWarning

from data.errors import QueryError, suggest
from data.formulas.design import model_matrix, named_columns
from data.formulas.grammar import ADDED, calls, one_line, parse_formula


def changed_design(
    formula: str, table: pd.DataFrame, changed: pd.DataFrame, where: str, name: str
) -> pd.DataFrame:
    """Compute the columns of a formula for other rows, with the state that its own rows gave it.

    What a transform took from the fitted rows (the mean and sd of ``scale``, the levels of ``C``,
    the knots of ``bs``) stays as it was.

    Parameters
    ----------
    formula : str
        A right-hand side in formulaic's language; it is checked again, for it may come from a
        file.
    changed : pandas.DataFrame
        Other rows, with at least the columns that the formula uses; messages name a row by its
        index.

    Returns
    -------
    pandas.DataFrame
        float64, a row for each of the other rows, columns as `data.formulas.design.design_matrix`
        has them, without the intercept.
    """
    where = f"{where} = {formula!r}"
    parsed, used = parse_formula(formula, table.columns.tolist(), where)
    if any(function == "lag" for function, _ in calls(parsed, where)):
        raise QueryError(f"{where}: 'lag' depends on the order of the rows; it has no other rows")
    levelled = levelled_columns(formula, table.columns.tolist(), where)
    settled = {
        column: _settled(column, table[column], changed, name, levelled=column in levelled)
        for column in table
        if column in used
    }
    # rows are counted from 0: formulaic joins categories to other columns by their index
    spec = model_matrix(parsed, table.reset_index(drop=True), where).model_spec
    other = pd.DataFrame(settled, index=range(len(changed)))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused below
            warnings.simplefilter("error", DataMismatchWarning)  # a level that the fit has not
            matrix = spec.get_model_matrix(other, context=ADDED)
    except Exception as error:  # noqa: BLE001 - a formula's arithmetic can raise anything
        raise QueryError(f"{where}: cannot be computed for {name}: {one_line(error)}") from None
    design = named_columns(matrix).set_index(changed.index)
    bad = ~np.isfinite(design.to_numpy())
    if bad.any():
        row, term = np.argwhere(bad)[0]
        raise QueryError(
            f"{name}: {design.index[row]}: the predictor '{design.columns[term]}' is missing or "
            "infinite there; the formula has no value for it"
        )
    return design


def levelled_columns(formula: str, columns: Sequence[str], where: str) -> set[str]:
    """Find the columns of which a formula makes categories, though they may hold numbers."""
    parsed, used = parse_formula(formula, columns, where)
    return {
        column for function, column in calls(parsed, where) if function == "C" and column in used
    }


def _settled(
    column: str, fitted: pd.Series, changed: pd.DataFrame, name: str, *, levelled: bool
) -> np.ndarray:
    """Give a column of the other rows as the formula needs it."""
    if column not in changed:
        raise QueryError(
            f"{name}: no column '{column}', which the formula needs; "
            f"{suggest(column, map(str, changed.columns))}"
        )
    values = changed[column]
    numeric = pd.api.types.is_numeric_dtype(fitted)
    if numeric:
        numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(float)
        missing = ~np.isfinite(numbers.to_numpy())
        settled = numbers.to_numpy()
    else:
        missing = values.isna().to_numpy()
        settled = values.to_numpy(dtype=object)
    if missing.any():
        raise QueryError(
            f"{name}: {_first(values, missing)}; write "
            f"{'a finite number' if numeric else 'one of the categories that the fit knows'}"
        )
    if levelled or not numeric:
        known = fitted.unique()
        unknown = ~pd.Series(settled).isin(known).to_numpy()
        if unknown.any():
            levels = [f"{level:.15g}" if numeric else str(level) for level in sorted(known)]
            raise QueryError(
                f"{name}: {_first(values, unknown)}, a category that the fit does not know; "
                f"{suggest(str(values[unknown].iloc[0]), levels)}"
            )
    return settled


def _first(values: pd.Series, faulty: np.ndarray) -> str:
    found = values[faulty]
    value = "missing" if pd.isna(found.iloc[0]) else f"'{found.iloc[0]}'"
    return f"{found.index[0]}: '{values.name}' is {value}"
