"""Layouts, city tables, matrices and node terms that are wrong end in one line, as in the others.

Every case spoils one thing of a good network and runs `interlocal sample` on it.
"""

import networkx as nx
import numpy as np
import pyreadstat
import pytest
from networks import ABSENT, EDGES, ENDS, network, toml, write
from openpyxl import Workbook
from refusals import case, spoiled

NET = network()
MATRIX = 'layout = "matrix"'


def put(folder, file, rows, declared):
    """Write a study whose dyads are given: text, or what writes a file."""
    write(folder, NET, declared)
    if callable(rows):
        rows(folder / file)
    else:
        (folder / file).write_bytes(rows.encode("utf-8", "surrogateescape"))
    return folder


def rows_of(table):
    return table.to_csv(index=False)


def matrix_text(change=lambda matrix: matrix):
    return change(NET.matrix.astype(object)).to_csv()


def with_cell(i, j, value):
    def change(matrix):
        matrix.loc[i, j] = value
        return matrix

    return change


EDGE_ROWS = rows_of(NET.edges)
FIRST = EDGE_ROWS.splitlines()[1]


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        case("twice", EDGE_ROWS + FIRST + "\n", ["rows 2, ", "stands more than once; keep one"]),
        case(
            "unknown city", EDGE_ROWS + "Ada,Gus,1\n", ["city 'Gus' has no row in the city table"]
        ),
        case("loop", EDGE_ROWS + "Ada,Ada,3\n", ["a city is paired with itself; remove the row"]),
        case("loop of zero", EDGE_ROWS + "Ada,Ada,0\n", ["a city is paired with itself"]),
        case("negative weight", EDGE_ROWS.replace(FIRST, FIRST[:-1] + "-2"), ["is negative; a"]),
        case("fraction", EDGE_ROWS.replace(FIRST, FIRST[:-1] + "0.5"), ["is fractional; a count"]),
        case("mixed types", EDGE_ROWS.replace(FIRST, FIRST[:-1] + "many"), ["is not a number; a"]),
        case("every outcome blank", "from,to,letters\nAda,Bör,\nBör,Cam,\nCam,Ada,NA\n", ["every"]),
        case("no column", EDGE_ROWS.replace("letters", "lettres"), ["did you mean 'lettres'?"]),
    ],
)
def test_edges(tmp_path, refused, text, phrases):
    refused([put(tmp_path / "s", "d.csv", text, toml(dyads=EDGES))], "d.csv: ", *phrases)


def test_predictor_that_stands_in_an_edge_list(tmp_path, refused):
    edges = NET.edges.assign(size=2.0)
    folder = put(tmp_path / "s", "d.csv", rows_of(edges), toml(dyads=EDGES, degree="size"))
    refused([folder], "'size' stands in d.csv, which has no row for", "bring it under [matrices]")


def test_exposure_that_stands_in_an_edge_list(tmp_path, refused):
    edges = NET.edges.assign(years=2.0)
    said = toml(dyads=f'{EDGES}\nexposure = "years"')
    folder = put(tmp_path / "s", "d.csv", rows_of(edges), said)
    refused([folder], "d.csv: 'years' stands in d.csv, which has no row for")


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        case(
            "not square", matrix_text(lambda m: m.drop(index="Fox")), ["the matrix is not square"]
        ),
        case(
            "fewer columns", matrix_text(lambda m: m.drop(columns="Fox")), ["row 'Fox' has no col"]
        ),
        case(
            "margins differ",
            matrix_text(lambda m: m.rename(index={"Bör": "Bor"})),
            ["the matrix's margins differ: row 'Bor' has no column; did you mean 'Bör'?"],
        ),
        case(
            "a row twice", matrix_text(lambda m: m.rename({"Bör": "Ada"})), ["names two rows alike"]
        ),
        case("a column twice", matrix_text().replace(",Bör,", ",Ada,", 1), ["'Ada' stands twice"]),
        case(
            "diagonal", matrix_text(with_cell("Bör", "Bör", 4)), ["row 3, column 'Bör': a city dir"]
        ),
        case(
            "text", matrix_text(with_cell("Ada", "Bör", "x")), ["row 2, column 'Bör': 'letters' is"]
        ),
        case("negative", matrix_text(with_cell("Ada", "Fox", -1)), ["row 2, column 'Fox': 'lette"]),
        case("rows, not a matrix", rows_of(NET.rows), ["the matrix names two rows alike"]),
        case("one name", "x,a\na,1\n", ["is no matrix; it needs names in its first row"]),
    ],
)
def test_matrix(tmp_path, refused, text, phrases):
    refused([put(tmp_path / "s", "d.csv", text, toml(dyads=MATRIX))], "d.csv: ", *phrases)


