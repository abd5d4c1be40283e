"""How much a formula may ask for, held before any of it is computed.

A study comes from somebody else. Its formulas must end, and must not fill the memory.
"""

import ast
import math
from inspect import signature

from formulaic.parser import DefaultFormulaParser
from formulaic.parser.types import ASTNode
from formulaic.transforms import TRANSFORMS

from data.errors import StudyError

LONGEST = 10_000  # characters
DEEPEST = 20  # brackets within brackets
COMBINED = 10_000  # terms that operators make of terms, before equal ones are put together
COLUMNS = 1000  # of a part's design matrix
EXPONENT = 10
EXACT = 2**53  # whole numbers up to which floating point is exact
# arguments that say how many columns a function makes, and the most that they may
ASKING = {"degree": 20, "df": 100, "levels": 1000}
ASKED = ("poly", "bs", "cc", "cr", "cs", "hashed")  # functions that have such arguments
QUOTED = 60  # characters of a message's quotation
HOLDERS = (ast.Call, ast.keyword, ast.List, ast.Tuple, ast.Compare)  # of what is no number


def refuse_unending(text: str) -> None:
    """Refuse a formula whose parsing would not end.

    Raises
    ------
    StudyError
        It is too long or too deep, or its operators make too many terms.
    """
    refuse_deep(text)
    if (made := _combined(DefaultFormulaParser().get_ast(text))) > COMBINED:
        raise StudyError(f"makes {made} combinations of terms; at most {COMBINED}")


def refuse_deep(text: str) -> None:
    """Refuse what is too long or too deep to be parsed."""
    if len(text) > LONGEST:
        raise StudyError(f"has {len(text)} characters; at most {LONGEST}")
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise StudyError(f"has {deepest} brackets within each other; at most {DEEPEST}")


def _combined(formula: object) -> int:
    """Count the terms that a formula's operators make of terms: at least as many as there are."""
    nodes, waiting = [], [formula]
    while waiting:  # no recursion: a sum of a thousand terms is as deep
        if isinstance(node := waiting.pop(), ASTNode):
            nodes.append(node)
            waiting.extend(node.args)
    made: dict[int, int] = {}
    for node in reversed(nodes):
        of = [made.get(id(each), 1) for each in node.args]
        symbol = node.operator.symbol
        if symbol in ("**", "^"):
            made[id(node)] = of[0] ** _exponent(str(list(node.args)[1]))
        elif symbol in ("*", "/"):
            made[id(node)] = sum(of) + math.prod(of)
        else:
            made[id(node)] = math.prod(of) if symbol in (":", "in") else sum(of)
        if made[id(node)] > COMBINED:
            return made[id(node)]
    return made.get(id(formula), 1)


def _exponent(written: str) -> int:
    if written.isascii() and written.isdigit() and len(written) <= len(str(EXPONENT)):
        exponent = int(written)
        if 1 <= exponent <= EXPONENT:
            return exponent
    raise StudyError(f"raises terms to '{written}'; write a whole number from 1 to {EXPONENT}")


def refuse_unbounded(factor: ast.AST) -> None:
    """Refuse numbers and powers that Python, which has no largest number, would not end with.

    Raises
    ------
    StudyError
        A literal is no finite number up to 2^53, nor a text or a list that a function is called
        with; a power is of numbers alone, or its exponent is no number up to 10.
    """
    for node in ast.walk(factor):
        match node:
            case ast.Constant(value=value) if not _is_literal(value):
                raise StudyError(f"'{quoted(node)}' is not a number that can be computed with")
            case ast.BinOp(op=ast.Pow()):
                _refuse_power(node)
        if isinstance(node, HOLDERS):
            continue
        for child in ast.iter_child_nodes(node):
            is_text = isinstance(child, ast.Constant) and isinstance(child.value, str | None)
            if is_text or isinstance(child, ast.List | ast.Tuple):
                raise StudyError(f"'{quoted(child)}' is not a number")


def quoted(node: ast.AST) -> str:
    """Write a part of a formula as a message quotes it."""
    text = ast.unparse(node)
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"


def _is_literal(value: object) -> bool:
    match value:
        case bool() | str() | None:
            return True
        case int():
            return abs(value) <= EXACT
        case float():
            return math.isfinite(value)
    return False


def _refuse_power(node: ast.BinOp) -> None:
    exponent = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    number = exponent.value if isinstance(exponent, ast.Constant) else None
    if not isinstance(number, int | float) or abs(number) > EXPONENT:
        raise StudyError(f"'{quoted(node)}': write an exponent from -{EXPONENT} to {EXPONENT}")
    if not any(isinstance(each, ast.Name) for each in ast.walk(node.left)):
        raise StudyError(f"'{quoted(node)}' is a power of numbers alone; write its value")


def columns_asked(factor: ast.AST) -> int:
    """Tell how many columns a call of a factor asks for; 0 where none does.

    Raises
    ------
    StudyError
        A ``degree``, ``df`` or number of ``levels`` is too large, or no number.
    """
    asked = 0
    for node in ast.walk(factor):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id not in ASKED:
            continue
        names = signature(TRANSFORMS[node.func.id]).parameters
        given = dict(zip(names, node.args, strict=False))
        given |= {each.arg: each.value for each in node.keywords if each.arg}
        for name, most in ASKING.items():
            match given.get(name):
                case None | ast.Constant(value=None):
                    pass
                case ast.Constant(value=int(value)) if 0 <= value <= most:
                    asked = max(asked, value)
                case other:
                    raise StudyError(
                        f"'{quoted(node)}': {name} is '{quoted(other)}'; "
                        f"write a whole number up to {most}"
                    )
    return asked
