"""Functions that formulas may call beside formulaic's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def signif(x: Any, digits: int = 6) -> pd.Series:
    """Round to significant digits, as R's function of this name does."""
    digits = min(max(int(digits), 1), 17)
    column = pd.Series(x)
    return column.map(lambda value: float(f"{value:.{digits}g}"))


def round_to(x: Any, digits: int = 0) -> Any:
    """Round to decimals."""
    return np.round(x, digits)


ADDED: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "round": round_to,
    "signif": signif,
}
