"""What the files of a new study hold, and a first formula for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.declaration import GRAPHS, CityTable, Columns, Source
from data.errors import StudyError, located
from data.files import TABULATED, read_bytes
from data.new_study.columns import (
    Taken,
    find_city_column,
    find_ends,
    find_outcome,
    find_period,
    find_position,
)
from data.new_study.found import Guess, checked
from data.new_study.terms import add_terms
from data.roles import SIDES
from data.study import Study, assembled
from data.tables.binary_rows import SPREADSHEETS, as_text, sheet_names
from data.tables.city_table import city_table
from data.tables.graph import graph_of, graph_tables
from data.tables.matrix import has_same_margins
from data.tables.rules import numbers
from data.tables.sheet import Sheet, read_sheet
from data.tables.study_tables import StudyTables, dyads_of

LATITUDES, LONGITUDES = ("latitude", "lat", "y_coord"), ("longitude", "lon", "lng", "long")
NAMES = ("name", "label", "id")  # attributes that may name the nodes of a graph


def guess(dyads: Path, cities: Path | None, outcome: str | None, title: str) -> Guess:
    """Find out what the files of a study hold.

    Parameters
    ----------
    dyads : pathlib.Path
        A table of dyads, an edge list, a square matrix or a graph.
    cities : pathlib.Path, optional
        A table of cities; of a graph, its nodes by default.
    outcome : str, optional
        The column of counts; found where it is not named.

    Raises
    ------
    StudyError
        A file cannot be read, or does not hold what a study needs.
    """
    table = None
    if cities is not None:
        with located(cities):
            table = _sheet(cities, beside=cities == dyads)
    with located(dyads):
        found, rows, nodes = _of_dyads(dyads, outcome, table)
    columns = checked(Columns, found.dyads)
    ends = rows[columns.sender], rows[columns.receiver]
    needed = sorted(set(ends[0]) | set(ends[1]))
    sources = {"dyads": str(dyads), "cities": str(cities or dyads)}
    places = None
    if table is not None and cities is not None:
        with located(cities):
            found.cities = {"file": cities.name, **_source(table)}
            city = find_city_column(table.sheet.table, needed)
            found.taken.append(city)
            found.cities["city"] = city.column
            _add_positions(found, table.sheet.table)
            places = city_table(table.sheet.table, checked(CityTable, found.cities))
    elif nodes is not None:
        places = city_table(nodes, checked(CityTable, found.cities or {}))
    _add_absent(found, rows, columns, len(places.names) if places else len(needed))
    tables = StudyTables(rows, places, {}, (), sources)
    values = numbers(rows[columns.outcome])
    if (values < 0).any() or (values % 1 > 0).any():
        found.bare_model = "normal_srm"
    bare = assembled(tables, found.declaration(title, []), "new", "study.toml")
    if _looks_undirected(bare) and not _stands_twice(rows, columns):
        bare = _undirected(found, tables, columns, title)
    _choose_models(found, bare)
    add_terms(found, tables, title, bare.dyads.sizes["dyad"])
    return found


@dataclass(frozen=True)
class _Read:
    """A sheet, and which of several it is."""

    sheet: Sheet
    name: str | None = None


def _sheet(path: Path, *, beside: bool = False) -> _Read:
    """Read a table; of several sheets the first, or the second where the first has the dyads."""
    missing = "name a file that is there"
    if path.suffix.casefold() in SPREADSHEETS:
        names = sheet_names(read_bytes(path, TABULATED, StudyError, missing))
        if len(names) > 1:
            name = names[int(beside)]
            return _Read(read_sheet(path, Source(sheet=name), missing), name)
    return _Read(read_sheet(path, Source(), missing))


def _source(read: _Read) -> dict[str, Any]:
    return {} if read.name is None else {"sheet": read.name}


def _of_dyads(
    path: Path, outcome: str | None, cities: _Read | None
) -> tuple[Guess, pd.DataFrame, pd.DataFrame | None]:
    """Find out the layout and the columns of the dyads; give them as rows, and a graph's nodes."""
    if path.suffix.casefold() in GRAPHS:
        return _of_graph(path, outcome, has_cities=cities is not None)
    read = _sheet(path)
    table = read.sheet.table
    found = Guess({"file": path.name, **_source(read)}, notes=list(read.sheet.notes))
    if read.name is not None:
        found.notes.append(f"sheet '{read.name}' is taken, the first of several")
    if has_same_margins(table):
        found.dyads |= {"layout": "matrix", "outcome": outcome or "count"}
        why = "its first row and its first column hold the same names"
        found.taken.append(Taken(found.dyads["outcome"], "outcome, a square matrix", why))
        return found, dyads_of(read.sheet, checked(Columns, found.dyads)), None
    if table.empty:
        raise StudyError("the table is empty; it needs a header and one row a dyad")
    known = None
    if cities is not None:
        values = cities.sheet.table
        known = [name for column in values for name in values[column]]
    sender, receiver = find_ends(table, known)
    named = [sender, receiver]
    if period := find_period(table, sender.column, receiver.column):
        named.append(period)
    counts = find_outcome(table, [one.column for one in named], outcome)
    named.append(counts)
    found.taken += named
    found.dyads |= {one.what: one.column for one in named}
    return found, table, None


