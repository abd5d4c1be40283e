"""What a formula may say, checked before any of it is evaluated."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from formulaic import Formula, SimpleFormula
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS

from data.errors import StudyError
from data.formulas.bounds import refuse_deep, refuse_unending
from data.formulas.lags import with_lags
from data.formulas.reader import (
    Columns,
    NodeCall,
    ParsedFactor,
    attributes_of,
    read_expression,
    refuse_unknown,
)

# functions of formulaic's whose value at a row depends on that row alone
ROW_BY_ROW = ("I", "log", "log10", "log2", "exp", "exp10", "exp2")


@dataclass(frozen=True)
class ParsedFormula:
    """A formula that is arithmetic of columns of dyads and of cities.

    Attributes
    ----------
    used : tuple of str
        The columns of dyads that it is computed from, in the order of its terms.
    factors : tuple of tuple of ParsedFactor
        Those of each term.
    """

    text: str
    terms: SimpleFormula
    used: tuple[str, ...]
    factors: tuple[tuple[ParsedFactor, ...], ...]

    @property
    def calls(self) -> set[tuple[str, str]]:
        return {call for term in self.factors for factor in term for call in factor.calls}

    @property
    def node_calls(self) -> tuple[NodeCall, ...]:
        return tuple(call for term in self.factors for factor in term for call in factor.node_calls)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns of the city table that it is computed from, in the order of its terms."""
        return attributes_of(self.node_calls)

    @property
    def levelled(self) -> frozenset[str]:
        """The columns of which it makes categories, though they may hold numbers."""
        return frozenset(
            column for function, column in self.calls if function == "C" and column in self.used
        )


def parse_formula(text: str, columns: Columns) -> ParsedFormula:
    """Read a formula, and refuse what is not arithmetic of the study's columns."""
    if "~" in text:
        raise StudyError("write one right-hand side, without '~'")
    columned, _ = with_lags(text)
    try:
        refuse_unending(columned)
        terms = Formula(columned)
    except StudyError:
        raise
    except (RecursionError, MemoryError):
        raise StudyError("does not parse: too many operators within each other") from None
    except Exception as error:  # noqa: BLE001 - formulaic's parser can raise anything
        raise StudyError(f"does not parse: {one_line(error)}") from None
    if not isinstance(terms, SimpleFormula):
        raise StudyError("write one right-hand side, without '|'")
    distinct = dict.fromkeys(factor for term in terms for factor in term.factors)
    read = {factor: _read(factor, columns) for factor in distinct}
    _refuse_two_meanings(read.values())
    factors = tuple(tuple(read[factor] for factor in term.factors) for term in terms)
    used = tuple(dict.fromkeys(name for factor in read.values() for name in factor.names))
    return ParsedFormula(text, terms, used, factors)


def parse_expression(text: str, columns: Columns) -> ParsedFactor:
    """Read an expression that computes one column, and refuse what is not arithmetic.

    Raises
    ------
    StudyError
        It is too long or too deep, is no arithmetic of the columns, or calls a function whose
        value at a row depends on the other rows.
    """
    refuse_deep(text)
    factor = read_expression(with_lags(text)[0], columns)
    for function, _ in sorted(factor.calls):
        if function in TRANSFORMS and function not in ROW_BY_ROW:
            raise StudyError(
                f"'{function}' depends on all rows; compute it in [formula], of the predictor"
            )
    _refuse_two_meanings([factor])
    return factor


def _refuse_two_meanings(factors: Iterable[ParsedFactor]) -> None:
    """Refuse a name that stands for a column of dyads here, and for something else there."""
    read = list(factors)
    names = {name for factor in read for name in factor.names}
    others = {name: "a column of the city table" for factor in read for name in factor.attributes}
    others |= {function: "a function" for factor in read for function, _ in factor.calls}
    for name in sorted(names & set(others)):
        raise StudyError(
            f"'{name}' is a column of the dyads here and {others[name]} there; rename the column"
        )


def _read(factor: Factor, columns: Columns) -> ParsedFactor:
    """Read a factor, and refuse what is not arithmetic."""
    if factor.eval_method is Factor.EvalMethod.LITERAL:
        return ParsedFactor()
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        refuse_unknown(factor.expr, columns)
        return ParsedFactor((factor.expr,))
    return read_expression(factor.expr, columns)


def one_line(error: BaseException) -> str:
    """Give formulaic's message without colours and newlines."""
    plain = re.sub(r"\x1b\[[0-9;]*m|⧛(\[[0-9;]*m)?|⧚", "", str(error))
    return " ".join(plain.split())