def test_matrix_that_is_not_said_to_be_one(tmp_path, refused):
    folder = put(tmp_path / "s", "d.csv", matrix_text(), toml(dyads=""))
    refused([folder], 'd.csv: is a square matrix; write layout = "matrix" under [dyads]')


def graphml(change):
    graph = change(NET.graph.copy())
    return lambda path: nx.write_graphml(graph, path)


def changed_edges(key, value):
    def change(graph):
        i, j = next(iter(graph.edges))
        graph.edges[i, j][key] = value
        return graph

    return change


@pytest.mark.parametrize(
    ("writes", "phrases"),
    [
        case(
            "no such attribute",
            graphml(lambda g: nx.DiGraph((i, j, {"post": 1}) for i, j in g.edges)),
            ["no edge has an attribute 'letters', which study.toml names"],
        ),
        case("negative", graphml(changed_edges("letters", -3)), ["edge ", "'letters' is negative"]),
        case(
            "loop", graphml(lambda g: g.add_edge("Ada", "Ada", letters=2) or g), ["paired with its"]
        ),
        case("no edges", graphml(nx.create_empty_copy), ["the graph has no edges"]),
        case(
            "no graph", lambda path: path.write_text("a,b\n1,2\n"), ["cannot be read as a graph: "]
        ),
        case("empty", lambda path: path.write_text(""), ["cannot be read as a graph: "]),
    ],
)
def test_graph(tmp_path, refused, writes, phrases):
    folder = put(tmp_path / "s", "d.graphml", writes, toml("d.graphml", ABSENT, None))
    refused([folder], "d.graphml: ", *phrases)


def test_node_without_the_attribute_that_names_it(tmp_path, refused):
    said = toml("d.graphml", ABSENT, 'city = "called"')
    folder = put(tmp_path / "s", "d.graphml", graphml(lambda g: g), said)
    refused([folder], "node Ada has no attribute 'called', which study.toml names")


def workbook(*sheets, merged=""):
    def writes(path):
        book = Workbook()
        book.remove(book.active)
        for name, rows in sheets:
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
            if merged:
                sheet.merge_cells(merged)
        book.save(path)

    return writes


CELLS = [list(NET.rows), *NET.rows.astype(object).to_numpy().tolist()]
NEGATIVE = [*CELLS[:4], ["Ada", "Elm", -1], *CELLS[5:]]


@pytest.mark.parametrize(
    ("writes", "more", "phrases"),
    [
        case(
            "two sheets", workbook(("a", CELLS), ("b", CELLS)), "", ["has 2 sheets: a, b; name one"]
        ),
        case("no such sheet", workbook(("a", CELLS)), 'sheet = "c"', ["no sheet 'c'; it has: a"]),
        case(
            "merged", workbook(("a", CELLS), merged="B3:B5"), "", ["merged cells at B3; split them"]
        ),
        case("a row as it is numbered", workbook(("a", NEGATIVE)), "", ["row 5: 'letters' is neg"]),
        case("empty", workbook(("a", [])), "", ["the table is empty; it needs a header"]),
        case("no spreadsheet", "a,b\n1,2\n", "", ["cannot be read as a spreadsheet: "]),
    ],
)
def test_spreadsheet(tmp_path, refused, writes, more, phrases):
    folder = put(tmp_path / "s", "d.xlsx", writes, toml("d.xlsx", f"{ENDS}\n{more}"))
    refused([folder], "d.xlsx: ", *phrases)


def test_spreadsheet_with_a_cell_far_out(tmp_path, refused):
    def writes(path):
        book = Workbook()
        for row in CELLS:
            book.active.append(row)
        book.active["XFD1048576"] = "left here"
        book.save(path)

    folder = put(tmp_path / "s", "d.xlsx", writes, toml("d.xlsx", ENDS))
    refused([folder], "reaches to row 1048576 and column 16384; remove what lies far")