def _of_graph(
    path: Path, outcome: str | None, *, has_cities: bool
) -> tuple[Guess, pd.DataFrame, pd.DataFrame]:
    graph = graph_of(path)
    given = [data for _, _, data in graph.edges(data=True)]
    keys = dict.fromkeys(key for data in given for key in data)
    edges = pd.DataFrame(
        {str(key): [as_text(data.get(key)) for data in given] for key in keys}, dtype=object
    )
    edges.insert(0, "sender", [str(i) for i, _ in graph.edges()])
    edges.insert(1, "receiver", [str(j) for _, j in graph.edges()])
    edges = edges.drop(columns=[name for name in ("id",) if name in edges and name != outcome])
    counts = find_outcome(edges, ("sender", "receiver"), outcome)
    found = Guess({"file": path.name, "outcome": counts.column}, taken=[counts])
    cities = None
    if not has_cities and (naming := _naming(graph)):
        found.cities = {"city": naming}
        cities = checked(CityTable, {"city": naming})
        found.taken.append(Taken(naming, "city", "every node has one of its own"))
    tables = graph_tables(graph, checked(Columns, found.dyads), cities)
    found.notes += tables.notes
    return found, tables.edges, tables.nodes


def _naming(graph: Any) -> str | None:
    """Find an attribute that names the nodes of a graph whose own names are numbers."""
    nodes = list(graph.nodes(data=True))
    plain = all(str(node).lstrip("n").isdigit() for node, _ in nodes)
    for name in NAMES if plain else ():
        values = [str(data.get(name, "")) for _, data in nodes]
        if all(values) and len(set(values)) == len(values) and values != [str(n) for n, _ in nodes]:
            return name
    return None


def _add_positions(found: Guess, table: pd.DataFrame) -> None:
    latitude, longitude = find_position(table, LATITUDES, 90), find_position(table, LONGITUDES, 180)
    if latitude and longitude and found.cities is not None:
        found.cities |= {"latitude": latitude, "longitude": longitude}
        found.taken += [
            Taken(latitude, "latitude", "degrees from -90 to 90"),
            Taken(longitude, "longitude", "degrees from -180 to 180"),
        ]


def _add_absent(found: Guess, rows: pd.DataFrame, columns: Columns, cities: int) -> None:
    count = numbers(rows[columns.outcome])
    periods = 1 if columns.period is None else rows[columns.period].nunique()
    lacking = cities * (cities - 1) * periods - len(rows)
    if lacking > 0 and not (count == 0).any() and columns.layout == "rows":
        found.dyads["absent"] = "zero"
        found.notes.append(
            f"no count is 0 and {lacking} dyads have no row: these are taken for zeros "
            '(absent = "zero"); write "missing" if they are not'
        )


def _looks_undirected(study: Study) -> bool:
    return any("undirected" in caution for caution in study.cautions)


def _stands_twice(rows: pd.DataFrame, columns: Columns) -> bool:
    """Tell whether rows hold pairs in both directions, which undirected dyads refuse."""
    when = rows.index.map(lambda _: "") if columns.period is None else rows[columns.period]
    ends = zip(rows[columns.sender], rows[columns.receiver], when, strict=True)
    return columns.is_in_rows and len({(frozenset((i, j)), t) for i, j, t in ends}) < len(rows)


def _undirected(found: Guess, tables: StudyTables, columns: Columns, title: str) -> Study:
    """Take dyads for undirected: every pair once, one effect a city."""
    found.dyads["directed"] = False
    if columns.is_in_rows:
        found.dyads["cities"] = list(columns.ends)
        for side in SIDES:
            found.dyads.pop(side, None)
    found.bare_model = f"{found.bare_model.partition('_')[0]}_additive"
    found.notes.append("the dyads are taken for undirected (directed = false): a row is a pair")
    return assembled(tables, found.declaration(title, []), "new", "study.toml")


def _choose_models(found: Guess, study: Study) -> None:
    """Take models that suit the outcome, and hear what looks wrong with it."""
    found.cautions = list(study.cautions)
    directed = study.declaration.dyads.directed
    outcome = study.dyads["outcome"]
    has_zeros = bool((outcome == 0).any())
    effects = "additive"
    if directed:  # the two effects of a city are one where both directions are the same
        effects = "sender" if _looks_undirected(study) else "srm"
    if outcome.dtype.kind == "f":
        found.models = [f"normal_{effects}"]
        return
    if set(outcome.to_numpy().tolist()) == {0, 1}:
        found.models = [f"bernoulli_{effects}"]
        return
    nb = f"nb_{effects}"
    found.models = [nb, f"zi{nb}"] if has_zeros else [nb]
