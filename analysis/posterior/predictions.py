"""Predictions of single dyads: known ones at other predictors, and ones of new cities."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from analysis.posterior.asked_rows import asked_rows
from analysis.posterior.new_values import Fitted, checked_draws, designs, provenance, take_apart
from analysis.posterior.summary import CI_PROB, describe
from data.dyads import ends_of, raw_predictors
from data.errors import QueryError, suggest
from data.roles import SIDES
from data.tables.rules import MISSING, folded
from models.effects.new_dyads import known_or_drawn
from models.inference.fit import UNOBSERVED
from models.inference.predictive import BLOCK, family_arguments, thinned
from models.likelihood.outcomes import outcomes
from models.settings import seed_of

NewCities = Literal["refuse", "integrate"]
DRAWS = 4000
SEED = 20221


def predictions(
    fit: xr.DataTree,
    rows: pd.DataFrame | None = None,
    *,
    cities: pd.DataFrame | None = None,
    new_cities: NewCities = "refuse",
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Predict the counts of directed dyads from their predictors.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    rows : pandas.DataFrame, optional
        A row a directed dyad, with the columns of sender and receiver, the raw columns that the
        model's formulas use and, where the study has one, the exposure, all under the names that
        they have in the study's tables. A dyad may stand in several rows. A predictor that the
        study computes is computed where it is not given. By default the study's own dyads whose
        outcome is missing.
    cities : pandas.DataFrame, optional
        A row a city, under the names that the study's city table has: attributes of cities that
        the fit does not know, or other attributes of those that it does.
    new_cities : str
        What becomes of a city that the fit does not know: ``refuse`` it, or ``integrate`` its
        effects out over their population distribution.
    draws : int
        How many posterior draws to use at most, evenly spaced along the chains.
    seed : int
        Seed of unknown effects and of counts. What a row gives does not depend on the others.

    Returns
    -------
    pandas.DataFrame
        A row for each of the rows, under the same index: ``sender``, ``receiver``; ``drawn``, the
        effects that the fit does not know (of sender, receiver, pair), which were drawn from
        their population given each posterior draw's standard deviations and correlations;
        ``p_eligible`` (absent where the family has no selection part) and ``p_zero``, the
        posterior means of these probabilities; ``expected``, the posterior mean of the expected
        count, with ``expected_lower`` and ``expected_upper`` (89 % equal-tailed interval: of what
        is unknown of the dyad's mean, drawn effects included); ``count_lower`` and
        ``count_upper``, between which the count lies with at least 89 % probability. ``attrs``
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
    cities = np.unique(np.concatenate([asked["sender"], asked["receiver"]]))
    asked = asked.assign_coords(city=cities)
    parameters = known_or_drawn(draws, asked, name, seed)
    arguments = family_arguments(parameters, asked, name, reference=fitted.dyads)
    found = outcomes(name.family, *arguments)
    expected = describe(found["expected"])
    columns: dict[str, np.ndarray | list[str]] = {
        "sender": asked["sender"].to_numpy(),
        "receiver": asked["receiver"].to_numpy(),
        "drawn": _drawn(fitted, asked),
    }
    if "p_eligible" in found:
        columns["p_eligible"] = found["p_eligible"].mean(axis=0)
    columns |= {
        "expected": expected["mean"],
        "expected_lower": expected["lower"],
        "expected_upper": expected["upper"],
        "p_zero": found["p_zero"].mean(axis=0),
    }
    bounds = np.empty((2, asked.sizes["dyad"]), dtype=np.int64)
    for k, ends in enumerate(zip(columns["sender"], columns["receiver"], strict=True)):
        rng = np.random.default_rng(seed_of(seed, "count " + " -> ".join(ends)))
        degree, selection = (
            values if values is None else values[:, [k]] for values in arguments[:2]
        )
        counts = name.family.draw(rng, degree, selection, arguments[2])
        bounds[:, k] = np.quantile(
            counts, [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2], method="inverted_cdf"
        )
    return pd.DataFrame(columns | {"count_lower": bounds[0], "count_upper": bounds[1]})


def _unobserved(
    fit: xr.DataTree, fitted: Fitted, cities: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Give the study's dyads without an outcome, and what it says of cities without others."""
    if UNOBSERVED not in fit.children:
        raise QueryError("every dyad of the study has its outcome; name the rows to predict")
    dyads = fit[UNOBSERVED].to_dataset()
    columns = fitted.declaration.dyads
    rows = raw_predictors(dyads)
    for side in SIDES:
        rows[getattr(columns, side)] = dyads[side].to_numpy().astype(object)
    if columns.exposure is not None:
        rows[columns.exposure] = np.exp(dyads["log_exposure"].to_numpy())
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
    columns = {side: getattr(fitted.declaration.dyads, side) for side in SIDES}
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
    return xr.Dataset(
        {**designs(fitted, asked, "rows"), "log_exposure": ("dyad", _log_exposure(fitted, named))},
        {
            "dyad": np.arange(len(rows)),
            **{
                side: ("dyad", rows[column].to_numpy(dtype=str)) for side, column in columns.items()
            },
        },
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
    if column not in rows:
        raise QueryError(
            f"rows: no column '{column}', which is the study's exposure; "
            f"{suggest(column, map(str, rows.columns))}"
        )
    exposure = pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=float)
    faulty = ~((exposure > 0) & (exposure < np.inf))
    if faulty.any():
        found = rows[column][faulty]
        raise QueryError(
            f"rows: {found.index[0]}: the exposure '{column}' is '{found.iloc[0]}'; "
            "an exposure is a positive number"
        )
    logs: np.ndarray = np.log(exposure)
    return logs


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
        for side in ("sender", "receiver")
        if any(role.side == side for role in fitted.name.roles)
    }
    if fitted.name.has_pairs:
        dyads = fitted.dyads.get_index("dyad")
        known["pair"] = np.array([label in dyads for label in _labels(asked)[0]])
    return [
        ", ".join(source for source, values in known.items() if not values[k])
        for k in range(asked.sizes["dyad"])
    ]


def _labels(asked: xr.Dataset) -> tuple[list[str], list[str]]:
    ends = list(zip(asked["sender"].to_numpy(), asked["receiver"].to_numpy(), strict=True))
    return [f"{i} -> {j}" for i, j in ends], [f"{j} -> {i}" for i, j in ends]
