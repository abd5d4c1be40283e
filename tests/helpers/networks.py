"""One small network with its cities, written as people keep such data: in ten ways."""

from dataclasses import dataclass, field
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pyreadstat

NAMES = ["Ada", "Bör", "Cam", "Dun", "Elm", "Fox"]
NAMED = {"outcome": "letters", "sender": "from", "receiver": "to"}  # the columns of its rows
ENDS = 'sender = "from"\nreceiver = "to"'
TOWNS = 'file = "towns.csv"\ncity = "town"'
FORMULA = "scale(absdiff(log(gdp))) + same(region) + sender(region) + near"


@dataclass(frozen=True)
class Network:
    """Rows of dyads (``from``, ``to``, ``letters``), cities, and a dyadic covariate as a matrix."""

    rows: pd.DataFrame
    cities: pd.DataFrame
    near: pd.DataFrame

    @property
    def edges(self):
        return self.rows[self.rows["letters"] > 0]

    @property
    def matrix(self):
        named = self.rows.pivot_table("letters", "from", "to")  # one value each: its own mean
        return named.astype("Int64")

    @property
    def graph(self):
        graph = nx.DiGraph()
        for city in self.cities.itertuples(index=False):
            graph.add_node(city.town, gdp=city.gdp, region=city.region)
        for i, j, letters in self.edges.itertuples(index=False):
            graph.add_edge(i, j, letters=int(letters))
        return graph


def network(seed=1, names=NAMES):
    rng, n = np.random.default_rng(seed), len(names)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    names = np.array(sorted(names))
    rows = pd.DataFrame({"from": names[i], "to": names[j], "letters": rng.poisson(0.8, len(i))})
    regions = np.resize(["hills", "coast", "hills", "plain"], n)
    cities = pd.DataFrame({"town": names, "gdp": rng.lognormal(3, 1, n), "region": regions})
    near = pd.DataFrame(rng.normal(size=(n, n)), names, names)
    return Network(rows, cities, near)


def toml(file="d.csv", dyads="", cities=TOWNS, degree=FORMULA, more="", models='["nb_pooled"]'):
    """Write a declaration of the network."""
    places = f"[cities]\n{cities}\n" if cities is not None else ""
    return (
        f'title = "Letters"\nname = "letters"\nmodels = {models}\n'
        f'[dyads]\nfile = "{file}"\noutcome = "letters"\n{dyads}\n{places}'
        f'[matrices]\nnear = "near.csv"\n{more}\n[formula]\ndegree = "{degree}"\n'
    )


def write(folder, net, declared):
    """Write a study's folder with its city table and its matrix, but not its dyads."""
    folder.mkdir(parents=True, exist_ok=True)
    net.cities.to_csv(folder / "towns.csv", index=False)
    net.near.to_csv(folder / "near.csv")
    (folder / "study.toml").write_text(declared, encoding="utf-8")
    return folder


def coded(net):
    """Give the rows with cities as numbers, and their labels, as Stata and SPSS have them."""
    labels = {k + 1: name for k, name in enumerate(sorted(net.cities["town"]))}
    numbers = {name: k for k, name in labels.items()}
    rows = net.rows.assign(**{end: net.rows[end].map(numbers) for end in ("from", "to")})
    return rows, {"from": labels, "to": labels}


@dataclass(frozen=True)
class Way:
    """A way of keeping a network: the file's name, what is declared, and how it is written."""

    file: str
    put: object
    dyads: str = ENDS
    cities: str | None = TOWNS
    reads: dict = field(default_factory=dict)


def _statistics(write_file):
    def put(net, path):
        rows, labels = coded(net)
        write_file(rows, str(path), variable_value_labels=labels)

    return put


