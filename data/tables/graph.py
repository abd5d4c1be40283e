"""Graphs that networkx reads: their edges as a table of dyads, their nodes as a table of cities."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.declaration import CityTable, Columns
from data.errors import StudyError, suggest
from data.files import TABULATED, read_bytes
from data.tables.binary_rows import as_text, read_by


@dataclass(frozen=True)
class GraphTables:
    """A graph as two tables of text.

    Attributes
    ----------
    edges : pandas.DataFrame
        The columns of sender and receiver, then the attributes of edges; indexed by the edge in
        words. An edge of an undirected graph stands in both directions.
    nodes : pandas.DataFrame
        The column of the city's name, then the attributes of nodes; indexed by the node in words.
    """

    edges: pd.DataFrame
    nodes: pd.DataFrame
    notes: tuple[str, ...]


def read_graph(path: Path, columns: Columns, cities: CityTable | None) -> GraphTables:
    """Read a GraphML, GEXF or Pajek file as tables."""
    return graph_tables(graph_of(path), columns, cities)


def graph_of(path: Path) -> Any:
    """Read a GraphML, GEXF or Pajek file as a networkx graph."""
    content = read_bytes(path, TABULATED, StudyError, "[dyads] file in study.toml names it")
    import networkx as nx  # noqa: PLC0415 - only where there is a graph

    readers: dict[str, Any] = {
        ".graphml": nx.read_graphml,
        ".gexf": nx.read_gexf,
        ".net": lambda file: nx.parse_pajek(_pajek_lines(file.read())),
    }
    with read_by("a graph"):
        return readers[path.suffix.casefold()](io.BytesIO(content))


def _pajek_lines(content: bytes) -> list[str]:
    """Read a Pajek file without sections that are empty, which networkx would take for directed.

    Raises
    ------
    StudyError
        It has both arcs and edges, of which networkx makes one kind.
    """
    sections: list[list[str]] = [[]]
    for line in content.decode("utf-8-sig").splitlines():
        if line.strip().startswith("*"):
            sections.append([])
        if line.strip():
            sections[-1].append(line)
    kept = [section for section in sections if len(section) > 1]
    kinds = {section[0].strip().casefold().split()[0] for section in kept}
    if {"*arcs", "*edges"} <= kinds:
        raise StudyError(
            "has both *Arcs and *Edges; write each edge as two arcs, and one section of arcs"
        )
    return [line for section in kept for line in section]


def graph_tables(graph: Any, columns: Columns, cities: CityTable | None) -> GraphTables:
    """Take a networkx graph apart.

    Raises
    ------
    StudyError
        There is no edge; nodes lack the attribute that names them, or share a name; edges have no
        such attribute as the outcome.
    """
    names = _names(graph, cities)
    found = [(names[i], names[j], dict(attributes)) for i, j, attributes in graph.edges(data=True)]
    if not found:
        raise StudyError("the graph has no edges; it needs one a dyad")
    known = list(dict.fromkeys(str(name) for _, _, given in found for name in given))
    notes = []
    if not known:
        notes.append("its edges have no attributes: each is a 1")
        found = [(i, j, {columns.outcome: 1}) for i, j, _ in found]
        known = [columns.outcome]
    if columns.outcome not in known:
        raise StudyError(
            f"no edge has an attribute '{columns.outcome}', which study.toml names; "
            f"{suggest(columns.outcome, known)}"
        )
    directed = graph.is_directed()
    if not directed and columns.directed:
        found += [(j, i, given) for i, j, given in found if i != j]
    ends = {columns.sender: [i for i, _, _ in found], columns.receiver: [j for _, j, _ in found]}
    edges = pd.DataFrame(
        ends | _attributes([given for _, _, given in found], known, ends), dtype=object
    )
    edges.index = pd.Index([f"edge {i} -> {j}" for i, j, _ in found])
    column = cities.city if cities is not None else CityTable.model_fields["city"].default
    own = [dict(attributes) for _, attributes in graph.nodes(data=True)]
    all_names = list(dict.fromkeys(str(name) for given in own for name in given))
    if column in all_names and (cities is None or "city" not in cities.model_fields_set):
        raise StudyError(
            f"nodes have an attribute '{column}', which is what their names are called; write "
            f'[cities] city = "{column}" if it names them, else rename it'
        )
    label = {column: [names[node] for node in graph.nodes]}
    nodes = pd.DataFrame(label | _attributes(own, all_names, label), dtype=object)
    nodes.index = pd.Index([f"node {name}" for name in label[column]])
    if not directed and columns.directed:
        notes.append("the graph is undirected: each edge stands in both directions")
    return GraphTables(edges, nodes, tuple(notes))


def _names(graph: Any, cities: CityTable | None) -> dict[Any, str]:
    """Name the nodes: by the attribute that is declared, else by what the graph calls them."""
    if cities is None or "city" not in cities.model_fields_set:
        names = {node: as_text(node) for node in graph.nodes}
    else:
        names = {}
        for node, given in graph.nodes(data=True):
            if cities.city not in given:
                raise StudyError(
                    f"node {node} has no attribute '{cities.city}', which study.toml names; "
                    f"{suggest(cities.city, map(str, given))}"
                )
            names[node] = as_text(given[cities.city])
    repeated = pd.Series(list(names.values()), dtype=object)
    repeated = repeated[repeated.duplicated()]
    if len(repeated):
        raise StudyError(f"two nodes are named '{repeated.iloc[0]}'; give each its own name")
    return names


def _attributes(
    given: list[dict[Any, Any]], names: list[str], taken: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Lay out attributes as columns; an element without one has nothing there."""
    by_name = [{str(name): value for name, value in one.items()} for one in given]
    return {
        name: [as_text(one.get(name)) for one in by_name] for name in names if name not in taken
    }
