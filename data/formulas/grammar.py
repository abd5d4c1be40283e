"""What a formula may say, checked before any of it is evaluated."""

import ast
import re
from collections.abc import Iterator, Sequence

import numpy as np
from formulaic import Formula, SimpleFormula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS

from data.errors import StudyError, suggest

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


def parse_formula(
    formula: str, columns: Sequence[str], where: str
) -> tuple[SimpleFormula, set[str]]:
    """Read a formula, and refuse what is not arithmetic of the table's columns."""
    if "~" in formula:
        raise StudyError(f"{where}: write one right-hand side, without '~'")
    try:
        parsed = Formula(formula)
    except (FormulaicError, SyntaxError) as error:
        raise StudyError(f"{where}: does not parse: {one_line(error)}") from None
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


def calls(parsed: SimpleFormula, where: str) -> Iterator[tuple[str, str | None]]:
    """Find the functions that a formula calls."""
    for factor in dict.fromkeys(factor for term in parsed for factor in term.factors):
        if factor.eval_method is not Factor.EvalMethod.PYTHON:
            continue
        tree, columns = _tree(factor, where)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                first = next(iter([*node.args, *(each.value for each in node.keywords)]), None)
                name = first.id if isinstance(first, ast.Name) else None
                yield node.func.id, name and columns.get(name, name)


def _names(factor: Factor, where: str) -> set[str]:
    """Give every name in a factor; refuse what is not arithmetic."""
    if factor.eval_method is Factor.EvalMethod.LITERAL:
        return set()
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        return {factor.expr}
    tree, columns = _tree(factor, where)
    foreign = next((node for node in ast.walk(tree) if not _is_arithmetic(node)), None)
    if foreign is not None:
        raise StudyError(
            f"{where}: '{ast.unparse(foreign)}' is not arithmetic; a formula is made of columns, "
            f"operators and {', '.join(FUNCTIONS)}"
        )
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(MODULES)
    return {columns.get(name, name) for name in found}


def _tree(factor: Factor, where: str) -> tuple[ast.Expression, dict[str, str]]:
    """Give a factor's syntax, and the columns that names in it stand for."""
    quoted = dict(enumerate(re.findall(r"`([^`]+)`", factor.expr)))
    code = factor.expr
    for number, column in quoted.items():
        code = code.replace(f"`{column}`", f"quoted_{number}_")
    try:
        tree = ast.parse(code, mode="eval")
    except SyntaxError:
        raise StudyError(f"{where}: '{factor.expr}' does not parse") from None
    return tree, {f"quoted_{number}_": column for number, column in quoted.items()}


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


def one_line(error: BaseException) -> str:
    """Give formulaic's message without colours and newlines."""
    plain = re.sub(r"\x1b\[[0-9;]*m|⧛(\[[0-9;]*m)?|⧚", "", str(error))
    return " ".join(plain.split())
