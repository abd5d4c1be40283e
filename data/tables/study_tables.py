"""Every table of a study, as text: read from its folder, or taken from memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.declaration import CityTable, Columns, Declaration, Matrix
from data.errors import StudyError, located
from data.tables.city_table import Cities, city_table
from data.tables.graph import read_graph
from data.tables.matrix import Square, as_rows, has_same_margins, square
from data.tables.sheet import Sheet, read_sheet, refuse_lacking


@dataclass(frozen=True)
class StudyTables:
    """The tables of a study.

    Attributes
    ----------
    dyads : pandas.DataFrame
        Text, a row a directed dyad; its index holds what messages call the rows.
    matrices : mapping of str to Square or pandas.DataFrame
        Dyadic covariates: matrices, or tables in rows.
    notes : tuple of str
        What was found out of the files, in sentences without a full stop.
    sources : mapping of str to str
        What messages call ``dyads``, ``cities`` and each matrix by its name: their files.
    """

    dyads: pd.DataFrame
    cities: Cities | None
    matrices: Mapping[str, Square | pd.DataFrame]
    notes: tuple[str, ...]
    sources: Mapping[str, str]


def read_tables(folder: Path, declaration: Declaration) -> StudyTables:
    """Read the tables that a study names."""
    columns, cities = declaration.dyads, declaration.cities
    source = folder / columns.file
    sources, notes = {"dyads": str(source)}, []
    table: Cities | None = None
    has_file = cities is not None and cities.file is not None
    with located(source):
        if columns.is_graph:
            graph = read_graph(source, columns, None if has_file else cities)
            dyads, sheet_notes = graph.edges, graph.notes
            if not has_file:
                table = city_table(graph.nodes, cities or CityTable())
                sources["cities"] = str(source)
        else:
            sheet = read_sheet(source, columns, "[dyads] file in study.toml names it")
            dyads, sheet_notes = dyads_of(sheet, columns), sheet.notes
    notes += [f"{columns.file}: {note}" for note in sheet_notes]
    if cities is not None and cities.file is not None:
        source = folder / cities.file
        with located(source):
            sheet = read_sheet(source, cities, "[cities] file in study.toml names it")
            table = city_table(sheet.table, cities)
        sources["cities"] = str(source)
        notes += [f"{cities.file}: {note}" for note in sheet.notes]
    elif cities is not None and not columns.is_graph:
        with located(folder / "study.toml"):
            raise StudyError("key 'cities.file' is missing; add it")
    matrices = {}
    for name, declared in declaration.matrices.items():
        source = folder / declared.file
        with located(source):
            sheet = read_sheet(source, declared, f"[matrices] {name} in study.toml names it")
            matrices[name] = covariate(sheet.table, declared, name)
        sources[name] = str(source)
        notes += [f"{declared.file}: {note}" for note in sheet.notes]
    return StudyTables(dyads, table, matrices, tuple(notes), sources)


def dyads_of(sheet: Sheet, columns: Columns) -> pd.DataFrame:
    """Take a table of dyads from a sheet: its rows, or the cells of a matrix."""
    if columns.layout == "matrix":
        matrix = square(sheet.table)
        return as_rows(matrix, columns.sender, columns.receiver, columns.outcome)
    keys = ("sender", "receiver", "outcome", "period")
    table = sheet.table
    if columns.sender not in table and has_same_margins(table):
        raise StudyError('is a square matrix; write layout = "matrix" under [dyads]')
    refuse_lacking(sheet.table, columns, keys, "[dyads]", "a dyad")
    return sheet.table


def covariate(table: pd.DataFrame, declared: Matrix, name: str) -> Square | pd.DataFrame:
    """Take a dyadic covariate from a sheet: a matrix, or its rows."""
    if declared.value is None:
        return square(table)
    keys = ("sender", "receiver", "value")
    refuse_lacking(table, declared, keys, f"[matrices.{name}]", "a dyad")
    return table
