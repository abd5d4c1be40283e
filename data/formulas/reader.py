"""An expression of a formula, read and held to arithmetic before any of it is evaluated."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from formulaic.transforms import TRANSFORMS

from data.errors import StudyError, suggest
from data.formulas.added import ADDED
from data.formulas.bounds import columns_asked, quoted, refuse_unbounded
from data.formulas.node_terms import NODE_TERMS
from data.roles import CITY, SIDES

EITHER = "either"  # city of an undirected dyad
DIRECTED = (*SIDES, "difference")  # node terms that undirected dyads have not
MODULES = ("np", "contr")  # those of formulaic's names that are no functions
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
class NodeCall:
    """A node term within a factor.

    Attributes
    ----------
    attributes : tuple of str
        The columns of the city table that it is computed from, in the order written.
    bare : tuple of str
        Those that are its arguments as they are.
    levelled : bool
        Whether categories are made of it, though it may hold numbers.
    """

    function: str
    attributes: tuple[str, ...]
    bare: tuple[str, ...] = ()
    levelled: bool = False

    directed: bool = True

    @property
    def sides(self) -> tuple[str, ...]:
        """Whose attributes it takes: the sender's, the receiver's, or those of both."""
        return (self.function,) if self.function in SIDES else SIDES

    @property
    def moved(self) -> dict[str, tuple[str, str]]:
        """What can be changed of it: attribute and side, by the name that outputs give them.

        Of undirected dyads that is the attribute of either city, one after the other: ``either``.
        """
        if not self.directed:
            return {f"{name} (one {CITY})": (name, EITHER) for name in self.attributes}
        return {f"{name} ({side})": (name, side) for name in self.attributes for side in self.sides}


@dataclass(frozen=True)
class ParsedFactor:
    """A factor of a term.

    Attributes
    ----------
    names : tuple of str
        The columns of dyads that it is computed from, in the order written.
    calls : set of (str, str)
        Each function that it calls, with the name that is its first argument, if it is one.
    asked : int
        How many columns one of its calls asks for; 0 where none does.
    """

    names: tuple[str, ...] = ()
    calls: frozenset[tuple[str, str]] = frozenset()
    node_calls: tuple[NodeCall, ...] = ()
    asked: int = 0

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns of the city table that it is computed from, in the order written."""
        return attributes_of(self.node_calls)


def attributes_of(calls: Iterable[NodeCall]) -> tuple[str, ...]:
    """List the columns of the city table that node terms are computed from, each once."""
    return tuple(dict.fromkeys(name for call in calls for name in call.attributes))


@dataclass(frozen=True)
class Columns:
    """The columns that formulas may name: of the table of dyads, and of that of cities.

    Attributes
    ----------
    cities : tuple of str or None
        None where there is no city table.
    has_positions : bool
        Whether the city table says where the cities lie.
    directed : bool
        Whether dyads have a sender and a receiver.
    """

    dyads: tuple[str, ...]
    cities: tuple[str, ...] | None = None
    has_positions: bool = False
    directed: bool = True


def read_expression(text: str, columns: Columns) -> ParsedFactor:
    """Read a Python expression, and refuse what is not arithmetic of the study's columns."""
    marked = enumerate(re.findall(r"`([^`]+)`", text))
    quoted_names = {f"quoted_{number}_": column for number, column in marked}
    code = text
    for name, column in quoted_names.items():
        code = code.replace(f"`{column}`", name)
    try:
        expression = ast.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError):
        raise StudyError(f"'{text}' does not parse") from None
    except (RecursionError, MemoryError):
        raise StudyError("does not parse: too many operators within each other") from None
    for node in ast.walk(expression):
        if not _is_arithmetic(node):
            raise StudyError(
                f"'{quoted(node)}' is not arithmetic; a formula is made of columns, "
                f"operators and {', '.join((*FUNCTIONS, *NODE_TERMS))}"
            )
    refuse_unbounded(expression)
    reader = _Reader(columns, quoted_names)
    reader.visit(expression)
    return ParsedFactor(
        tuple(dict.fromkeys(reader.names)),
        frozenset(reader.calls),
        tuple(reader.node_calls),
        columns_asked(expression),
    )


