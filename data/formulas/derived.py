"""Predictors that a study computes when it is read, named under `[predictors]`."""

import warnings

import numpy as np
import pandas as pd
from formulaic.transforms import TRANSFORMS
from formulaic.utils.layered_mapping import LayeredMapping
from formulaic.utils.stateful_transforms import stateful_eval

from data.errors import RowError, StudyError, rows
from data.formulas.design import context_of, reason
from data.formulas.lags import with_lags
from data.formulas.node_terms import Ends
from data.formulas.reader import NodeCall, ParsedFactor
from data.tables.rules import is_missing


def derived_column(
    name: str, text: str, parsed: ParsedFactor, table: pd.DataFrame, ends: Ends | None
) -> pd.Series:
    """Compute a predictor, a value a row; it is missing where something that it needs is.

    Parameters
    ----------
    parsed : ParsedFactor
        What `text` says.
    table : pandas.DataFrame
        A row a directed dyad; the columns that are used are settled.

    Raises
    ------
    StudyError
        It cannot be computed, or is no column.
    RowError
        It has no value in a row that lacks nothing.
    """
    data, context = context_of(parsed.names, parsed.attributes, table, ends)
    names = LayeredMapping({column: data[column] for column in data}, context, TRANSFORMS)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused below
            values = stateful_eval(with_lags(text)[0].strip(), names, {}, {}, None)
            column = pd.Series(np.asarray(values), index=table.index, name=name)
    except Exception as error:  # noqa: BLE001 - arithmetic can raise anything
        raise StudyError(f"cannot be computed: {reason(error)}") from None
    lacking = lacks(parsed.names, parsed.node_calls, table, ends)
    if column.dtype.kind in "biuf":
        column = column.astype(float)
        faulty = ~np.isfinite(column.to_numpy()) & ~lacking
        if faulty.any():
            raise RowError(
                f"{rows(table.index[faulty].tolist())}: the predictor '{name}' is missing or "
                "infinite; mend the rows, or its expression"
            )
        return column.mask(lacking)
    if not column[~lacking].map(lambda value: isinstance(value, str)).all():
        raise StudyError("gives neither numbers nor text")
    return column.astype(object).where(~lacking, None)


def lacks(
    names: tuple[str, ...],
    calls: tuple[NodeCall, ...],
    table: pd.DataFrame,
    ends: Ends | None,
) -> np.ndarray:
    """Tell which rows lack something that a formula needs of them or of their cities."""
    lacking = np.zeros(len(table), dtype=bool)
    for name in names:
        lacking |= is_missing(table[name]).to_numpy()
    if ends is None:  # there are no node terms then
        return lacking
    for call in calls:
        for attribute in call.attributes:
            of_city = is_missing(ends.cities[attribute]).to_numpy()
            for side in call.sides:
                lacking |= of_city[getattr(ends, side)]
    return lacking
