"""Checked rows, raw predictors and design matrices, in one xarray.Dataset."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from data.declaration import Declaration
from data.errors import ResultsError, StudyError, located
from data.formulas.design import design_matrix
from data.formulas.grammar import parse_formula
from data.roles import PARTS
from data.tables.dyad_table import settle_column

SHOWN = 200  # characters of a formula in a message


def dyads_dataset(table: pd.DataFrame, declaration: Declaration) -> xr.Dataset:
    """Lay out checked dyads as one labelled dataset.

    Returns
    -------
    xarray.Dataset
        Variables ``count`` (dyad), ``log_exposure`` (dyad; natural log, 0 without an exposure),
        ``<part>_design`` (dyad, <part>_term; the formula's columns on its own scale, without the
        intercept), and the columns that the formulas use, as they stand in the table:
        ``predictors`` (dyad, predictor; numbers) and ``categories`` (dyad, category; text).
        Coordinates ``city`` (sorted), ``pair`` (of two cities that share a row), and,
        along ``dyad``, ``sender``, ``receiver`` and ``dyad_pair``.
    """
    columns = declaration.dyads
    sender, receiver = (
        table[column].to_numpy(dtype=str) for column in (columns.sender, columns.receiver)
    )
    pairs = np.array(
        [" & ".join(sorted(two)) for two in zip(sender, receiver, strict=True)], dtype=str
    )
    exposure = (
        np.ones(len(table)) if columns.exposure is None else table[columns.exposure].to_numpy()
    )
    dataset = xr.Dataset(
        {
            "count": ("dyad", table[columns.outcome].to_numpy()),
            "log_exposure": ("dyad", np.log(exposure)),
        },
        coords={
            "dyad": [f"{i} -> {j}" for i, j in zip(sender, receiver, strict=True)],
            "city": np.unique(np.concatenate([sender, receiver])),
            "pair": np.unique(pairs),
            "sender": ("dyad", sender),
            "receiver": ("dyad", receiver),
            "dyad_pair": ("dyad", pairs),
        },
    )
    used: set[str] = set()
    for part in PARTS:
        text = getattr(declaration.formula, part)
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        with located(f"[formula] {part} = {shown!r}", StudyError):
            formula = parse_formula(text, table.columns)
            if columns.outcome in formula.used:
                raise StudyError(f"the outcome '{columns.outcome}' cannot predict itself")
            table = table.copy()
            for name in sorted(formula.used):
                table[name] = settle_column(table[name])
            design = design_matrix(formula, table)
        used |= formula.used
        dataset[part.design] = xr.DataArray(
            design.to_numpy(dtype=float),
            dims=("dyad", part.term),
            coords={part.term: design.columns.to_numpy(dtype=str)},
        )
    raw = table[[column for column in table if column in used]]
    numeric = raw.select_dtypes("number")
    for variable, dim, kind, dtype in (
        ("predictors", "predictor", numeric, float),
        ("categories", "category", raw.drop(columns=numeric.columns), str),
    ):
        dataset[variable] = xr.DataArray(
            kind.to_numpy(dtype=dtype),
            dims=("dyad", dim),
            coords={dim: kind.columns.to_numpy(dtype=str)},
        )
    return dataset


def taken_by_models(dyads: xr.Dataset) -> Iterator[bytes]:
    """Give what a likelihood takes of dyads, in their order: in another one sums round otherwise.

    Columns of designs are standardized and have six decimals, with their means and scales: the last
    bits of a number are not the same on every machine.
    """
    for name in ("sender", "receiver", "city", *(part.term for part in PARTS)):
        yield json.dumps(dyads[name].to_numpy().tolist()).encode()
    yield dyads["count"].to_numpy().astype("<i8").tobytes()
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
    """Give back the columns of the table that the formulas use."""
    if "predictors" not in dyads:
        raise ResultsError("the fit lacks its predictors' raw columns; sample it again: FORCE=1")
    kinds = [
        pd.DataFrame(
            dyads[variable].to_numpy().astype(dtype),
            index=dyads["dyad"].to_numpy(),
            columns=dyads[dim].to_numpy().tolist(),
        )
        for variable, dim, dtype in (
            ("predictors", "predictor", float),
            ("categories", "category", object),
        )
    ]
    return pd.concat(kinds, axis=1)
