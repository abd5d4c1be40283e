"""Values of earlier periods in a formula: ``lagged(outcome)``, ``lagged_reverse(outcome, 2)``.

A call stands for a column of its own, named as the call is written; the formula that is computed
has that name in the call's place.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import StudyError

LAGGED, REVERSE = "lagged", "lagged_reverse"
CALL = re.compile(rf"(?<![\w.`])(?:{REVERSE}|{LAGGED})\s*\(")
MOST = 1000  # periods


@dataclass(frozen=True)
class Lag:
    """A column of dyads, some periods ago; of the reverse dyad, where so asked."""

    column: str
    periods: int = 1
    reverse: bool = False

    @property
    def name(self) -> str:
        """What the column of its values is called."""
        back = f", {self.periods}" if self.periods > 1 else ""
        return f"{REVERSE if self.reverse else LAGGED}({self.column}{back})"


def with_lags(text: str) -> tuple[str, tuple[Lag, ...]]:
    """Put names of columns in the place of calls, and give what these columns are."""
    found: dict[str, Lag] = {}
    parts, end = [], 0
    for match in CALL.finditer(text):
        if match.start() < end:
            raise StudyError(f"'{text[match.start() :]}' stands within a lag; lags do not nest")
        close = _closing(text, match.end() - 1)
        lag = _lag(text[match.start() : close])
        found[lag.name] = lag
        parts += [text[end : match.start()], f"`{lag.name}`"]
        end = close
    return "".join([*parts, text[end:]]), tuple(found.values())


def without_marks(term: str) -> str:
    """Write a term as the formula does, in which calls of lags are no names of columns."""
    return re.sub(rf"`((?:{REVERSE}|{LAGGED})\([^`]*\))`", r"\1", term)


def _closing(text: str, opening: int) -> int:
    """Find where a parenthesis ends; one past it."""
    depth, quoted = 0, False
    for place in range(opening, len(text)):
        sign = text[place]
        if sign == "`":
            quoted = not quoted
        elif not quoted:
            depth += (sign == "(") - (sign == ")")
            if depth == 0:
                return place + 1
    raise StudyError(f"'{text[opening:]}': a parenthesis is not closed")


def _lag(call: str) -> Lag:
    names = dict(enumerate(re.findall(r"`([^`]+)`", call)))
    code = call
    for number, column in names.items():
        code = code.replace(f"`{column}`", f"quoted_{number}_")
    takes = f"'{call}': a lag takes a column of the dyads and, if not 1, a number of periods"
    try:
        parsed = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError):
        raise StudyError(takes) from None
    if not isinstance(parsed, ast.Call) or not isinstance(parsed.func, ast.Name):
        raise StudyError(takes)
    given, periods = parsed.args, 1
    if len(given) not in (1, 2) or parsed.keywords or not isinstance(given[0], ast.Name):
        raise StudyError(takes)
    if len(given) == 2:
        asked = given[1].value if isinstance(given[1], ast.Constant) else None
        if not isinstance(asked, int) or not 1 <= asked <= MOST:
            raise StudyError(takes)
        periods = int(asked)
    column = given[0].id
    marked = re.fullmatch(r"quoted_(\d+)_", column)
    return Lag(names[int(marked[1])] if marked else column, periods, parsed.func.id == REVERSE)


def finder(
    ends: tuple[np.ndarray, np.ndarray], period: np.ndarray, cities: int
) -> Callable[[Lag], np.ndarray]:
    """Give a function: a lag to the position of the row that holds each row's value, or -1.

    Parameters
    ----------
    ends : tuple of numpy.ndarray
        Positions of both cities of each row.
    period : numpy.ndarray
        The position of each row's period.
    """
    i, j = (end.astype(np.int64) for end in ends)
    length = int(period.max()) + 1 if len(period) else 1
    rows = pd.Index((i * cities + j) * length + period)

    def found(lag: Lag) -> np.ndarray:
        one, other = (j, i) if lag.reverse else (i, j)
        before = period - lag.periods
        places = rows.get_indexer((one * cities + other) * length + before)
        return np.where(before >= 0, places, -1)

    return found


def lagged_column(column: pd.Series, places: np.ndarray, name: str) -> pd.Series:
    """Take values from the rows that hold them; missing where there is none."""
    values = column.to_numpy()[np.maximum(places, 0)]
    nothing = np.nan if pd.api.types.is_numeric_dtype(column) else None
    return pd.Series(np.where(places >= 0, values, nothing), column.index, name=name)