ABSENT = 'absent = "zero"'
EDGES = f"{ENDS}\n{ABSENT}"
WAYS = {
    "rows": Way("d.csv", lambda net, path: net.rows.to_csv(path, index=False)),
    "edges": Way("d.csv", lambda net, path: net.edges[::-1].to_csv(path, index=False), EDGES),
    "matrix": Way("d.csv", lambda net, path: net.matrix.to_csv(path), 'layout = "matrix"'),
    "xlsx": Way("d.xlsx", lambda net, path: net.rows.to_excel(path, index=False)),
    "dta": Way("d.dta", _statistics(pyreadstat.write_dta)),
    "sav": Way("d.sav", _statistics(pyreadstat.write_sav)),
    "parquet": Way("d.parquet", lambda net, path: net.rows.to_parquet(path)),
    "graphml": Way(
        "d.graphml",
        lambda net, path: nx.write_graphml(net.graph, path),
        ABSENT,
        None,
    ),
    "gexf": Way("d.gexf", lambda net, path: nx.write_gexf(net.graph, path), ABSENT, None),
    "ods": Way("d.ods", lambda net, path: net.rows.to_excel(path, index=False, engine="odf")),
    "tsv": Way("d.tsv", lambda net, path: net.rows.to_csv(path, index=False, sep="\t")),
    "semicolons": Way("d.csv", lambda net, path: net.rows.to_csv(path, index=False, sep=";")),
    "bars": Way("d.txt", lambda net, path: net.rows.to_csv(path, index=False, sep="|")),
    "matrix in a sheet": Way(
        "d.xlsx", lambda net, path: net.matrix.to_excel(path), 'layout = "matrix"'
    ),
    "below empty rows": Way(
        "d.xlsx",
        lambda net, path: net.rows.to_excel(path, index=False, startrow=3, startcol=2),
    ),
    "pajek": Way("d.net", lambda net, path: nx.write_pajek(_in_words(net.graph), path), ABSENT),
    "undeclared columns": Way(
        "d.csv",
        lambda net, path: net.rows.set_axis(["sender", "receiver", "letters"], axis=1).to_csv(path),
        "",
    ),
    "a graph beside a table": Way(
        "d.graphml", lambda net, path: nx.write_graphml(net.graph, path), ABSENT
    ),
    "edges in a sheet": Way(
        "d.ods", lambda net, path: net.edges.to_excel(path, index=False, engine="odf"), EDGES
    ),
    "edges in Stata": Way("d.dta", lambda net, path: net.edges.to_stata(path), EDGES),
    "a matrix in Parquet": Way(
        "d.parquet",
        lambda net, path: net.matrix.reset_index().to_parquet(path),
        'layout = "matrix"',
    ),
    "a matrix with semicolons": Way(
        "d.csv", lambda net, path: net.matrix.to_csv(path, sep=";"), 'layout = "matrix"'
    ),
    "in capitals": Way("D.CSV", lambda net, path: net.rows.to_csv(path, index=False)),
    "with a byte order mark": Way(
        "d.csv", lambda net, path: net.rows.to_csv(path, index=False, encoding="utf-8-sig")
    ),
    "edges in parquet": Way("d.parquet", lambda net, path: net.edges.to_parquet(path), EDGES),
}


def _in_words(graph):
    """Write the attributes of edges as Pajek has them: words."""
    words = nx.DiGraph()
    for i, j, given in graph.edges(data=True):
        words.add_edge(i, j, letters=str(given["letters"]))
    return words


def _two_sheets(net, path):
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"note": ["see the other sheet"]}).to_excel(book, sheet_name="read me")
        net.rows.to_excel(book, sheet_name="dyads", index=False)


WAYS["one of two sheets"] = Way("d.xlsx", _two_sheets, f'{ENDS}\nsheet = "dyads"')


def write_way(folder, net, name, **declared):
    """Write a study in one of the ways."""
    way = WAYS[name]
    said = toml(way.file, way.dyads, way.cities, **declared)
    path = Path(write(folder, net, said)) / way.file
    way.put(net, path)
    return folder
