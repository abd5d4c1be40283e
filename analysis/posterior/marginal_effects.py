"""Effects in plain units: what a change of one predictor does to probabilities and outcomes."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
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
from data.formulas.new_values import Rows
from data.formulas.node_terms import Ends
from data.formulas.reader import EITHER
from data.roles import SIDES
from models.inference.predictive import BLOCK, family_arguments, thinned
from models.likelihood.outcomes import CHANCES, ODDS_RATIO, outcomes

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

    An attribute of cities that node terms use moves at one end of a dyad, in every term that it
    enters there: as ``gdp (sender)`` in the dyads that a city sends, the receivers' own held, and
    as ``gdp (receiver)`` in those that it receives. These are all dyads of a city. Columns named
    under ``[predictors]`` move as columns, whatever they were computed from.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    dyad : str, optional
        One dyad, ``sender -> receiver`` or ``first & second``, in place of the average over all.
        The size of the change stays that of all dyads.
    predictors : collection of str, optional
        The columns to change, and attributes as ``gdp (sender)``; all that the model uses by
        default. Others are passed over.
    draws : int
        How many posterior draws to use at most, evenly spaced along the chains.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``predictor``, ``change`` and ``quantity``. Changes: ``+1 sd (0.83)`` of a
        numeric column (sd over the dyads, of an attribute over the cities, ddof 1), ``0 -> 1`` of
        one that holds zeros and ones, ``b instead of a`` for each category against the first.
        Quantities: those of `models.likelihood.outcomes.outcomes` that the family has, and of ties
        and successes ``odds_ratio``, of the mean chance after the change against before. Columns:
        ``mean``, ``sd``, ``lower`` and ``upper`` (89 % equal-tailed interval) of the change, in
        probabilities or outcomes (of ``odds_ratio``, of the ratio), and ``p_positive``, the
        posterior probability that it is positive (that the ratio is above 1)
        (NaN where a predictor is no part of what determines the quantity, so that the change is 0
        exactly). All NaN where a formula has no value for the changed predictor, as a spline has
        none beyond its data. ``attrs`` says how many ``draws`` were used, which ``dyads``, which
        columns are ``synthetic``, and whether the fit ``passed`` its diagnostics.

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
    observed = _averages(fitted, used, rows, (fitted.rows,))
    lines: dict[tuple[str, str, str], dict[str, float]] = {}
    for predictor, column, levelled, changed in _predictors(fitted):
        if predictors is not None and predictor not in predictors:
            continue
        start, ends = _settings(column, levelled=levelled)
        before = observed
        if start is not None:
            before = _averages(fitted, used, rows, changed(start))
        for change, value in ends:
            try:
                after = _averages(fitted, used, rows, changed(value))
            except QueryError:  # a logarithm or a spline has no value there
                after = {
                    quantity: np.full_like(value, np.nan) for quantity, value in before.items()
                }
            for quantity in observed:
                difference = _difference(after[quantity], before[quantity])
                lines[predictor, change, quantity] = _line(difference, difference)
                if quantity in CHANCES.values():
                    ratio = _odds(after[quantity]) / _odds(before[quantity])
                    lines[predictor, change, ODDS_RATIO] = _line(ratio, difference)
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


def _line(shown: np.ndarray, difference: np.ndarray) -> dict[str, float]:
    """Describe draws, (draw,), whose sign is that of a difference."""
    signed = np.isfinite(difference).all() and difference.any()
    return {
        **{key: float(value) for key, value in describe(shown).items()},
        "p_positive": float((difference > 0).mean()) if signed else np.nan,
    }


def _odds(chance: np.ndarray) -> np.ndarray:
    return np.asarray(chance / (1 - chance))


def _settings(column: pd.Series, *, levelled: bool) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Give the value that a change starts from (None: as observed), and those it goes to."""
    levels = np.unique(column.dropna().to_numpy())
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


def _predictors(
    fitted: Fitted,
) -> Iterator[tuple[str, pd.Series, bool, Callable[[Any], tuple[Rows, ...]]]]:
    """Give each predictor: name, values, whether they are categories, rows with other values."""
    for name in map(str, fitted.table):
        levelled = name in fitted.levelled
        yield name, fitted.table[name], levelled, partial(_with_column, fitted.rows, name)
    if fitted.rows.ends is None:
        return
    calls = [call for formula in fitted.formulas.values() for call in formula.node_calls]
    moved = {label: ends for call in calls for label, ends in call.moved.items()}
    for label, (name, side) in moved.items():
        column = fitted.rows.ends.cities[name]
        levelled = not pd.api.types.is_numeric_dtype(column) or any(
            call.levelled and label in call.moved for call in calls
        )
        yield label, column, levelled, partial(_with_attribute, fitted.rows, name, side)


def _with_column(rows: Rows, name: str, value: Any) -> tuple[Rows, ...]:
    table = rows.table.copy()
    table[name] = value
    return (Rows(table, rows.ends),)


def _with_attribute(rows: Rows, name: str, side: str, value: Any) -> tuple[Rows, ...]:
    """Let the cities of one side have another value of an attribute, and those of the other not.

    Of undirected dyads that is either city: the first of every dyad, and the second of every one.
    """
    if rows.ends is None:
        return (rows,)
    ends = rows.ends
    others = ends.cities.copy()
    others[name] = value
    both = pd.concat([ends.cities, others])
    places = [
        None if place is None else np.tile(place, 2) for place in (ends.latitude, ends.longitude)
    ]
    found = []
    for moving in SIDES if side == EITHER else (side,):
        moved = getattr(ends, moving) + len(ends.cities)
        sides = {"sender": ends.sender, "receiver": ends.receiver} | {moving: moved}
        found.append(Rows(rows.table, Ends(both, sides["sender"], sides["receiver"], *places)))
    return tuple(found)


def _averages(
    fitted: Fitted, draws: xr.Dataset, rows: slice | list[int], changed: tuple[Rows, ...]
) -> dict[str, np.ndarray]:
    """Average each quantity over dyads, and over the ways to change them, once for each draw."""
    ways = [_of_dyads(fitted, draws, rows, way) for way in changed]
    return {name: np.mean([way[name] for way in ways], axis=0) for name in ways[0]}


def _of_dyads(
    fitted: Fitted, draws: xr.Dataset, rows: slice | list[int], changed: Rows
) -> dict[str, np.ndarray]:
    """Average each quantity over the dyads, once for each draw; the draws go in blocks."""
    some_rows = changed.take(rows)
    dyads = fitted.dyads.isel(dyad=rows).assign(designs(fitted, some_rows, "changed predictors"))
    size = max(1, BLOCK // len(some_rows.table))
    blocks = []
    for first in range(0, draws.sizes["draw"], size):
        some = draws.isel(draw=slice(first, first + size))
        arguments = family_arguments(some, dyads, fitted.name, reference=fitted.dyads)
        found = outcomes(fitted.name.family, *arguments)
        blocks.append({quantity: value.mean(axis=-1) for quantity, value in found.items()})
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
