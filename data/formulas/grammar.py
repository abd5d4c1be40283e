"""What a formula may say, checked before any of it is evaluated."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from formulaic import Formula, SimpleFormula
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS

from data.errors import StudyError, suggest
from data.formulas.bounds import columns_asked, quoted, refuse_unbounded, refuse_unending

MODULES = ("np", "contr")  # those of formulaic's names that are no functions
ADDED = {"abs": np.abs, "log1p": np.log1p, "sqrt": np.sqrt}
FUNCTIONS = tuple(name for name in {**TRANSFORMS, **ADDED} if name not in (*MODULES, "Q"))
# What a formula may be made of. A study comes from elsewhere: its formulas compute, and nothing
# else that Python could do.
GRAMMAR = (
    *(ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.Attribute),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop),
    *(ast.BoolOp, ast.boolop, ast.List, ast.Tuple),
)


@dataclass(frozen=True)
class ParsedFactor:
    """A factor of a term.

    Attributes
    ----------
    calls : set of (str, str)
        Each function that it calls, with the name that is its first argument, if it is one.
    asked : int
        How many columns one of its calls asks for; 0 where none does.
    """

    names: set[str] = field(default_factory=set)
    calls: set[tuple[str, str]] = field(default_factory=set)
    asked: int = 0


@dataclass(frozen=True)
class ParsedFormula:
    """A formula that is arithmetic of a table's columns.

    Attributes
    ----------
    factors : tuple of tuple of ParsedFactor
        Those of each term.
    """

    text: str
    terms: SimpleFormula
    used: frozenset[str]
    factors: tuple[tuple[ParsedFactor, ...], ...]

    @property
    def calls(self) -> set[tuple[str, str]]:
        return {call for term in self.factors for factor in term for call in factor.calls}

    @property
    def levelled(self) -> frozenset[str]:
        """The columns of which it makes categories, though they may hold numbers."""
        return self.used & {column for function, column in self.calls if function == "C"}


def parse_formula(text: str, columns: Iterable[str]) -> ParsedFormula:
    """Read a formula, and refuse what is not arithmetic of the table's columns."""
    if "~" in text:
        raise StudyError("write one right-hand side, without '~'")
    try:
        refuse_unending(text)
        terms = Formula(text)
    except StudyError:
        raise
    except (RecursionError, MemoryError):
        raise StudyError("does not parse: too many operators within each other") from None
    except Exception as error:  # noqa: BLE001 - formulaic's parser can raise anything
        raise StudyError(f"does not parse: {one_line(error)}") from None
    if not isinstance(terms, SimpleFormula):
        raise StudyError("write one right-hand side, without '|'")
    known = list(columns)
    read = {factor: _read(factor) for factor in {each for term in terms for each in term.factors}}
    names = {name for factor in read.values() for name in factor.names}
    if unknown := sorted(names - {*known, *FUNCTIONS}):
        raise StudyError(
            f"'{unknown[0]}' is no column of the table and no function; "
            f"{suggest(unknown[0], known)}"
        )
    factors = tuple(tuple(read[factor] for factor in term.factors) for term in terms)
    return ParsedFormula(text, terms, frozenset(names & set(known)), factors)


def _read(factor: Factor) -> ParsedFactor:
    """Read a factor, and refuse what is not arithmetic."""
    if factor.eval_method is Factor.EvalMethod.LITERAL:
        return ParsedFactor()
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        return ParsedFactor({factor.expr})
    marked = enumerate(re.findall(r"`([^`]+)`", factor.expr))
    columns = {f"quoted_{number}_": column for number, column in marked}
    code = factor.expr
    for name, column in columns.items():
        code = code.replace(f"`{column}`", name)
    try:
        expression = ast.parse(code, mode="eval")
    except SyntaxError:
        raise StudyError(f"'{factor.expr}' does not parse") from None
    names, calls = set(), set()
    for node in ast.walk(expression):
        if not _is_arithmetic(node):
            raise StudyError(
                f"'{quoted(node)}' is not arithmetic; a formula is made of columns, "
                f"operators and {', '.join(FUNCTIONS)}"
            )
        match node:
            case ast.Name(id=name) if name not in MODULES:
                names.add(columns.get(name, name))
            case ast.Call(func=ast.Name(id=function)):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                name = given[0].id if given and isinstance(given[0], ast.Name) else ""
                calls.add((function, columns.get(name, name)))
    refuse_unbounded(expression)
    return ParsedFactor(names, calls, columns_asked(expression))


def _is_arithmetic(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="np"), attr=function):
            return isinstance(getattr(np, function, None), np.ufunc)
        case ast.Attribute(value=ast.Name(id="contr"), attr=coding):
            return not coding.startswith("_")
        case ast.Attribute():
            return False
        case ast.BinOp(op=operator):
            return isinstance(operator, GRAMMAR)
        case ast.Call(func=function):
            return isinstance(function, ast.Name | ast.Attribute)
    return isinstance(node, GRAMMAR)


def one_line(error: BaseException) -> str:
    """Give formulaic's message without colours and newlines."""
    plain = re.sub(r"\x1b\[[0-9;]*m|⧛(\[[0-9;]*m)?|⧚", "", str(error))
    return " ".join(plain.split())
