"""A formula and a checked table -> one part's design matrix."""

import warnings
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelMatrix
from scipy.linalg import qr

from data.errors import RowError, StudyError, rows
from data.formulas.added import ADDED
from data.formulas.bounds import COLUMNS
from data.formulas.grammar import ParsedFormula, one_line
from data.formulas.lags import without_marks
from data.formulas.node_terms import Ends
from data.formulas.reader import ParsedFactor

LARGEST, SMALLEST = 1e100, 1e-100  # squares of predictors stay within floating point


def design_matrix(
    formula: ParsedFormula, table: pd.DataFrame, ends: Ends | None = None
) -> pd.DataFrame:
    """Compute the columns of a formula, of a table in which those that it uses are settled.

    Parameters
    ----------
    ends : Ends, optional
        The cities of each row, with the attributes that the formula's node terms use.
    """
    for column in sorted(formula.used):
        if (table[column] == table[column].iloc[0]).all():
            raise StudyError(f"the predictor '{column}' is constant; remove it")
    _refuse_wide(formula, table, ends)
    matrix = model_matrix(formula, table, ends)
    if "Intercept" not in matrix:
        raise StudyError("removes the intercept; every part has one, so take it back")
    lost = [term for term, at in matrix.model_spec.term_indices.items() if not at]
    if lost:
        raise StudyError(f"'{lost[0]}' gives no column; it is constant, so remove it")
    design = named_columns(matrix)
    design = design.drop(columns=empty_cells(design))
    if not design.empty:
        _refuse_unusable(design)
    return design


def empty_cells(design: pd.DataFrame) -> list[str]:
    """Name the combinations of categories that no row has, whose columns are zeros."""
    combined = [str(name) for name in design if str(name).count("[") > 1]
    return [name for name in combined if not design[name].any()]


def _refuse_wide(formula: ParsedFormula, table: pd.DataFrame, ends: Ends | None) -> None:
    """Refuse a formula that makes more columns than can be held."""
    categories = {
        column: int(table[column].nunique())
        for column in formula.used
        if column in formula.levelled or not pd.api.types.is_numeric_dtype(table[column])
    }
    columns = sum(
        prod(factor.asked or _levels(factor, categories, ends) for factor in factors)
        for factors in formula.factors
    )
    if columns > COLUMNS:
        raise StudyError(f"makes {columns} columns; at most {COLUMNS}")


def _levels(factor: ParsedFactor, categories: Mapping[str, int], ends: Ends | None) -> int:
    levels = prod(categories.get(name, 1) for name in factor.names)
    if ends is None:
        return levels
    makes_categories = any(function == "C" for function, _ in factor.calls)
    own = {name for call in factor.node_calls if len(call.sides) == 1 for name in call.bare}
    return levels * prod(
        int(ends.cities[name].nunique())
        for name in own
        if makes_categories or not pd.api.types.is_numeric_dtype(ends.cities[name])
    )


def context_of(
    names: Sequence[str], attributes: tuple[str, ...], table: pd.DataFrame, ends: Ends | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Give the columns of dyads that a formula names, and what its other names stand for."""
    of_nodes = ends.context(attributes, table.index) if ends is not None else {}
    return table[list(names)], {**ADDED, **of_nodes}


def model_matrix(formula: ParsedFormula, table: pd.DataFrame, ends: Ends | None) -> ModelMatrix:
    """Let formulaic compute a formula."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused later
            data, context = context_of(formula.used, formula.attributes, table, ends)
            matrix = formula.terms.get_model_matrix(data, context=context, na_action="ignore")
            matrix.astype(float)  # refuses text that the formula itself holds
    except Exception as error:  # noqa: BLE001 - a formula's arithmetic can raise anything
        raise StudyError(f"cannot be computed: {reason(error)}") from None
    return matrix


def reason(error: BaseException) -> str:
    """Say why a formula cannot be computed: in a node term's own words, if it was one's."""
    for cause in (error, error.__cause__ or error.__context__):
        if isinstance(cause, StudyError):
            return str(cause)
    return one_line(error)


def named_columns(matrix: ModelMatrix) -> pd.DataFrame:
    """Name the columns of a formula as the project does."""
    design = pd.DataFrame(matrix).drop(columns="Intercept").astype(float)
    # a category that is a whole number reads as it stands in the table: C(year)[T.2021]
    names = design.columns.str.replace(r"\[T\.(-?\d+)\.0\]", r"[T.\1]", regex=True)
    design.columns = names.map(without_marks)
    return design


def _refuse_unusable(design: pd.DataFrame) -> None:
    bad = pd.DataFrame(~np.isfinite(design.to_numpy()), design.index, design.columns)
    if bad.to_numpy().any():
        term = str(bad.any().idxmax())
        at = rows(bad.index[bad[term]].tolist())
        raise RowError(
            f"{at}: the predictor '{term}' is missing or infinite; mend the rows, or the formula"
        )
    size = design.abs().max()
    beyond = size.index[(size > LARGEST) | ((size > 0) & (size < SMALLEST))]
    if len(beyond):
        raise StudyError(
            f"the predictor '{beyond[0]}' reaches {size[beyond[0]]:.3g}, beyond what can "
            "be computed with; change its unit"
        )
    spread = design.std(ddof=1)
    constant = spread.index[~(spread > 1e-12 * size)]
    if len(constant):
        raise StudyError(f"the predictor '{constant[0]}' is constant; remove it")
    standard = ((design - design.mean()) / spread).to_numpy()
    _, triangle, order = qr(standard, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal >= 1e-8 * diagonal[0]).sum())
    if rank < design.shape[1]:
        independent, dependent = order[:rank], order[rank]
        weights = np.linalg.lstsq(standard[:, independent], standard[:, dependent], rcond=None)[0]
        named = [
            str(design.columns[independent[k]]) for k in np.flatnonzero(np.abs(weights) > 1e-6)
        ]
        raise StudyError(
            f"the predictor '{design.columns[dependent]}' is collinear with "
            f"{', '.join(named)}; remove one"
        )
