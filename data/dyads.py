"""Checked rows, raw predictors and design matrices, in one xarray.Dataset."""

import numpy as np
import pandas as pd
import xarray as xr

from data.declaration import Declaration
from data.errors import ResultsError
from data.formulas.design import design_matrix, raw_columns
from data.roles import PARTS


def dyads_dataset(
    table: pd.DataFrame, declaration: Declaration, name: str, declared: str = "study.toml"
) -> xr.Dataset:
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
        table[each].to_numpy(dtype=str) for each in (columns.sender, columns.receiver)
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
    for part in PARTS:
        formula = getattr(declaration.formula, part)
        where = f"{declared}: [formula] {part}"
        design = design_matrix(formula, table, columns.outcome, where, name)
        dataset[part.design] = xr.DataArray(
            design.to_numpy(dtype=float),
            dims=("dyad", part.term),
            coords={part.term: design.columns.to_numpy(dtype=str)},
        )
    raw = raw_columns(declaration.formula.model_dump(), table, name, declared)
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
