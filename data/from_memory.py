"""A study from tables, matrices or graphs that are in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from data.declaration import CityTable, Columns, Declaration, first_fault
from data.errors import StudyError, located
from data.study import Study, assembled
from data.tables.binary_rows import as_text
from data.tables.city_table import Cities, city_table
from data.tables.graph import graph_tables
from data.tables.matrix import square
from data.tables.sheet import Sheet, sheet_of
from data.tables.study_tables import StudyTables, dyads_of

MODELS = ("nb_srm",)


def study_from(
    dyads: Any,
    cities: pd.DataFrame | None = None,
    *,
    outcome: str,
    sender: str = "sender",
    receiver: str = "receiver",
    exposure: str | None = None,
    trials: str | None = None,
    period: str | None = None,
    periods: Sequence[str] = (),
    directed: bool = True,
    degree: str = "1",
    selection: str = "1",
    matrices: Mapping[str, pd.DataFrame | np.ndarray] | None = None,
    predictors: Mapping[str, str] | None = None,
    absent: str = "missing",
    missing: str = "refuse",
    name: str = "study",
    **declared: Any,
) -> Study:
    """Make a study of data that are in memory, checked as a study folder is.

    Parameters
    ----------
    dyads : pandas.DataFrame, networkx graph or numpy.ndarray
        A row a directed dyad; or a square matrix of outcomes, rows senders, columns receivers,
        named by the index and columns of a DataFrame, and in an array by `cities` in its order
        (without it, 1 to n); or a graph, whose edges have the outcome as an attribute.
    cities : pandas.DataFrame, optional
        A row a city; a column ``city``, or the index, names it. Of a graph, the attributes of its
        nodes by default.
    outcome : str
        The column, or attribute of edges, that holds the outcome; of a matrix, what to call it.
    sender, receiver, exposure, trials : str
        Columns of `dyads`, of undirected ones those of the two cities; trials are what the outcome
        is the number of successes of.
    period : str, optional
        The column of a panel's periods: numbers, dates, or texts in the order of `periods`. A row
        is a dyad and period then.
    periods : sequence of str, optional
        The periods in their order, where they are neither numbers nor dates.
    directed : bool
        Whether dyads have a sender and a receiver; else a row, or an edge, is a pair of cities.
    degree, selection : str
        The right-hand side of each part's formula.
    matrices : mapping of str to pandas.DataFrame or numpy.ndarray, optional
        Dyadic covariates by name, as square matrices. An array has the order of `cities`; without
        it that of the graph's nodes or of the matrix of outcomes.
    predictors : mapping of str to str, optional
        Predictors to compute, by name.
    absent : str
        What a dyad without a row is: ``missing`` or ``zero``.
    missing : str
        What becomes of a row without a predictor: ``refuse`` or ``drop``.
    name : str
        What results are kept under, where a folder is named for them.
    **declared : dict
        What else a `study.toml` says: ``title``, ``models``, ``link``, ``synthetic``, ``noun``,
        ``slopes``, ``factors``, ``hypothesis``.

    Returns
    -------
    Study
        The checked study; everything that takes one that was read from a folder takes it.

    Raises
    ------
    StudyError
        Anything of it is unusable; the message is one line with the rows or the argument.
    """
    _refuse_types(cities, matrices, predictors, name)
    content = {
        "title": name,
        "name": name,
        "models": MODELS,
        **declared,
        "dyads": {
            "outcome": outcome,
            **_ends(sender, receiver, directed=directed),
            "period": period,
            "periods": tuple(periods),
            "exposure": exposure,
            "trials": trials,
            "absent": absent,
            "missing": missing,
            "layout": "matrix" if _is_matrix(dyads, sender, receiver) else "rows",
        },
        "formula": {"degree": degree, "selection": selection},
        "matrices": dict.fromkeys(matrices or (), "in memory"),
        "predictors": dict(predictors or {}),
        "cities": None if cities is None else {"file": "in memory"},
    }
    try:
        declaration = Declaration.model_validate(content)
    except ValidationError as error:
        raise StudyError(f"{name}: {first_fault(error)}") from None
    with located(name):
        tables = _tables(dyads, cities, matrices or {}, declaration, name)
    return assembled(tables, declaration, name, name)


def _ends(sender: str, receiver: str, *, directed: bool) -> dict[str, Any]:
    if directed:
        return {"sender": sender, "receiver": receiver}
    return {"cities": (sender, receiver), "directed": False}


def study_from_table(
    table: pd.DataFrame, declaration: Declaration, name: str, cities: pd.DataFrame | None = None
) -> Study:
    """Make a study of tables that are in memory, by a declaration.

    Parameters
    ----------
    cities : pandas.DataFrame, optional
        A row a city, with the columns that the declaration's city table names. Without it, the
        study has none, whatever is declared.
    """
    places = None if declaration.cities is None else cities
    with located(name):
        tables = _tables(table, places, {}, declaration, name)
    return assembled(tables, declaration, name, name)


def _tables(
    dyads: Any,
    cities: pd.DataFrame | None,
    matrices: Mapping[str, pd.DataFrame | np.ndarray],
    declaration: Declaration,
    name: str,
) -> StudyTables:
    columns = declaration.dyads
    places = None if cities is None else _city_table(cities, declaration)
    names = None if places is None else places.names
    if names is None:
        names = _own_names(dyads, columns)
    notes: tuple[str, ...] = ()
    if hasattr(dyads, "edges") and hasattr(dyads, "is_directed"):
        graph = graph_tables(dyads, columns, None)
        rows, notes = graph.edges, graph.notes
        places = places or city_table(graph.nodes, CityTable())
    elif isinstance(dyads, np.ndarray):
        rows = dyads_of(_matrix_sheet(dyads, names), columns)
    elif isinstance(dyads, pd.DataFrame):
        is_matrix = columns.layout == "matrix"
        rows = dyads_of(_matrix_sheet(dyads, names) if is_matrix else sheet_of(dyads), columns)
    else:
        raise StudyError(
            f"dyads is a {type(dyads).__name__}; give a DataFrame, a square array or a networkx "
            "graph"
        )
    covariates = {}
    for key, matrix in matrices.items():
        with located(f"matrices: {key}"):
            covariates[key] = square(_matrix_sheet(matrix, names).table)
    sources = {"dyads": name, "cities": f"{name}: cities"}
    sources |= {key: f"{name}: matrices: {key}" for key in matrices}
    return StudyTables(rows, places, covariates, notes, sources)


def _own_names(dyads: Any, columns: Columns) -> list[str] | None:
    """Name the cities in the order of the dyads themselves: of a graph, or of a matrix."""
    if hasattr(dyads, "nodes"):
        return [as_text(node) for node in dyads.nodes]
    if columns.layout == "matrix" and isinstance(dyads, pd.DataFrame):
        return [as_text(name) for name in dyads.index]
    if isinstance(dyads, np.ndarray):
        return [str(k + 1) for k in range(len(dyads))]
    return None


def _refuse_types(cities: Any, matrices: Any, predictors: Any, name: str) -> None:
    """Refuse arguments of another kind."""
    for what, given, kind, wanted in (
        ("cities", cities, pd.DataFrame, "a DataFrame"),
        ("matrices", matrices, Mapping, "matrices by name, in a dict"),
        ("predictors", predictors, Mapping, "expressions by name, in a dict"),
    ):
        if given is not None and not isinstance(given, kind):
            raise StudyError(f"{name}: {what} is a {type(given).__name__}; give {wanted}")
    for key, matrix in (matrices or {}).items():
        if not isinstance(matrix, pd.DataFrame | np.ndarray):
            raise StudyError(
                f"{name}: matrices: {key} is a {type(matrix).__name__}; give a square DataFrame "
                "or array"
            )


def _city_table(cities: pd.DataFrame, declaration: Declaration) -> Cities:
    declared = declaration.cities or CityTable()
    table = cities
    if declared.city not in cities:
        table = cities.rename_axis(declared.city).reset_index()
    return city_table(sheet_of(table).table, declared)


def _is_matrix(dyads: Any, sender: str, receiver: str) -> bool:
    if isinstance(dyads, np.ndarray):
        return True
    if not isinstance(dyads, pd.DataFrame) or {sender, receiver} <= set(dyads.columns):
        return False
    return dyads.shape[0] == dyads.shape[1] and set(dyads.index) == set(dyads.columns)


def _matrix_sheet(matrix: pd.DataFrame | np.ndarray, names: Sequence[str] | None) -> Sheet:
    """Take a matrix for a sheet with names on both margins."""
    if isinstance(matrix, np.ndarray):
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise StudyError(f"the matrix has shape {matrix.shape}; it must be square")
        if names is None:
            raise StudyError(
                "an array has no names, and the dyads are rows; give a DataFrame with names on "
                "both margins, or cities="
            )
        labels = list(names)
        if len(labels) != len(matrix):
            raise StudyError(
                f"the matrix has {len(matrix)} rows, and there are {len(labels)} cities; "
                "name the rows and columns in a DataFrame"
            )
        matrix = pd.DataFrame(matrix, labels, labels)
    return sheet_of(matrix.rename_axis(" ").reset_index())
