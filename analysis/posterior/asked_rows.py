"""Rows to predict, with the attributes of their cities and the predictors that a study computes."""

import numpy as np
import pandas as pd

from analysis.posterior.new_values import Fitted
from data.errors import QueryError, StudyError, located, suggest
from data.formulas.derived import derived_column
from data.formulas.grammar import parse_expression
from data.formulas.new_values import Rows
from data.formulas.node_terms import Ends
from data.formulas.reader import Columns, ParsedFactor
from data.roles import SIDES


def asked_rows(fitted: Fitted, rows: pd.DataFrame, cities: pd.DataFrame | None) -> Rows:
    """Give rows their cities, and compute the study's predictors where they are not given.

    Raises
    ------
    QueryError
        A city's attributes are needed and not given, or a predictor cannot be computed.
    """
    ends = _ends(fitted, rows, cities)
    table = rows.copy()
    declared = fitted.declaration.predictors
    used = dict.fromkeys(name for formula in fitted.formulas.values() for name in formula.used)
    for name in used:
        if name in declared and name not in table:
            _compute(name, table, ends, fitted)
    return Rows(table, ends)


def _compute(name: str, table: pd.DataFrame, ends: Ends | None, fitted: Fitted) -> None:
    """Add a predictor, and before it those that it is computed from."""
    text = fitted.declaration.predictors[name]
    known = [*map(str, table.columns), *fitted.declaration.predictors]
    attributes = () if ends is None else tuple(map(str, ends.cities.columns))
    has_positions = ends is not None and ends.latitude is not None
    with located(f"rows: no column '{name}', and {name} = {text!r} cannot be computed"):
        try:
            parsed = parse_expression(text, Columns(tuple(known), attributes, has_positions))
            for other in parsed.names:
                if other not in table:
                    _compute(other, table, ends, fitted)
                table[other] = _settled(table[other])
            column = derived_column(name, text, parsed, table, ends)
            _refuse_lacking(column, parsed)
        except StudyError as error:
            raise QueryError(str(error)) from None
    table[name] = column


def _settled(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    return column.astype(object) if numbers.isna().all() else numbers.astype(float)


def _refuse_lacking(column: pd.Series, parsed: ParsedFactor) -> None:
    if (lacking := column.isna().to_numpy()).any():
        needed = ", ".join((*parsed.names, *parsed.attributes))
        raise QueryError(f"{column.index[lacking][0]} lacks one of {needed}")


def _ends(fitted: Fitted, rows: pd.DataFrame, cities: pd.DataFrame | None) -> Ends | None:
    """Find the cities of rows among those of the fit and those that are given."""
    known = fitted.rows.ends
    if known is None:
        return None
    table = known.cities.copy()
    places = known.positions
    if cities is not None:
        given = _given(fitted, cities)
        table = _over(table, given[[name for name in table if name in given]])
        for kind in places:
            column = getattr(fitted.declaration.cities, kind, kind)
            if column in given:
                places[kind] = _over(places[kind].to_frame(column), given[[column]])[column]
    columns = [getattr(fitted.declaration.dyads, side) for side in SIDES]
    named = pd.unique(rows[columns].to_numpy().ravel())
    needs = [formula for formula in fitted.formulas.values() if formula.node_calls]
    unknown = [city for city in named if city not in table.index]
    if unknown and needs:
        raise QueryError(
            f"cities: no row for '{unknown[0]}', whose attributes the model needs; give it in "
            "cities=, a table with a row a city"
        )
    table = table.reindex([*table.index, *unknown])
    index = table.index
    return Ends(
        table,
        *(index.get_indexer(pd.Index(rows[column])) for column in columns),
        *(values.reindex(index).to_numpy(dtype=float) for values in places.values()),
    )


def _given(fitted: Fitted, cities: pd.DataFrame) -> pd.DataFrame:
    """Take a table of cities, which are its index or stand in the column that the study names."""
    if not isinstance(cities, pd.DataFrame):
        raise QueryError(f"cities is a {type(cities).__name__}; give a table with a row a city")
    declared = fitted.declaration.cities
    name = declared.city if declared is not None else "city"
    table = cities.set_index(name) if name in cities else cities
    if table.index.has_duplicates:
        raise QueryError(f"cities: '{table.index[table.index.duplicated()][0]}' stands twice")
    wanted = {name for formula in fitted.formulas.values() for name in formula.attributes}
    if lacking := sorted(wanted - set(map(str, table.columns))):
        raise QueryError(
            f"cities: no column '{lacking[0]}', which the model needs; "
            f"{suggest(lacking[0], map(str, table.columns))}"
        )
    return table


def _over(known: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Put given attributes over known ones; numbers stay numbers."""
    whole = known.reindex(known.index.union(given.index, sort=False))
    for name in given:
        numeric = pd.api.types.is_numeric_dtype(known[name])
        values = pd.to_numeric(given[name], errors="coerce") if numeric else given[name]
        blank = np.isinf(values) if numeric else values.astype(str).str.strip() == ""
        missing = values.isna() | blank
        if missing.any():
            kind = "a finite number" if numeric else "text"
            raise QueryError(f"cities: '{name}' of '{values.index[missing][0]}': write {kind}")
        column = whole[name].astype(float if numeric else object)
        column.loc[given.index] = values.to_numpy()
        whole[name] = column
    return whole
