"""A fit taken apart for questions about other values of its predictors."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from data.declaration import Declaration
from data.dyads import columns_of, ends_of, raw_predictors
from data.errors import QueryError, located, suggest
from data.formulas.grammar import ParsedFormula, parse_formula
from data.formulas.new_values import Rows, changed_design
from data.roles import Part, sides_of
from models.inference.fit import Fit
from models.name import ModelName


@dataclass(frozen=True)
class Fitted:
    """What a fit's file says of the fitted dyads.

    Attributes
    ----------
    dyads : xarray.Dataset
        The dyads that were fitted, as `data.dyads.dyads_dataset` lays them out, without outcomes.
    outcome : numpy.ndarray
        Their outcomes, shape (dyad,).
    rows : Rows
        The raw columns that the formulas of the model's parts use, a row a directed dyad, and the
        cities with the attributes that they use.
    levelled : frozenset of str
        Columns of dyads that are categories, though they may hold numbers.
    posterior : xarray.Dataset
        The draws of the parameters (chain, draw, ...), not yet read where the fit is a file.
    """

    name: ModelName
    dyads: xr.Dataset
    outcome: np.ndarray
    rows: Rows
    levelled: frozenset[str]
    formulas: Mapping[Part, ParsedFormula]
    declaration: Declaration
    posterior: xr.Dataset

    @property
    def table(self) -> pd.DataFrame:
        return self.rows.table


def take_apart(tree: xr.DataTree) -> Fitted:
    """Take a fit apart."""
    fit = Fit(tree)
    dyads = fit.dyads.load()
    table, known = raw_predictors(dyads), columns_of(dyads)
    formulas = {}
    for part in fit.name.parts:
        text = getattr(fit.declaration.formula, part)
        with located(f"{_where(part)} = {text!r}"):
            formulas[part] = parse_formula(text, known)
    used = dict.fromkeys(column for formula in formulas.values() for column in formula.used)
    levelled = {column for formula in formulas.values() for column in formula.levelled}
    return Fitted(
        name=fit.name,
        dyads=dyads,
        outcome=tree["observed_data"]["outcome"].to_numpy(),
        rows=Rows(table[list(used)], ends_of(dyads)),
        levelled=frozenset(levelled | set(map(str, table.select_dtypes(exclude="number")))),
        formulas=formulas,
        declaration=fit.declaration,
        posterior=fit.posterior.drop_vars("variance_share", errors="ignore"),
    )


def designs(fitted: Fitted, changed: Rows, name: str) -> dict[str, xr.DataArray]:
    """Compute the design matrices of other rows.

    Returns
    -------
    dict of str to xarray.DataArray
        ``<part>_design`` (dyad, <part>_term) for each part of the model.
    """
    found = {}
    for part, formula in fitted.formulas.items():
        design = changed_design(formula, fitted.rows, changed, _where(part), name)
        found[part.design] = xr.DataArray(
            design.to_numpy(),
            {part.term: design.columns.to_numpy(dtype=str)},
            ("dyad", part.term),
        )
    return found


def checked_draws(draws: int) -> int:
    """Refuse a number of draws that nothing can be computed from."""
    if draws < 2:
        raise QueryError(f"draws is {draws}; at least 2 are needed")
    return draws


def dyad_position(dyads: xr.Dataset, label: str) -> int:
    """Find a directed dyad."""
    labels = [str(dyad) for dyad in dyads["dyad"].to_numpy()]
    if label in labels:
        return labels.index(label)
    cities = [str(city) for city in dyads["city"].to_numpy()]
    sign = " -> " if "sender" in dyads.coords else " & "
    ends = label.split(sign)
    if sign == " & " and sign.join(sorted(ends)) in labels:
        return labels.index(sign.join(sorted(ends)))
    if len(ends) != 2:
        written = sign.join(sides_of(dyads.coords))
        raise QueryError(f"no dyad '{label}'; write {written}, as in {labels[0]}")
    for city in ends:
        if city not in cities:
            raise QueryError(f"no dyad '{label}': no city '{city}'; {suggest(city, cities)}")
    raise QueryError(
        f"no dyad '{label}': the study has no row for it; "
        f"{suggest(label, _rows_of(labels, ends[0]))}"
    )


def provenance(tree: xr.DataTree, draws: int) -> dict[Hashable | None, Any]:
    """Say what a table is made from, for its ``attrs``.

    Returns
    -------
    dict
        ``study``, ``model``, ``priors``, ``draws``, ``synthetic`` (columns that are simulated)
        and ``passed`` (1, or 0 where the fit failed its diagnostics).
    """
    fit = Fit(tree)
    return {
        "study": fit.study,
        "model": fit.model,
        "priors": fit.priors,
        "draws": draws,
        "synthetic": list(fit.synthetic),
        "passed": int(fit.passed),
    }


def _where(part: str) -> str:
    return f"the fit's [formula] {part}"


def _rows_of(labels: Sequence[str], sender: str) -> list[str]:
    return [label for label in labels if label.startswith(f"{sender} -> ")]
