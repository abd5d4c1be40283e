"""Effects in plain units: what a change of one predictor does to probabilities and counts."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis.posterior.new_values import (
    Fitted,
    checked_draws,
    designs,
    dyad_position,
    provenance,
    take_apart,
)
from analysis.posterior.summary import describe
from data.errors import QueryError
from models.inference.predictive import BLOCK, family_arguments, thinned
from models.likelihood.outcomes import outcomes

DRAWS = 1000
COLUMNS = ["mean", "sd", "lower", "upper", "p_positive"]
INDEX = ["predictor", "change", "quantity"]


def marginal_effects(
    fit: xr.DataTree,
    *,
    dyad: str | None = None,
    predictors: Collection[str] | None = None,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Compute what a change of each predictor does to what dyads can expect.

    A predictor is a column of the table, not a term of a formula: interactions, logarithms and
    polynomials of it move together, in both parts. One change is made for all dyads at once, all
    else is held as observed (city and pair effects, random slopes and exposure included), and the
    changes of the outcome are averaged over the dyads.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    dyad : str, optional
        One directed dyad, ``sender -> receiver``, in place of the average over all. The size of
        the change stays that of all dyads.
    predictors : collection of str, optional
        The columns to change; all that the model uses by default. Others are passed over.
    draws : int
        How many posterior draws to use at most, evenly spaced along the chains.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``predictor``, ``change`` and ``quantity``. Changes: ``+1 sd (0.83)`` of a
        numeric column (sd over the dyads, ddof 1), ``0 -> 1`` of one that holds zeros and ones,
        ``b instead of a`` for each category against the first. Quantities: those of
        `models.likelihood.outcomes.outcomes` that the family has. Columns: ``mean``, ``sd``,
        ``lower`` and ``upper`` (89 % equal-tailed interval) of the change, in probabilities or
        counts, and ``p_positive``, the posterior probability that it is positive (NaN where a
        predictor is no part of what determines the quantity, so that the change is 0 exactly). All
        NaN where a formula has no value for the changed predictor, as a spline has none beyond its
        data. ``attrs`` says how many ``draws`` were used, which ``dyads``, which columns are
        ``synthetic``, and whether the fit ``passed`` its diagnostics.

    Raises
    ------
    QueryError
        There is no such dyad, or a number of draws below 2 is asked for.
    ResultsError
        The fit is from before fits held their raw predictors.

    Notes
    -----
    Average marginal effects of a discrete change ("average predictive comparisons" at observed
    values: Gelman and Pardoe 2007, Sociological Methodology 37), once for each posterior draw.
    """
    fitted = take_apart(fit)
    rows = slice(None) if dyad is None else [dyad_position(fitted.dyads, dyad)]
    posterior = fitted.posterior
    if "dyad" in posterior.dims:
        posterior = posterior.isel(dyad=rows)
    used = thinned(posterior, checked_draws(draws))
    observed = _averages(fitted, used, rows, fitted.table.iloc[rows])
    lines: dict[tuple[str, str, str], dict[str, float]] = {}
    for predictor in map(str, fitted.table):
        if predictors is not None and predictor not in predictors:
            continue
        start, ends = _settings(fitted.table[predictor], levelled=predictor in fitted.levelled)
        before = observed
        if start is not None:
            before = _averages(fitted, used, rows, _changed(fitted, rows, predictor, start))
        for change, value in ends:
            try:
                after = _averages(fitted, used, rows, _changed(fitted, rows, predictor, value))
            except QueryError:  # a logarithm or a spline has no value there
                after = {
                    quantity: np.full_like(value, np.nan) for quantity, value in before.items()
                }
            for quantity in observed:
                difference = _difference(after[quantity], before[quantity])
                signed = np.isfinite(difference).all() and difference.any()
                lines[predictor, change, quantity] = {
                    **{key: float(value) for key, value in describe(difference).items()},
                    "p_positive": float((difference > 0).mean()) if signed else np.nan,
                }
    table = pd.DataFrame(
        list(lines.values()),
        index=pd.MultiIndex.from_tuples(lines, names=INDEX) if lines else None,
        columns=COLUMNS,
        dtype=float,
    )
    if not lines:
        table.index = pd.MultiIndex.from_arrays([[], [], []], names=INDEX)
    table.attrs = provenance(fit, used.sizes["draw"]) | {"dyads": dyad or "all"}
    return table


def _settings(column: pd.Series, *, levelled: bool) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Give the value that a change starts from (None: as observed), and those it goes to."""
    levels = np.unique(column.to_numpy())
    if set(levels) == {0, 1}:
        return 0.0, iter([("0 -> 1", 1.0)])
    if levelled:
        first, *others = levels
        return first, ((f"{_named(value)} instead of {_named(first)}", value) for value in others)
    sd = float(column.std(ddof=1))
    return None, iter([(f"+1 sd ({sd:.3g})", column + sd)])


def _difference(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    # what does not depend on the predictor differs by rounding at most, and has no sign
    same = np.isclose(after, before, rtol=1e-13, atol=0)
    return np.where(same, 0.0, after - before)


def _named(level: object) -> str:
    return f"{level:.15g}" if isinstance(level, float) else str(level)


def _changed(fitted: Fitted, rows: slice | list[int], predictor: str, value: Any) -> pd.DataFrame:
    table = fitted.table.copy()
    table[predictor] = value
    return table.iloc[rows]


def _averages(
    fitted: Fitted, draws: xr.Dataset, rows: slice | list[int], table: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Average each quantity over the dyads, once for each draw; the draws go in blocks."""
    dyads = fitted.dyads.isel(dyad=rows).assign(designs(fitted, table, "changed predictors"))
    size = max(1, BLOCK // len(table))
    blocks = []
    for first in range(0, draws.sizes["draw"], size):
        some = draws.isel(draw=slice(first, first + size))
        arguments = family_arguments(some, dyads, fitted.name, reference=fitted.dyads)
        found = outcomes(fitted.name.family, *arguments)
        blocks.append({quantity: value.mean(axis=-1) for quantity, value in found.items()})
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
