"""A formula's design matrix for other rows than those on which it was fitted."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic.errors import DataMismatchWarning

from data.errors import QueryError, located, suggest
from data.formulas.design import context_of, empty_cells, model_matrix, named_columns, reason
from data.formulas.grammar import ParsedFormula
from data.formulas.node_terms import Ends


@dataclass(frozen=True)
class Rows:
    """Raw columns of dyads, and their cities where there is a city table."""

    table: pd.DataFrame
    ends: Ends | None = None

    def take(self, rows: slice | list[int]) -> "Rows":
        """Give some of them, by position."""
        ends = None if self.ends is None else self.ends.take(rows)
        return Rows(self.table.iloc[rows], ends)


def changed_design(
    formula: ParsedFormula, fitted: Rows, changed: Rows, where: str, name: str
) -> pd.DataFrame:
    """Compute the columns of a formula for other rows, with the state that its own rows gave it.

    What a transform took from the fitted rows (the mean and sd of ``scale``, the levels of ``C``,
    the knots of ``bs``) stays as it was.

    Messages call the formula `where` and the other rows `name`, and a row by its index. The columns
    are those of `data.formulas.design.design_matrix`, float64.
    """
    where = f"{where} = {formula.text!r}"
    with located(where):
        if any(function == "lag" for function, _ in formula.calls):
            raise QueryError("'lag' depends on the order of the rows; it has no other rows")
        # rows are counted from 0: formulaic joins categories to other columns by their index
        table = fitted.table.reset_index(drop=True)
        matrix = model_matrix(formula, table, fitted.ends)
        spec, empty = matrix.model_spec, empty_cells(named_columns(matrix))
    asked = changed.table
    with located(name):
        settled = {
            column: _settled(table[column], asked, levelled=column in formula.levelled)
            for column in formula.used
        }
    other = pd.DataFrame(settled, index=range(len(asked)))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused below
            warnings.simplefilter("error", DataMismatchWarning)  # a level that the fit has not
            data, context = context_of(formula.used, formula.attributes, other, changed.ends)
            matrix = spec.get_model_matrix(data, context=context)
    except Exception as error:  # noqa: BLE001 - a formula's arithmetic can raise anything
        raise QueryError(f"{where}: cannot be computed for {name}: {reason(error)}") from None
    design = named_columns(matrix).set_index(asked.index)
    if len(new := design.index[design[empty].any(axis=1)]):
        raise QueryError(
            f"{name}: {new[0]}: a combination of categories that the fit does not know"
        )
    design = design.drop(columns=empty)
    bad = ~np.isfinite(design.to_numpy())
    if bad.any():
        row, term = np.argwhere(bad)[0]
        raise QueryError(
            f"{name}: {design.index[row]}: the predictor '{design.columns[term]}' is missing or "
            "infinite there; the formula has no value for it"
        )
    return design


def _settled(fitted: pd.Series, changed: pd.DataFrame, *, levelled: bool) -> np.ndarray:
    """Give a column of the other rows as the formula needs it."""
    if fitted.name not in changed:
        raise QueryError(
            f"no column '{fitted.name}', which the formula needs; "
            f"{suggest(str(fitted.name), map(str, changed.columns))}"
        )
    values = changed[fitted.name]
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
            f"{_first(values, missing)}; write "
            f"{'a finite number' if numeric else 'one of the categories that the fit knows'}"
        )
    if levelled or not numeric:
        known = fitted.unique()
        unknown = ~pd.Series(settled).isin(known).to_numpy()
        if unknown.any():
            levels = [f"{level:.15g}" if numeric else str(level) for level in sorted(known)]
            raise QueryError(
                f"{_first(values, unknown)}, a category that the fit does not know; "
                f"{suggest(str(values[unknown].iloc[0]), levels)}"
            )
    return settled


def _first(values: pd.Series, faulty: np.ndarray) -> str:
    found = values[faulty]
    value = "missing" if pd.isna(found.iloc[0]) else f"'{found.iloc[0]}'"
    return f"{found.index[0]}: '{values.name}' is {value}"
