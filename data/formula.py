"""A formula and a checked table -> one part's design matrix."""

import ast
import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from formulaic import Formula, SimpleFormula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from scipy.linalg import qr

from data.errors import StudyError, rows, suggest
from data.table import settle_column

MODULES = ("np", "contr")  # those of formulaic's names that are no functions
ADDED = {"abs": np.abs, "log1p": np.log1p, "sqrt": np.sqrt}
FUNCTIONS = tuple(name for name in {**TRANSFORMS, **ADDED} if name not in (*MODULES, "Q"))
# What a formula may be made of. A study comes from elsewhere: its formulas compute, and nothing
# else that Python could do.
GRAMMAR = (
    *(ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.Attribute),
    *(ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop),
    *(ast.BoolOp, ast.boolop, ast.List, ast.Tuple),
)
LARGEST, SMALLEST = 1e100, 1e-100  # squares of predictors stay within floating point


def design_matrix(
    formula: str, table: pd.DataFrame, outcome: str, where: str, name: str
) -> pd.DataFrame:
    """Compute the columns of a formula.

    Parameters
    ----------
    formula : str
        A right-hand side in formulaic's language.
    table : pandas.DataFrame
        Checked rows, as `data.table.read_table` returns them.
    outcome : str
        The column that is to be explained.
    where : str
        What messages call the formula.
    name : str
        What messages call the table.

    Returns
    -------
    pandas.DataFrame
        float64, a row a dyad, a column a term, without the intercept.

    Raises
    ------
    StudyError
        The formula does not parse, uses an unknown name or the outcome, removes the intercept,
        or gives a missing, infinite, constant or collinear predictor.
    """
    where = f"{where} = {formula!r}"
    parsed, used = _parse(formula, table.columns.tolist(), where)
    if outcome in used:
        raise StudyError(f"{where}: the outcome '{outcome}' cannot predict itself")
    settled = table.assign(**{column: settle_column(table[column], name) for column in used})
    for column in used:
        if (settled[column] == settled[column].iloc[0]).all():
            raise StudyError(f"{where}: the predictor '{column}' is constant; remove it")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused below
            matrix = parsed.get_model_matrix(settled, context=ADDED, na_action="ignore")
    except Exception as error:  # noqa: BLE001 - a formula's arithmetic can raise anything
        raise StudyError(f"{where}: cannot be computed: {_one_line(error)}") from None
    design = pd.DataFrame(matrix)
    if "Intercept" not in design:
        raise StudyError(f"{where}: removes the intercept; every part has one, so take it back")
    lost = [term for term, at in matrix.model_spec.term_indices.items() if not at]
    if lost:
        raise StudyError(f"{where}: '{lost[0]}' gives no column; it is constant, so remove it")
    design = design.drop(columns="Intercept").astype(float)
    # a category that is a whole number reads as it stands in the table: C(year)[T.2021]
    design.columns = design.columns.str.replace(r"\[T\.(-?\d+)\.0\]", r"[T.\1]", regex=True)
    if not design.empty:
        _refuse_unusable(design, where, name)
    return design


def _parse(formula: str, columns: Sequence[str], where: str) -> tuple[SimpleFormula, set[str]]:
    if "~" in formula:
        raise StudyError(f"{where}: write one right-hand side, without '~'")
    try:
        parsed = Formula(formula)
    except (FormulaicError, SyntaxError) as error:
        raise StudyError(f"{where}: does not parse: {_one_line(error)}") from None
    if not isinstance(parsed, SimpleFormula):
        raise StudyError(f"{where}: write one right-hand side, without '|'")
    used: set[str] = set()
    for factor in dict.fromkeys(factor for term in parsed for factor in term.factors):
        names = _names(factor, where)
        used |= names & set(columns)
        unknown = sorted(names - set(columns) - set(FUNCTIONS))
        if unknown:
            raise StudyError(
                f"{where}: '{unknown[0]}' is no column of the table and no function; "
                f"{suggest(unknown[0], columns)}"
            )
    return parsed, used


def _names(factor: Factor, where: str) -> set[str]:
    """Give every name in a factor; refuse what is not arithmetic."""
    if factor.eval_method is Factor.EvalMethod.LITERAL:
        return set()
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        return {factor.expr}
    quoted = dict(enumerate(re.findall(r"`([^`]+)`", factor.expr)))
    code = factor.expr
    for number, column in quoted.items():
        code = code.replace(f"`{column}`", f"quoted_{number}_")
    try:
        tree = ast.parse(code, mode="eval")
    except SyntaxError:
        raise StudyError(f"{where}: '{factor.expr}' does not parse") from None
    foreign = next((node for node in ast.walk(tree) if not _is_arithmetic(node)), None)
    if foreign is not None:
        raise StudyError(
            f"{where}: '{ast.unparse(foreign)}' is not arithmetic; a formula is made of columns, "
            f"operators and {', '.join(FUNCTIONS)}"
        )
    columns = {f"quoted_{number}_": column for number, column in quoted.items()}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(MODULES)
    return {columns.get(name, name) for name in found}


def _is_arithmetic(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="np"), attr=function):
            return isinstance(getattr(np, function, None), np.ufunc)
        case ast.Attribute(value=ast.Name(id="contr"), attr=coding):
            return not coding.startswith("_")
        case ast.Attribute():
            return False
        case ast.Call(func=function):
            return isinstance(function, ast.Name | ast.Attribute)
    return isinstance(node, GRAMMAR)


def _one_line(error: BaseException) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m|⧛(\[[0-9;]*m)?|⧚", "", str(error))
    return " ".join(plain.split())


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
