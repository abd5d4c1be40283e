"""The same network, whatever kind of file it is kept in, is the same study to the bit."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from networks import ENDS, NAMED, WAYS, network, toml, write, write_way

from data import read_study, study_from
from data.errors import StudyError


@pytest.fixture(scope="module")
def net():
    return network()


@pytest.fixture(scope="module")
def expected(net, tmp_path_factory):
    return read_study(write_way(tmp_path_factory.mktemp("rows"), net, "rows"))


def test_the_network_read_from_rows_is_what_was_made(net, expected):
    dyads = expected.dyads
    assert dyads["outcome"].to_numpy().tolist() == net.rows["letters"].tolist()
    assert dyads["sender"].to_numpy().tolist() == net.rows["from"].tolist()
    gdp = net.cities.set_index("town")["gdp"]
    difference = np.abs(
        np.log(gdp[net.rows["from"]].to_numpy()) - np.log(gdp[net.rows["to"]].to_numpy())
    )
    scaled = (difference - difference.mean()) / difference.std(ddof=1)
    design = dyads["degree_design"].sel(degree_term="scale(absdiff(log(gdp)))")
    np.testing.assert_allclose(design, scaled, rtol=0, atol=1e-12)
    near = [net.near.loc[i, j] for i, j in zip(net.rows["from"], net.rows["to"], strict=True)]
    assert dyads["degree_design"].sel(degree_term="near").to_numpy().tolist() == near


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_the_same_study_to_the_bit(net, expected, tmp_path, way):
    found = read_study(write_way(tmp_path / way, net, way))
    assert found.dyads.identical(expected.dyads)
    assert found.digest == expected.digest


@pytest.mark.parametrize("way", ["frame", "edges", "matrix", "array", "graph"])
def test_memory_is_the_same_study_to_the_bit(net, expected, way):
    cities = net.cities.set_index("town")
    matrix = net.matrix.astype(float)
    common = {"outcome": "letters", "degree": expected.declaration.formula.degree, "name": "m"}
    common["matrices"] = {"near": net.near}
    ends = {"sender": "from", "receiver": "to"}
    found = {
        "frame": lambda: study_from(net.rows, cities, **ends, **common),
        "edges": lambda: study_from(net.edges, cities, absent="zero", **ends, **common),
        "matrix": lambda: study_from(matrix, cities, **common),
        "array": lambda: study_from(matrix.to_numpy(), cities, **common),
        "graph": lambda: study_from(net.graph, absent="zero", **common),
    }[way]()
    assert found.dyads.identical(expected.dyads)
    assert found.digest == expected.digest
    assert found.folder is None


def test_what_was_found_out_is_said(net, tmp_path):
    said = {
        "edges": f"{len(net.rows) - len(net.edges)} directed dyads without a row are zeros",
        "semicolons": "d.csv: fields are separated by semicolons",
        "dta": "d.dta: value labels in place of numbers in from, to",
    }
    for way, note in said.items():
        assert note in read_study(write_way(tmp_path / way, net, way)).notes


def test_decimal_commas_are_found_where_a_column_has_them(net, expected, tmp_path):
    folder = write(tmp_path / "s", net, toml(dyads=ENDS, degree="near + share"))
    share = np.arange(len(net.rows)) / 8
    net.rows.assign(share=share).to_csv(folder / "d.csv", index=False, sep=";", decimal=",")
    study = read_study(folder)
    assert study.dyads["degree_design"].sel(degree_term="share").to_numpy().tolist() == list(share)
    assert "d.csv: decimal commas in share" in study.notes


def test_commas_that_may_part_thousands_are_refused(net, tmp_path):
    folder = write(tmp_path / "s", net, toml(dyads=ENDS, degree="size"))
    size = [f"{k + 1},500" for k in range(len(net.rows))]
    net.rows.assign(size=size).to_csv(folder / "d.csv", index=False, sep=";")
    with pytest.raises(StudyError, match="holds '1,500', which may be thousands or decimals"):
        read_study(folder)
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[dyads]\n", '[dyads]\ndecimal = ","\n'), encoding="utf-8")
    found = read_study(folder).dyads["degree_design"].to_numpy().ravel()
    assert found.tolist() == [k + 1.5 for k in range(len(net.rows))]


def test_an_exposure_may_be_a_matrix_or_a_predictor(net, tmp_path):
    more = '[predictors]\nmass = "sqrt(product(gdp))"'
    said = toml(dyads=f'{ENDS}\nabsent = "zero"\nexposure = "mass"', degree="near", more=more)
    folder = write(tmp_path / "s", net, said)
    net.edges.to_csv(folder / "d.csv", index=False)
    gdp = net.cities.set_index("town")["gdp"]
    expected = np.log(gdp[net.rows["from"]].to_numpy() * gdp[net.rows["to"]].to_numpy()) / 2
    found = read_study(folder).dyads["log_exposure"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_declared_signs_are_obeyed(net, tmp_path):
    folder = write(tmp_path / "s", net, toml(dyads=f'{ENDS}\ndecimal = ","', degree="share"))
    table = net.rows.assign(share=[f"{k},5" for k in range(len(net.rows))])
    table.to_csv(folder / "d.csv", index=False)
    found = read_study(folder).dyads["degree_design"].to_numpy().ravel()
    assert found.tolist() == [k + 0.5 for k in range(len(net.rows))]


def test_labels_of_values_are_categories(net, tmp_path):
    import pyreadstat  # noqa: PLC0415

    folder = write(tmp_path / "s", net, toml("d.dta", ENDS, degree="kind"))
    rows = net.rows.assign(kind=np.arange(len(net.rows)) % 2)
    labels = {"kind": {0: "rail", 1: "road"}}
    pyreadstat.write_dta(rows, str(folder / "d.dta"), variable_value_labels=labels)
    dyads = read_study(folder).dyads
    assert dyads["degree_term"].to_numpy().tolist() == ["kind[T.road]"]
    assert dyads["degree_design"].to_numpy().ravel().tolist() == rows["kind"].tolist()


def test_a_city_without_an_edge_has_zeros(net, tmp_path):
    lonely = pd.concat(
        [net.cities, pd.DataFrame({"town": ["Zzz"], "gdp": [5.0], "region": ["hills"]})]
    )
    near = net.near.reindex(index=[*net.near, "Zzz"], columns=[*net.near, "Zzz"], fill_value=1.0)
    folder = write_way(tmp_path / "s", network(), "edges")
    lonely.to_csv(folder / "towns.csv", index=False)
    near.to_csv(folder / "near.csv")
    dyads = read_study(folder).dyads
    assert dyads.sizes["dyad"] == 7 * 6
    assert int(dyads["outcome"].sel(dyad=dyads["sender"] == "Zzz").sum()) == 0
    assert int(dyads["outcome"].sum()) == net.rows["letters"].sum()


def test_a_covariate_in_rows_is_that_in_a_matrix(net, expected, tmp_path):
    more = '[matrices.far]\nfile = "far.csv"\nsender = "a"\nreceiver = "b"\nvalue = "v"'
    said = toml(dyads=ENDS, more=f'{more}\nabsent = "zero"', degree="far")
    folder = write(tmp_path / "s", net, said)
    net.rows.to_csv(folder / "d.csv", index=False)
    # loops and other cities are passed over
    table = pd.DataFrame(
        {"a": ["Ada", "Ada", "Fox", "Xyz"], "b": ["Bör", "Ada", "Elm", "Ada"], "v": [1.5, 9, 2, 3]}
    )
    table.to_csv(folder / "far.csv", index=False)
    far = read_study(folder).dyads["degree_design"].sel(degree_term="far").to_series()
    assert far[far != 0].to_dict() == {"Ada -> Bör": 1.5, "Fox -> Elm": 2.0}


def test_pajek_files_are_read(tmp_path):
    graph = nx.DiGraph()
    for i, j, weight in [("a", "b", 2), ("b", "c", 1), ("c", "a", 4), ("b", "a", 1)]:
        graph.add_edge(i, j, weight=weight)
    nx.write_pajek(graph, tmp_path / "d.net")
    (tmp_path / "study.toml").write_text(
        'title = "t"\nmodels = ["nb_pooled"]\n[dyads]\nfile = "d.net"\noutcome = "weight"\n'
        'absent = "zero"\n'
    )
    counts = read_study(tmp_path).dyads["outcome"].to_series()
    assert counts[counts > 0].to_dict() == {"a -> b": 2, "b -> a": 1, "b -> c": 1, "c -> a": 4}


def test_nodes_are_named_by_the_attribute_that_is_declared(net, tmp_path):
    graph = nx.relabel_nodes(net.graph, {name: f"n{k}" for k, name in enumerate(net.graph)})
    for name, node in zip(net.graph, graph, strict=True):
        graph.nodes[node]["called"] = name
    folder = write(tmp_path / "s", net, toml("d.graphml", 'absent = "zero"', 'city = "called"'))
    nx.write_graphml(graph, folder / "d.graphml")
    assert read_study(folder).dyads["city"].to_numpy().tolist() == sorted(net.graph)


def test_an_undirected_graph_has_each_edge_in_both_directions():
    graph = nx.les_miserables_graph()
    study = study_from(graph, outcome="weight", absent="zero")
    weights = nx.to_pandas_adjacency(graph, dtype=int)
    for i, j, count in zip(
        *(study.dyads[name].to_numpy() for name in ("sender", "receiver", "outcome")), strict=True
    ):
        assert weights.loc[i, j] == count
    assert study.dyads.sizes["dyad"] == 77 * 76
    assert "both directions" in study.notes[0]
    assert "look undirected" in study.cautions[0]


@pytest.mark.parametrize(
    ("dyads", "said"),
    [
        (3, "dyads is a int; give a DataFrame, a square array or a networkx graph"),
        (np.ones((2, 3)), "the matrix has shape (2, 3); it must be square"),
        (pd.DataFrame({"sender": ["a"], "n": [1]}), "no column 'receiver'"),
    ],
)
def test_what_is_no_network_in_memory_is_named(dyads, said):
    with pytest.raises(StudyError) as refused:
        study_from(dyads, outcome="n")
    assert said in str(refused.value)


def test_points_between_thousands_are_refused_beside_decimal_commas(net, tmp_path):
    folder = write(tmp_path / "s", net, toml(dyads=f'{ENDS}\ndecimal = ","', degree="size"))
    size = ["1.200", "12,5", "999"] * 10
    net.rows.assign(size=size).to_csv(folder / "d.csv", index=False, sep=";")
    with pytest.raises(StudyError, match=r"'size' holds '1.200' beside decimal commas; take out"):
        read_study(folder)


def test_long_codes_stay_apart():
    codes = [2**60 + k for k in (1, 2, 1000)]
    rows = pd.DataFrame(
        [(i, j, 1) for i in codes for j in codes if i != j], columns=["sender", "receiver", "n"]
    )
    study = study_from(rows, outcome="n")
    assert study.dyads["city"].to_numpy().tolist() == sorted(map(str, codes))


PAJEK = '*Vertices 4\n1 "a"\n2 "b"\n3 "c"\n4 "d"\n'


@pytest.mark.parametrize("text", ["*Arcs\n*Edges\n{}", "*Edges\n{}*Arcs\n"])
def test_edges_of_pajek_stand_in_both_directions(tmp_path, text):
    (tmp_path / "d.net").write_text(PAJEK + text.format("1 2 3\n2 3 4\n1 4 2\n"))
    declared = 'title = "t"\nmodels = ["nb_pooled"]\n[dyads]\nfile = "d.net"\noutcome = "weight"\n'
    (tmp_path / "study.toml").write_text(f'{declared}absent = "zero"\n')
    counts = read_study(tmp_path).dyads["outcome"].to_series()
    for i, j, n in (("a", "b", 3), ("b", "c", 4), ("a", "d", 2)):
        assert counts[f"{i} -> {j}"] == counts[f"{j} -> {i}"] == n
    (tmp_path / "d.net").write_text(f"{PAJEK}*Arcs\n1 2 3\n*Edges\n2 3 4\n")
    with pytest.raises(StudyError, match=r"has both \*Arcs and \*Edges"):
        read_study(tmp_path)


def test_an_array_has_the_order_of_the_graph():
    graph = nx.DiGraph()
    for i, j, weight in [(1, 3, 2), (3, 2, 1), (2, 1, 4), (4, 1, 3), (3, 4, 1)]:
        graph.add_edge(i, j, weight=weight)
    arrays = {"d": nx.to_numpy_array(graph)}
    study = study_from(graph, outcome="weight", absent="zero", degree="d", matrices=arrays)
    assert (
        study.dyads["degree_design"].to_numpy().ravel().tolist()
        == study.dyads["outcome"].to_numpy().tolist()
    )
    rows = pd.DataFrame({"sender": [1, 2, 3], "receiver": [2, 3, 1], "n": [1, 2, 0]})
    with pytest.raises(StudyError, match="an array has no names, and the dyads are rows"):
        study_from(rows, outcome="n", degree="d", matrices={"d": np.eye(3)})


def test_a_label_that_reads_as_missing_is_not_taken(net, tmp_path):
    import pyreadstat  # noqa: PLC0415

    folder = write(tmp_path / "s", net, toml("d.dta", ENDS, degree="near"))
    labels = {"letters": {0: "None"}}
    pyreadstat.write_dta(net.rows, str(folder / "d.dta"), variable_value_labels=labels)
    assert read_study(folder).dyads["outcome"].to_numpy().tolist() == net.rows["letters"].tolist()


def test_misspelt_cities_of_a_covariate_in_rows_are_refused(net, tmp_path):
    more = '[matrices.far]\nfile = "far.csv"\nsender = "a"\nreceiver = "b"\nvalue = "v"'
    folder = write(tmp_path / "s", net, toml(dyads=ENDS, more=more, degree="near"))
    net.rows.to_csv(folder / "d.csv", index=False)
    (folder / "far.csv").write_text("a,b,v\nAda,Fox,1\nada,Elm,2\n")
    with pytest.raises(StudyError, match=r"far\.csv: row 3: 'ada' differs from city 'Ada' only in"):
        read_study(folder)


@pytest.mark.parametrize(
    "given",
    [
        {"cities": {"city": ["a"]}},
        {"matrices": ["a"]},
        {"matrices": {"d": [[1, 2], [3, 4]]}},
        {"predictors": ["a"]},
    ],
)
def test_arguments_of_another_kind_are_named(net, given):
    with pytest.raises(StudyError, match=f"{next(iter(given))}"):
        study_from(net.rows, **NAMED, **given)


def test_a_fault_of_a_city_is_located_once(net):
    cities = net.cities.set_index("town").astype({"region": object})
    cities.loc["Cam", "region"] = ""
    with pytest.raises(StudyError) as refused:
        study_from(net.rows, cities, **NAMED, degree="same(region)")
    assert str(refused.value).startswith("study: cities: row 4: 'region' is missing")