class _Reader(ast.NodeVisitor):
    """Collects what an expression names: columns of dyads, functions, node terms."""

    def __init__(self, columns: Columns, quoted_names: dict[str, str]) -> None:
        self.columns, self.quoted_names = columns, quoted_names
        self.names: list[str] = []
        self.calls: set[tuple[str, str]] = set()
        self.node_calls: list[NodeCall] = []
        self.within = ""  # the node term that is being read
        self.levelling = False  # whether what is being read stands within C()
        self.attributes: list[str] = []

    def visit_Name(self, node: ast.Name) -> None:
        name = self.quoted_names.get(node.id, node.id)
        if name in MODULES:
            return
        if self.within:
            _refuse_no_attribute(name, self.within, self.columns)
            self.attributes.append(name)
        else:
            refuse_unknown(name, self.columns)
            self.names.append(name)

    def visit_Call(self, node: ast.Call) -> None:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if not isinstance(node.func, ast.Name):
            self.visit(node.func)
        else:
            function = node.func.id
            if function not in (*FUNCTIONS, *NODE_TERMS):
                raise StudyError(
                    f"'{function}' is no column of the table and no function; "
                    f"{suggest(function, (*FUNCTIONS, *NODE_TERMS))}"
                )
            first = given[0].id if given and isinstance(given[0], ast.Name) else ""
            self.calls.add((function, self.quoted_names.get(first, first)))
            if function in NODE_TERMS:
                self._read_node_term(function, node)
                return
        before = self.levelling
        self.levelling |= isinstance(node.func, ast.Name) and node.func.id == "C"
        for argument in given:
            self.visit(argument)
        self.levelling = before

    def _read_node_term(self, function: str, node: ast.Call) -> None:
        if self.within:
            raise StudyError(
                f"'{quoted(node)}' stands within {self.within}(); node terms do not nest"
            )
        if function in DIRECTED and not self.columns.directed:
            raise StudyError(
                f"{function}() is of directed dyads, and these are undirected; write total(), "
                "absdiff(), product(), same() or another node term of both cities"
            )
        term = NODE_TERMS[function]
        if node.keywords or not term.least <= len(node.args) <= term.most:
            known = {0: "nothing", 1: "one column or expression"}
            takes = known.get(term.most, "two columns or more")
            raise StudyError(f"'{quoted(node)}': {function}() takes {takes}")
        if term.is_placed and not self.columns.has_positions:
            raise StudyError(
                f"{function}() needs positions: a city table with columns of latitude and "
                "longitude, under [cities]"
            )
        self.within, self.attributes = function, []
        for argument in node.args:
            before = len(self.attributes)
            self.visit(argument)
            if len(self.attributes) == before:
                raise StudyError(f"'{quoted(node)}': no column of the city table in it")
        bare = [argument.id for argument in node.args if isinstance(argument, ast.Name)]
        self.node_calls.append(
            NodeCall(
                function,
                tuple(dict.fromkeys(self.attributes)),
                tuple(self.quoted_names.get(name, name) for name in bare),
                self.levelling,
                self.columns.directed,
            )
        )
        self.within = ""


def refuse_unknown(name: str, columns: Columns) -> None:
    """Refuse a name that is no column of dyads; say what to write where it is one of cities."""
    if name in columns.dyads:
        return
    if columns.cities and name in columns.cities:
        marked = name if name.isidentifier() else f"`{name}`"
        raise StudyError(
            f"'{name}' is a column of the city table; write sender({marked}), receiver({marked}), "
            f"absdiff({marked}), same({marked}) or another node term"
        )
    raise StudyError(
        f"'{name}' is no column of the table and no function; {suggest(name, columns.dyads)}"
    )


def _refuse_no_attribute(name: str, function: str, columns: Columns) -> None:
    if columns.cities is None:
        raise StudyError(f"{function}() needs a city table; declare one under [cities]")
    if name in columns.cities:
        return
    if name in columns.dyads:
        raise StudyError(
            f"{function}() takes columns of the city table, and '{name}' is one of the dyads; "
            f"write '{name}' alone"
        )
    raise StudyError(
        f"'{name}' in {function}() is no column of the city table; {suggest(name, columns.cities)}"
    )


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
