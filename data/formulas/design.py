"""A formula and a checked table -> one part's design matrix."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from formulaic import ModelMatrix, SimpleFormula
from scipy.linalg import qr

from data.errors import StudyError, rows
from data.formulas.grammar import ADDED, one_line, parse_formula
from data.tables.dyad_table import settle_column

LARGEST, SMALLEST = 1e100, 1e-100  # squares of predictors stay within floating point


def design_matrix(
    formula: str, table: pd.DataFrame, outcome: str, where: str, name: str
) -> pd.DataFrame:
    """Compute the columns of a formula."""
    where = f"{where} = {formula!r}"
    parsed, used = parse_formula(formula, table.columns.tolist(), where)
    if outcome in used:
        raise StudyError(f"{where}: the outcome '{outcome}' cannot predict itself")
    settled = table.assign(**{column: settle_column(table[column], name) for column in used})
    for column in used:
        if (settled[column] == settled[column].iloc[0]).all():
            raise StudyError(f"{where}: the predictor '{column}' is constant; remove it")
    matrix = model_matrix(parsed, settled, where)
    if "Intercept" not in matrix:
        raise StudyError(f"{where}: removes the intercept; every part has one, so take it back")
    lost = [term for term, at in matrix.model_spec.term_indices.items() if not at]
    if lost:
        raise StudyError(f"{where}: '{lost[0]}' gives no column; it is constant, so remove it")
    design = named_columns(matrix)
    if not design.empty:
        _refuse_unusable(design, where, name)
    return design


def raw_columns(
    formulas: Mapping[str, str], table: pd.DataFrame, name: str, declared: str
) -> pd.DataFrame:
    """Give the columns that formulas use, settled."""
    columns = table.columns.tolist()
    used: set[str] = set()
    for part, formula in formulas.items():
        where = f"{declared}: [formula] {part} = {formula!r}"
        used |= parse_formula(formula, columns, where)[1]
    return pd.DataFrame(
        {column: settle_column(table[column], name) for column in columns if column in used},
        index=table.index,
    )


def model_matrix(parsed: SimpleFormula, table: pd.DataFrame, where: str) -> ModelMatrix:
    """Let formulaic compute a formula."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused later
            return parsed.get_model_matrix(table, context=ADDED, na_action="ignore")
    except Exception as error:  # noqa: BLE001 - a formula's arithmetic can raise anything
        raise StudyError(f"{where}: cannot be computed: {one_line(error)}") from None


def named_columns(matrix: ModelMatrix) -> pd.DataFrame:
    """Name the columns of a formula as the project does."""
    design = pd.DataFrame(matrix).drop(columns="Intercept").astype(float)
    # a category that is a whole number reads as it stands in the table: C(year)[T.2021]
    design.columns = design.columns.str.replace(r"\[T\.(-?\d+)\.0\]", r"[T.\1]", regex=True)
    return design


def _refuse_unusable(design: pd.DataFrame, where: str, name: str) -> None:
    bad = pd.DataFrame(~np.isfinite(design.to_numpy()), design.index, design.columns)
    if bad.to_numpy().any():
        term = str(bad.any().idxmax())
        at = rows([int(row) for row in bad.index[bad[term]]])
        raise StudyError(
            f"{name}: {at}: the predictor '{term}' is missing or infinite; "
            "mend the rows, or the formula"
        )
    size = design.abs().max()
    beyond = size.index[(size > LARGEST) | ((size > 0) & (size < SMALLEST))]
    if len(beyond):
        raise StudyError(
            f"{where}: the predictor '{beyond[0]}' reaches {size[beyond[0]]:.3g}, beyond what can "
            "be computed with; change its unit"
        )
    spread = design.std(ddof=1)
    constant = spread.index[~(spread > 1e-12 * size)]
    if len(constant):
        raise StudyError(f"{where}: the predictor '{constant[0]}' is constant; remove it")
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
            f"{where}: the predictor '{design.columns[dependent]}' is collinear with "
            f"{', '.join(named)}; remove one"
        )