def statistics(write_file, **changes):
    return lambda path: write_file(NET.rows.assign(**changes), str(path))


@pytest.mark.parametrize(
    ("file", "writes", "phrases"),
    [
        case("labels", "d.dta", "labels", ["'kind' is '2', other rows hold text; make the column"]),
        case(
            "negative", "d.sav", statistics(pyreadstat.write_sav, letters=-1), ["rows 1, 2, 3 and"]
        ),
        case("no Stata file", "d.dta", "from,to\n", ["cannot be read as a Stata file: "]),
        case("no SPSS file", "d.sav", "from,to\n", ["cannot be read as an SPSS file: "]),
        case("no Parquet file", "d.parquet", "from,to\n", ["cannot be read as a Parquet file: "]),
    ],
)
def test_files_of_other_programs(tmp_path, refused, file, writes, phrases):
    degree = "near"
    if writes == "labels":  # of three values two have labels
        rows, degree = NET.rows.assign(kind=np.arange(30) % 3), "kind"

        def writes(path):
            pyreadstat.write_dta(
                rows, str(path), variable_value_labels={"kind": {0: "rail", 1: "road"}}
            )

    folder = put(tmp_path / "s", file, writes, toml(file, ENDS, degree=degree))
    refused([folder], f"{file}: ", *phrases)


TOWN_ROWS = NET.cities.to_csv(index=False)


@pytest.mark.parametrize(
    ("towns", "formula", "phrases"),
    [
        case("empty", "town,gdp,region\n", "near", ["towns.csv: the table is empty; it needs a"]),
        case("unknown column", TOWN_ROWS, "sender(gpd)", ["'gpd' in sender() is no column of the"]),
        case("column of dyads", TOWN_ROWS, "sender(near)", ["sender() takes columns of the city"]),
        case(
            "category", TOWN_ROWS, "absdiff(region)", ["absdiff() takes numbers, and 'region' is"]
        ),
        case(
            "bare attribute", TOWN_ROWS, "gdp", ["'gdp' is a column of the city table; write send"]
        ),
        case("no positions", TOWN_ROWS, "distance_km()", ["distance_km() needs positions"]),
        case("argument", TOWN_ROWS, "distance_km(gdp)", ["distance_km() takes nothing"]),
        case("one of two", TOWN_ROWS, "overlap(gdp)", ["overlap() takes two columns or more"]),
        case(
            "two of one", TOWN_ROWS, "same(gdp, region)", ["same() takes one column or expression"]
        ),
        case(
            "nested", TOWN_ROWS, "sender(absdiff(gdp))", ["within sender(); node terms do not nest"]
        ),
        case("number", TOWN_ROWS, "sender(3)", ["no column of the city table in it"]),
        case("constant", TOWN_ROWS, "total(gdp - gdp)", ["is constant; remove it"]),
        case(
            "not a function", TOWN_ROWS, "nodematch(gdp)", ["'nodematch' is no column of the tabl"]
        ),
        case(
            "several columns", TOWN_ROWS, "sender(poly(gdp, 2))", ["takes one column of the city"]
        ),
        case(
            "negative share",
            TOWN_ROWS.replace("gdp", "a", 1)
            .replace("region", "b", 1)
            .replace("hills", "1")
            .replace("coast", "-2")
            .replace("plain", "3"),
            "overlap(a, b)",
            ["overlap() takes amounts that are not negative"],
        ),
        case(
            "missing",
            spoiled(TOWN_ROWS, TOWN_ROWS.splitlines()[3].split(",")[1], ""),
            "sender(gdp)",
            ["towns.csv: row 4: 'gdp' is missing; complete the row or remove it"],
        ),
        case(
            "mixed",
            TOWN_ROWS.replace("plain", "7"),
            "same(region)",
            ["row 5: 'region' is '7', other"],
        ),
        case(
            "two meanings", TOWN_ROWS, "near + near(gdp)", ["'near' is no column of the table and"]
        ),
    ],
)
def test_cities_and_node_terms(tmp_path, refused, towns, formula, phrases):
    folder = put(tmp_path / "s", "d.csv", rows_of(NET.rows), toml(dyads=ENDS, degree=formula))
    (folder / "towns.csv").write_text(towns, encoding="utf-8")
    refused([folder], *phrases)


