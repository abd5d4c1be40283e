"""The rows of a study, raw predictors and design matrices, in one xarray.Dataset."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from data.declaration import Declaration
from data.errors import ResultsError, RowError, StudyError, located
from data.formulas.design import design_matrix
from data.formulas.node_terms import Ends
from data.formulas.reader import Columns
from data.modelled import Modelled, shown
from data.roles import BOTH, DYAD_PERIOD, PARTS, PERIOD, SIDES, sides_of

# raw columns, of numbers and of text: the variable, its dim and the type of its values
RawKinds = tuple[tuple[str, str, type], tuple[str, str, type]]
PREDICTORS: RawKinds = (("predictors", "predictor", float), ("categories", "category", str))
ATTRIBUTES: RawKinds = (
    ("attributes", "attribute", float),
    ("city_categories", "city_category", str),
)


def dyads_dataset(rows: Modelled, declaration: Declaration, declared: object) -> xr.Dataset:
    """Lay out the rows of a study as one labelled dataset.

    Returns
    -------
    xarray.Dataset
        Variables ``outcome`` (dyad; whole numbers, but for amounts), ``trials`` (dyad; where the
        study declares them), ``log_exposure`` (dyad; natural log, 0 without an exposure),
        ``<part>_design`` (dyad, <part>_term; the formula's columns on its own scale, without the
        intercept), and the columns that the formulas use, as they stand in the tables:
        ``predictors`` (dyad, predictor; numbers) and ``categories`` (dyad, category; text) of
        dyads, ``attributes`` (city, attribute; numbers) and ``city_categories``
        (city, city_category; text) of cities.
        Coordinates ``city`` (sorted), ``pair`` (of two cities that share a row), along ``dyad``
        ``sender``, ``receiver`` (of undirected dyads ``first`` and ``second``) and ``dyad_pair``,
        and along ``city``, where the city table has positions, ``latitude`` and ``longitude``
        (degrees). Of a panel a dyad is one of a period: ``period`` (in their order) and along
        ``dyad`` ``dyad_period``; ``dyad_pair`` is that of all periods.
    """
    table = rows.table
    dataset = _laid_out(table, rows, declaration)
    dataset = dataset.assign(outcome=("dyad", table[declaration.dyads.outcome].to_numpy()))
    for part, formula in rows.formulas.items():
        with (
            located(declared, StudyError),
            located(rows.source, RowError),
            located(f"[formula] {part} = {shown(formula.text)}", StudyError),
        ):
            design = design_matrix(formula, table, rows.ends)
        dataset[part.design] = xr.DataArray(
            design.to_numpy(dtype=float),
            dims=("dyad", part.term),
            coords={part.term: design.columns.to_numpy(dtype=str)},
        )
    return dataset


def unobserved_dataset(rows: Modelled, declaration: Declaration) -> xr.Dataset | None:
    """Lay out dyads without an outcome as `dyads_dataset` does, without outcomes and designs.

    Returns
    -------
    xarray.Dataset or None
        None where every row has an outcome.
    """
    return None if rows.unobserved.empty else _laid_out(rows.unobserved, rows, declaration)


def _laid_out(table: pd.DataFrame, rows: Modelled, declaration: Declaration) -> xr.Dataset:
    columns = declaration.dyads
    sender, receiver = (table[column].to_numpy(dtype=str) for column in columns.ends)
    pairs = np.array(
        [" & ".join(sorted(two)) for two in zip(sender, receiver, strict=True)], dtype=str
    )
    exposure = (
        np.ones(len(table)) if columns.exposure is None else table[columns.exposure].to_numpy()
    )
    cities = np.unique(np.concatenate([sender, receiver]))
    sides, sign = (SIDES, " -> ") if columns.directed else (BOTH, " & ")
    labels = [f"{i}{sign}{j}" for i, j in zip(sender, receiver, strict=True)]
    panel = {}
    if rows.periods:
        when = np.array(rows.periods)[rows.when.loc[table.index]]
        names = [name for name in rows.periods if name in set(when)]
        panel = {PERIOD: names, DYAD_PERIOD: ("dyad", when)}
        labels = [f"{label}, {period}" for label, period in zip(labels, when, strict=True)]
    dataset = xr.Dataset(
        {"log_exposure": ("dyad", np.log(exposure))},
        coords={
            "dyad": labels,
            "city": cities,
            "pair": np.unique(pairs),
            sides[0]: ("dyad", sender),
            sides[1]: ("dyad", receiver),
            "dyad_pair": ("dyad", pairs),
            **panel,
        },
    )
    if columns.trials is not None:
        dataset["trials"] = ("dyad", table[columns.trials].to_numpy(dtype="int64"))
    used = dict.fromkeys(name for formula in rows.formulas.values() for name in formula.used)
    dataset = dataset.assign(_raw(table[list(used)], "dyad", PREDICTORS))
    if rows.ends is None:
        return dataset
    dataset = dataset.assign(_raw(rows.ends.cities.loc[cities], "city", ATTRIBUTES))
    return dataset.assign_coords(
        {
            kind: ("city", values.loc[cities].to_numpy(), {"units": "degrees"})
            for kind, values in rows.ends.positions.items()
        }
    )


def _raw(table: pd.DataFrame, along: str, kinds: RawKinds) -> dict[str, xr.DataArray]:
    """Lay out columns as they stand in a table: numbers, and text."""
    numeric = table.select_dtypes("number")
    text = table.drop(columns=numeric.columns).fillna("")
    return {
        variable: xr.DataArray(
            columns.to_numpy(dtype=dtype),
            dims=(along, dim),
            coords={dim: columns.columns.to_numpy(dtype=str)},
        )
        for (variable, dim, dtype), columns in zip(kinds, (numeric, text), strict=True)
    }


def extent(dyads: xr.Dataset) -> str:
    """Say how many dyads there are: ``272 directed dyads``, of a panel with its periods."""
    many = "directed dyads"
    if PERIOD not in dyads.coords:
        return f"{dyads.sizes['dyad']} {many}"
    ends = pd.MultiIndex.from_arrays([dyads[side].to_numpy() for side in sides_of(dyads.coords)])
    periods = dyads[PERIOD].to_numpy()
    span = f"{len(periods)} period{'s' * (len(periods) > 1)}, {periods[0]} to {periods[-1]}"
    return f"{dyads.sizes['dyad']} rows of {len(ends.unique())} {many} in {span}"


def taken_by_models(dyads: xr.Dataset) -> Iterator[bytes]:
    """Give what a likelihood takes of dyads, in their order: in another one sums round otherwise.

    Columns of designs are standardized and have six decimals, with their means and scales: the last
    bits of a number are not the same on every machine.
    """
    for name in (*sides_of(dyads.coords), "city", *(part.term for part in PARTS)):
        yield json.dumps(dyads[name].to_numpy().tolist()).encode()
    if PERIOD in dyads.coords:
        for name in (PERIOD, DYAD_PERIOD):
            yield json.dumps(dyads[name].to_numpy().tolist()).encode()
    outcome = dyads["outcome"].to_numpy()
    yield outcome.astype("<i8" if outcome.dtype.kind == "i" else "<f8").tobytes()
    if "trials" in dyads:
        yield dyads["trials"].to_numpy().astype("<i8").tobytes()
    yield _to_six_decimals(dyads["log_exposure"].to_numpy())
    for part in PARTS:
        design = dyads[part.design].to_numpy()
        scale = design.std(axis=0)
        divisor = np.where(scale > 0, scale, 1.0)
        yield " ".join(f"{each:.6e}" for each in scale).encode()
        yield _to_six_decimals(design.mean(axis=0) / divisor)
        yield _to_six_decimals((design - design.mean(axis=0)) / divisor)


def _to_six_decimals(values: np.ndarray) -> bytes:
    return (values.round(6) + 0.0).astype("<f8").tobytes()  # without negative zeros


def raw_predictors(dyads: xr.Dataset) -> pd.DataFrame:
    """Give back the columns of the table of dyads that the formulas use."""
    return _given_back(dyads, "dyad", PREDICTORS)


def raw_attributes(dyads: xr.Dataset) -> pd.DataFrame:
    """Give back the attributes of cities that the formulas use, a row a city."""
    return _given_back(dyads, "city", ATTRIBUTES)


def _given_back(dyads: xr.Dataset, along: str, kinds: RawKinds) -> pd.DataFrame:
    if PREDICTORS[0][0] not in dyads:
        raise ResultsError("the fit lacks its predictors' raw columns; sample it again: FORCE=1")
    index = pd.Index(dyads[along].to_numpy())
    found = [
        pd.DataFrame(
            dyads[variable].to_numpy().astype(float if dtype is float else object),
            index=index,
            columns=dyads[dim].to_numpy().tolist(),
        )
        for variable, dim, dtype in kinds
        if variable in dyads
    ]
    if not found:
        return pd.DataFrame(index=index)
    whole = pd.concat(found, axis=1)
    return whole.mask(whole == "", None)  # an attribute that a city lacks


def ends_of(dyads: xr.Dataset) -> Ends | None:
    """Give the cities of dyads with their attributes; None where the study has no city table."""
    attributes = raw_attributes(dyads)
    if attributes.columns.empty and "latitude" not in dyads.coords:
        return None
    known = dyads.get_index("city")
    return Ends(
        attributes,
        *(known.get_indexer(pd.Index(dyads[side].to_numpy())) for side in sides_of(dyads.coords)),
        *(dyads[kind].to_numpy() for kind in ("latitude", "longitude") if kind in dyads.coords),
    )


def columns_of(dyads: xr.Dataset) -> Columns:
    """Name the columns that the formulas of a fit may use."""
    attributes = tuple(map(str, raw_attributes(dyads)))
    return Columns(
        tuple(map(str, raw_predictors(dyads))),
        attributes,
        "latitude" in dyads.coords,
        directed="sender" in dyads.coords,
    )
