"""How numbers, intervals, p values and lists are written: one rule each, in every format."""

import math
from collections.abc import Sequence

UNKNOWN = "-"  # where there is no number


def number(value: float, form: str = ".3f") -> str:
    """Write a number, by a format specification."""
    return f"{value:{form}}" if math.isfinite(value) else UNKNOWN


def p_value(value: float) -> str:
    """Write a p value."""
    text = number(value)
    return "<0.001" if text == "0.000" else text


def interval(lower: float, upper: float, form: str = ".3f") -> str:
    """Write an interval, its ends by a format specification."""
    known = math.isfinite(lower) and math.isfinite(upper)
    return f"{lower:{form}} to {upper:{form}}" if known else UNKNOWN


def listed(words: Sequence[str]) -> str:
    """Name several things: a, b and c."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last