def test_node_term_without_a_city_table(tmp_path, refused):
    said = toml(dyads=ENDS, cities=None, degree="sender(gdp)")
    folder = put(tmp_path / "s", "d.csv", rows_of(NET.rows), said)
    refused([folder], "study.toml: [formula] degree", "sender() needs a city table; declare one")


@pytest.mark.parametrize(
    ("near", "phrases"),
    [
        case("a city lacks", NET.near.drop(index="Fox", columns="Fox"), ["no city 'Fox'"]),
        case("not square", NET.near.drop(index="Fox"), ["the matrix is not square"]),
        case(
            "text", NET.near.astype(object).replace(NET.near.iloc[1, 0], "x"), ["row 3, column 'A"]
        ),
        case(
            "blank", NET.near.where(NET.near != NET.near.iloc[1, 0]), ["'near' is missing; compl"]
        ),
    ],
)
def test_matrices(tmp_path, refused, near, phrases):
    folder = put(tmp_path / "s", "d.csv", rows_of(NET.rows), toml(dyads=ENDS, degree="near"))
    near.to_csv(folder / "near.csv")
    refused([folder], *phrases)


@pytest.mark.parametrize(
    ("more", "phrases"),
    [
        case(
            "taken", '[predictors]\nletters = "near"', ["column 'letters' already; choose another"]
        ),
        case(
            "unknown", '[predictors]\nx = "neer"', ["[predictors] x = 'neer': 'neer' is no column"]
        ),
        case(
            "of all rows", '[predictors]\nx = "scale(near)"', ["'scale' depends on all rows; comp"]
        ),
        case(
            "outcome", '[predictors]\nx = "letters + 1"', ["the outcome 'letters' cannot predict"]
        ),
        case(
            "no value", '[predictors]\nx = "log(near)"', ["the predictor 'x' is missing or infinit"]
        ),
        case(
            "no column", '[predictors]\nx = "near > 1 and 3"', ["[predictors] x", "cannot be comp"]
        ),
        case(
            "Python", "[predictors]\nx = \"__import__('os')\"", ["'__import__' is no column of th"]
        ),
        case(
            "no file", '[matrices.b]\nfile = "b.csv"', ["b.csv: not found; [matrices] b in study"]
        ),
        case("half", '[matrices.b]\nfile = "b.csv"\nvalue = "v"', ["needs the three keys sender,"]),
        case(
            "unknown key", '[matrices.b]\nfile = "b"\nfiel = 1', ["unknown key 'matrices.b.fiel'; "]
        ),
    ],
)
def test_predictors_and_matrices_as_declared(tmp_path, refused, more, phrases):
    said = toml(dyads=ENDS, degree="near", more=more)
    refused([put(tmp_path / "s", "d.csv", rows_of(NET.rows), said)], *phrases)


@pytest.mark.parametrize(
    ("old", "new", "phrases"),
    [
        case("layout", ENDS, f'{ENDS}\nlayout = "martix"', ["'dyads.layout': input should be"]),
        case("absent", ENDS, f'{ENDS}\nabsent = "zeros"', ["'dyads.absent': input should be"]),
        case(
            "undirected",
            ENDS,
            f"{ENDS}\ndirected = false",
            ["undirected dyads have no sender; write cities = ["],
        ),
        case(
            "name", 'name = "letters"', 'name = "../letters"', ["'name': results are kept under it"]
        ),
        case("name of others", 'name = "letters"', 'name = "sbc"', ["cannot be named 'sbc', for"]),
        case(
            "city column", 'city = "town"', 'city = "towm"', ["no column 'towm', which study.toml"]
        ),
        case(
            "default city column", 'city = "town"', "", ["no column 'city'; name it in study.toml"]
        ),
        case(
            "model", '["nb_pooled"]', '["zinb_pooled"]', ["models: zinb_pooled: no 'letters' is 0"]
        ),
    ],
)
def test_declaration(tmp_path, refused, old, new, phrases):
    said = spoiled(toml(dyads=ENDS), old, new)
    table = NET.rows.assign(letters=NET.rows["letters"] + ("zinb" in new))
    refused([put(tmp_path / "s", "d.csv", rows_of(table), said)], *phrases)
