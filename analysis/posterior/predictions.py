"""Predictions of single dyads: known ones at other predictors, and ones of new cities."""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from analysis.posterior.asked_rows import asked_rows
from analysis.posterior.new_values import Fitted, checked_draws, designs, provenance, take_apart
from analysis.posterior.summary import CI_PROB, describe
from data.dyads import ends_of, raw_predictors
from data.errors import QueryError, suggest
from data.outcomes import AMOUNT, COUNT, LARGEST_COUNT, SUCCESSES, TIE
from data.roles import BOTH, Part, sides_of
from data.tables.rules import MISSING, folded
from models.effects.new_dyads import known_or_drawn
from models.inference.fit import UNOBSERVED
from models.inference.predictive import BLOCK, family_arguments, thinned
from models.likelihood.amounts import given_other
from models.likelihood.arrays import NUMPY
from models.likelihood.outcomes import CHANCES, outcomes
from models.predictor.linear import linear_predictor
from models.settings import seed_of

NewCities = Literal["refuse", "integrate"]
DRAWS = 4000
SEED = 20221
CALLED = {COUNT: "count", SUCCESSES: "successes", AMOUNT: "amount"}  # in the names of columns


def predictions(
    fit: xr.DataTree,
    rows: pd.DataFrame | None = None,
    *,
    cities: pd.DataFrame | None = None,
    new_cities: NewCities = "refuse",
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Predict the outcomes of directed dyads from their predictors.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    rows : pandas.DataFrame, optional
        A row a directed dyad, with the columns of sender and receiver, the raw columns that the
        model's formulas use and, where the study has them, the exposure or the trials, all under
        the names that they have in the study's tables. A dyad may stand in several rows. A
        predictor that the study computes is computed where it is not given. By default the study's
        own dyads whose outcome is missing.
    cities : pandas.DataFrame, optional
        A row a city, under the names that the study's city table has: attributes of cities that
        the fit does not know, or other attributes of those that it does.
    new_cities : str
        What becomes of a city that the fit does not know: ``refuse`` it, or ``integrate`` its
        effects out over their population distribution.
    draws : int
        How many posterior draws to use at most, evenly spaced along the chains.
    seed : int
        Seed of unknown effects and of outcomes. What a row gives does not depend on the others.

    Returns
    -------
    pandas.DataFrame
        A row for each of the rows, under the same index: ``sender``, ``receiver`` (``first``,
        ``second`` of undirected dyads); ``drawn``, the effects that the fit does not know (of
        sender, receiver, pair), which were drawn from
        their population given each posterior draw's standard deviations and correlations;
        of counts ``p_eligible`` (absent where the family has no selection part) and ``p_zero``, the
        posterior means of these probabilities; ``expected``, the posterior mean of the expected
        outcome, with ``expected_lower`` and ``expected_upper`` (89 % equal-tailed interval: of what
        is unknown of the dyad's mean, drawn effects included), of ties ``p_tie`` in its place and
        of successes ``p_success`` besides; ``count_lower`` and ``count_upper`` (``successes_lower``
        and so on, ``amount_lower`` and so on; of ties nothing), between which the outcome lies with
        at least 89 % probability. Where the residuals of the two directions of a pair correlate, an
        amount is that given the other direction, if this was fitted. ``attrs``
        says how many ``draws`` were used, the ``seed``, which columns are ``synthetic``, and
        whether the fit ``passed`` its diagnostics.

    Raises
    ------
    QueryError
        A column or a value is missing, a category or (unless they are integrated out) a city is
        unknown, or another argument is out of range.
    ResultsError
        The fit is from before fits held their raw predictors.
    """
    if new_cities not in get_args(NewCities):
        raise QueryError(
            f"new_cities is '{new_cities}'; {suggest(str(new_cities), get_args(NewCities))}"
        )
    if seed < 0:
        raise QueryError(f"seed is {seed}; it must not be negative")
    fitted = take_apart(fit)
    if rows is None:
        rows, cities = _unobserved(fit, fitted, cities)
    asked = _asked_dyads(fitted, rows, cities, new_cities)
    posterior = fitted.posterior
    if fitted.name.has_pairs:
        posterior = posterior.isel(dyad=_informing(fitted, asked))
    used = thinned(posterior, checked_draws(draws)).load()
    size = max(1, BLOCK // used.sizes["draw"])
    blocks = [
        _predicted(fitted, used, asked.isel(dyad=slice(first, first + size)), seed)
        for first in range(0, len(rows), size)
    ]
    table = pd.concat(blocks).set_axis(rows.index)
    table.attrs = provenance(fit, used.sizes["draw"]) | {"seed": seed}
    return table


def _predicted(fitted: Fitted, draws: xr.Dataset, asked: xr.Dataset, seed: int) -> pd.DataFrame:
    name = fitted.name
    sides = sides_of(asked.coords)
    cities = np.unique(np.concatenate([asked[side] for side in sides]))
    asked = asked.assign_coords(city=cities)
    parameters = known_or_drawn(draws, asked, name, seed)
    arguments = family_arguments(parameters, asked, name, reference=fitted.dyads)
    if name.has_correlated_residuals:
        arguments = _given_back(fitted, draws, asked, arguments)
    found = outcomes(name.family, *arguments)
    columns: dict[str, np.ndarray | list[str]] = {
        **{side: asked[side].to_numpy() for side in sides},
        "drawn": _drawn(fitted, asked),
    }
    if "p_eligible" in found:
        columns["p_eligible"] = found["p_eligible"].mean(axis=0)
    for quantity in (*CHANCES.values(), "expected"):
        if quantity in found:
            told = describe(found[quantity])
            columns[quantity] = told["mean"]
            columns |= {f"{quantity}_{end}": told[end] for end in ("lower", "upper")}
    if "p_zero" in found:
        columns["p_zero"] = found["p_zero"].mean(axis=0)
    if name.family.outcome is TIE:
        return pd.DataFrame(columns)
    dtype = np.int64 if name.family.outcome.is_whole else np.float64
    bounds = np.empty((2, asked.sizes["dyad"]), dtype=dtype)
    for k, ends in enumerate(zip(*(columns[side] for side in sides), strict=True)):
        rng = np.random.default_rng(seed_of(seed, "count " + " -> ".join(ends)))
        own = [
            values if values is None or values.shape[-1] == 1 else values[..., [k]]
            for values in arguments
        ]
        outcome = name.family.draw(rng, *own)
        bounds[:, k] = np.quantile(
            outcome, [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2], method="inverted_cdf"
        )
    called = CALLED[name.family.outcome]
    return pd.DataFrame(columns | {f"{called}_lower": bounds[0], f"{called}_upper": bounds[1]})


def _given_back(
    fitted: Fitted, draws: xr.Dataset, asked: xr.Dataset, arguments: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Take amounts given those of the other direction, where these were fitted."""
    degree, selection, scale, trials = arguments
    place = fitted.dyads.get_index("dyad").get_indexer(pd.Index(_labels(asked)[1]))
    rows = np.maximum(place, 0)
    expected = linear_predictor(draws, fitted.dyads, Part.DEGREE, rows).to_numpy()
    residual = fitted.outcome[rows] - expected
    correlation = draws[Part.DEGREE.dyadic_reciprocity].to_numpy()[:, None]
    degree, scale = given_other(degree, scale, correlation, residual, place >= 0, NUMPY)
    return degree, selection, scale, trials


def _unobserved(
    fit: xr.DataTree, fitted: Fitted, cities: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Give the study's dyads without an outcome, and what it says of cities without others."""
    if UNOBSERVED not in fit.children:
        raise QueryError("every dyad of the study has its outcome; name the rows to predict")
    dyads = fit[UNOBSERVED].to_dataset()
    columns = fitted.declaration.dyads
    rows = raw_predictors(dyads)
    for column, side in zip(columns.ends, sides_of(dyads.coords), strict=True):
        rows[column] = dyads[side].to_numpy().astype(object)
    if columns.exposure is not None:
        rows[columns.exposure] = np.exp(dyads["log_exposure"].to_numpy())
    if columns.trials is not None:
        rows[columns.trials] = dyads["trials"].to_numpy()
    ends = ends_of(dyads)
    if ends is None or cities is not None or fitted.declaration.cities is None:
        return rows, cities
    own = ends.cities[~ends.cities.index.isin(fitted.dyads["city"].to_numpy())].copy()
    for kind, values in ends.positions.items():
        own[getattr(fitted.declaration.cities, kind)] = values.reindex(own.index)
    return rows, own


def _asked_dyads(
    fitted: Fitted, rows: pd.DataFrame, cities: pd.DataFrame | None, new_cities: NewCities
) -> xr.Dataset:
    """Check the rows, and lay them out as dyads."""
    if rows.empty:
        raise QueryError("rows: the table is empty; it needs one row a dyad")
    sides = sides_of(fitted.dyads.coords)
    columns = dict(zip(sides, fitted.declaration.dyads.ends, strict=True))
    if sides == BOTH:
        rows = _in_order(rows, *columns.values())
    for column in columns.values():
        if column not in rows:
            raise QueryError(
                f"rows: no column '{column}', which names a city; "
                f"{suggest(column, map(str, rows.columns))}"
            )
    labels = [
        f"row {row} ({i} -> {j})"
        for row, i, j in zip(
            rows.index, *(rows[column] for column in columns.values()), strict=True
        )
    ]
    named = rows.set_axis(pd.Index(labels))
    _refuse_cities(fitted, named[list(columns.values())], new_cities)
    asked = asked_rows(fitted, named, cities)
    found = {
        **designs(fitted, asked, "rows"),
        "log_exposure": ("dyad", _log_exposure(fitted, named)),
    }
    if fitted.name.family.outcome.has_trials:
        found["trials"] = ("dyad", _trials(fitted, named))
    return xr.Dataset(
        found,
        {
            "dyad": np.arange(len(rows)),
            **{
                side: ("dyad", rows[column].to_numpy(dtype=str)) for side, column in columns.items()
            },
        },
    )


def _in_order(rows: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """Put the two cities of undirected dyads into the order of their names."""
    if one not in rows or other not in rows:
        return rows
    swapped = rows[one].astype(str) > rows[other].astype(str)
    return rows.assign(
        **{one: rows[one].mask(swapped, rows[other]), other: rows[other].mask(swapped, rows[one])}
    )


def _refuse_cities(fitted: Fitted, ends: pd.DataFrame, new_cities: NewCities) -> None:
    cities = [str(city) for city in fitted.dyads["city"].to_numpy()]
    spelled = {folded(city): city for city in cities}
    known = set(cities)
    for label, two in zip(ends.index, ends.to_numpy(), strict=True):
        for city in two:
            if not isinstance(city, str) or city.strip().casefold() in MISSING:
                raise QueryError(f"rows: {label}: a city has no name")
            if city in known:
                continue
            if new_cities == "refuse":
                raise QueryError(
                    f"rows: {label}: the fit knows no city '{city}', and new_cities is 'refuse'; "
                    f"{suggest(city, cities)}"
                )
            if city != city.strip() or folded(city) in spelled:
                raise QueryError(
                    f"rows: {label}: {city!a} differs from a city of the fit only in case, blanks "
                    f"or Unicode form; write {spelled.get(folded(city), city.strip())!a}"
                )
        if two[0] == two[1]:
            raise QueryError(f"rows: {label}: a city is paired with itself; remove the row")


def _log_exposure(fitted: Fitted, rows: pd.DataFrame) -> np.ndarray:
    column = fitted.declaration.dyads.exposure
    if column is None:
        return np.zeros(len(rows))
    exposure = _numbers(rows, column, "exposure")
    faulty = ~((exposure > 0) & (exposure < np.inf))
    _refuse_first(rows[column][faulty], "exposure", "an exposure is a positive number")
    logs: np.ndarray = np.log(exposure)
    return logs


def _trials(fitted: Fitted, rows: pd.DataFrame) -> np.ndarray:
    column = str(fitted.declaration.dyads.trials)
    trials = _numbers(rows, column, "trials")
    faulty = ~((trials >= 1) & (trials % 1 == 0) & (trials <= LARGEST_COUNT))
    _refuse_first(rows[column][faulty], "trials", "trials are a whole number from 1 to 10^9")
    return trials.astype(np.int64)


def _numbers(rows: pd.DataFrame, column: str, what: str) -> np.ndarray:
    if column not in rows:
        raise QueryError(
            f"rows: no column '{column}', which is the study's {what}; "
            f"{suggest(column, map(str, rows.columns))}"
        )
    return pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=float)


def _refuse_first(faulty: pd.Series, what: str, rule: str) -> None:
    if len(faulty):
        raise QueryError(
            f"rows: {faulty.index[0]}: the {what} '{faulty.name}' is '{faulty.iloc[0]}'; {rule}"
        )


def _informing(fitted: Fitted, asked: xr.Dataset) -> np.ndarray:
    """Give the positions of the fitted dyads whose pair effects say something of the asked ones."""
    here, back = _labels(asked)
    positions = np.flatnonzero(fitted.dyads.get_index("dyad").isin([*here, *back]))
    # one at least: h5py cannot read an empty selection
    return positions if len(positions) else np.array([0])


def _drawn(fitted: Fitted, asked: xr.Dataset) -> list[str]:
    """Say of each asked dyad which of its effects the fit does not know."""
    known = {
        side: np.isin(asked[side].to_numpy(), fitted.dyads["city"].to_numpy().astype(str))
        for side in sides_of(asked.coords)
        if any(side in role.ends for role in fitted.name.roles)
    }
    if fitted.name.has_pairs:
        dyads = fitted.dyads.get_index("dyad")
        known["pair"] = np.array([label in dyads for label in _labels(asked)[0]])
    return [
        ", ".join(source for source, values in known.items() if not values[k])
        for k in range(asked.sizes["dyad"])
    ]


def _labels(asked: xr.Dataset) -> tuple[list[str], list[str]]:
    sides = sides_of(asked.coords)
    ends = list(zip(*(asked[side].to_numpy() for side in sides), strict=True))
    return [f"{i} -> {j}" for i, j in ends], [f"{j} -> {i}" for i, j in ends]
