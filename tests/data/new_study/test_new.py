"""`interlocal new`: from files to a study folder that runs at once."""

import networkx as nx
import pandas as pd
import pytest
from command_line import run
from networks import WAYS, network

from data import read_study
from data.guangdong import FOLDER
from models import maximum_likelihood

NET = network()


def made(folder, source, *more):
    """Make a study of a file, and see that it is read and that a pooled model fits it."""
    status, said, complained = run("new", folder, f"--from={source}", *more)
    assert status == 0, complained
    assert complained == ""
    assert f"next: make sample STUDY={folder}" in said
    study = read_study(folder)
    pooled = {f"{model.partition('_')[0]}_pooled" for model in study.declaration.models}
    assert pooled <= {"zinb_pooled", "nb_pooled", "bernoulli_pooled", "normal_pooled"}
    fit = maximum_likelihood(study, min(pooled))
    assert fit.pointwise.size == study.dyads.sizes["dyad"]
    return study, " ".join(said.split())


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"pajek", "one of two sheets"}))
def test_every_layout_becomes_a_study(tmp_path, way):
    WAYS[way].put(NET, tmp_path / WAYS[way].file)
    more = []
    if WAYS[way].cities is not None:
        NET.cities.to_csv(tmp_path / "towns.csv", index=False)
        more = [f"--cities={tmp_path / 'towns.csv'}"]
    study, _ = made(tmp_path / "s", tmp_path / WAYS[way].file, *more)
    counts = study.dyads["outcome"].to_series()
    for i, j, letters in NET.rows.itertuples(index=False):
        assert counts[f"{i} -> {j}"] == letters
    assert study.terms["degree"] == [
        "scale(sender(gdp))",
        "scale(receiver(gdp))",
        "same(region)",
    ]


# of the real data: how many dyads, what is the outcome, and a term of the formula
TABLES = {
    "sheep": (756, "count", "scale(age_sender)"),
    "conflicts": (130 * 129, "conflicts", "scale(distance)"),
    "austria": (72, "flow", "scale(distance_km)"),
    "friends": (4970, "friendship", "cowork"),
    "trade": (870, "conflicts", "scale(trade)"),
    "opengr/gelderland": (2862, "arrangements", "scale(shared_regions)"),
}


@pytest.mark.parametrize("name", TABLES)
def test_real_tables_become_studies(tmp_path, shared, name):
    dyads, outcome, term = TABLES[name]
    cities = shared / name / "cities.csv"
    more = [f"--cities={cities}"] if cities.exists() else []
    study, _ = made(tmp_path / "s", shared / name / "dyads.csv", *more)
    assert study.dyads.sizes["dyad"] == dyads
    assert study.declaration.dyads.outcome == outcome
    is_binary = name == "friends"
    assert term in study.terms["selection" if is_binary else "degree"]
    assert (study.declaration.models == ("bernoulli_srm",)) == is_binary


def test_amounts_that_are_asked_for_are_taken(tmp_path, shared):
    study, _ = made(tmp_path / "s", shared / "trade" / "dyads.csv", "--outcome=trade")
    assert study.declaration.models == ("normal_srm",)
    assert study.dyads["outcome"].dtype == "float64"


def test_the_counts_that_are_asked_for_are_taken(tmp_path):
    more = (f"--cities={FOLDER / 'cities.csv'}", "--outcome=services", "--title=Services")
    study, _ = made(tmp_path / "s", FOLDER / "dyads.csv", *more)
    assert study.declaration.title == "Services"
    assert study.declaration.dyads.outcome == "services"
    assert {"mayor_ties", "scale(log(distance_km()))", "same(status)"} <= set(
        study.terms["selection"]
    )


def test_an_undirected_graph_gets_models_that_can_be_sampled(tmp_path):
    nx.write_graphml(nx.les_miserables_graph(), tmp_path / "miserables.graphml")
    study, said = made(tmp_path / "s", tmp_path / "miserables.graphml")
    assert study.dyads.sizes["dyad"] == 77 * 76 // 2
    assert study.declaration.models == ("nb_additive", "zinb_additive")
    assert "undirected" in said


def test_a_table_of_sheep_as_a_matrix(tmp_path, shared):
    table = pd.read_csv(shared / "sheep" / "dyads.csv")
    table.pivot_table("count", "sender", "receiver").to_csv(tmp_path / "sheep.csv")
    study, said = made(tmp_path / "s", tmp_path / "sheep.csv", "--outcome=wins")
    whole = read_study(shared / "sheep").dyads["outcome"].to_series()
    assert study.dyads["outcome"].to_series().sort_index().equals(whole.sort_index())
    assert "wins outcome, a square matrix its first row and its first column hold" in said


def test_what_was_taken_for_what_is_said_and_written(tmp_path):
    cities = NET.cities.assign(code=["AD", "BO", "CA", "DU", "EL", "FO"], empty=["", *"12345"])
    cities.to_csv(tmp_path / "towns.csv", index=False)
    table = NET.rows.assign(size=range(30), twice=[2 * k for k in range(30)], note="x")
    table.to_csv(tmp_path / "d.csv", index=False)
    _, said = made(
        tmp_path / "s",
        tmp_path / "d.csv",
        f"--cities={tmp_path / 'towns.csv'}",
        "--outcome=letters",
    )
    for phrase in (
        "from sender 'from' and 'to' are names for the two ends",
        "letters outcome it was asked for",
        "town city it has the name of every city of the dyads",
        "size scale(size) numbers, of dyads",
        "twice scale(twice) the predictor 'scale(twice)' is collinear with scale(size)",
        "code a code, or text of many values",
        "empty 1 values are missing",
    ):
        assert phrase in said
    text = (tmp_path / "s" / "study.toml").read_text(encoding="utf-8")
    assert "# left out: twice as scale(twice): the predictor 'scale(twice)' is collinear" in text


def test_a_heading_over_two_lines_is_written_on_one(tmp_path):
    table = NET.rows.assign(**{"GDP\nper head": ["", *map(str, range(29))]})
    table.to_excel(tmp_path / "d.xlsx", index=False)
    made(tmp_path / "s", tmp_path / "d.xlsx", "--outcome=letters")
    text = (tmp_path / "s" / "study.toml").read_text(encoding="utf-8")
    assert "# left out: GDP per head: 1 values are missing" in text


def test_cities_may_stand_in_the_second_sheet(tmp_path):
    with pd.ExcelWriter(tmp_path / "d.xlsx") as book:
        NET.rows.to_excel(book, sheet_name="dyads", index=False)
        NET.cities.to_excel(book, sheet_name="towns", index=False)
    study, _ = made(tmp_path / "s", tmp_path / "d.xlsx", f"--cities={tmp_path / 'd.xlsx'}")
    assert study.declaration.cities.sheet == "towns"
    assert "same(region)" in study.terms["degree"]


def test_data_that_lie_in_the_folder_stay_where_they_are(tmp_path):
    NET.rows.to_csv(tmp_path / "d.csv", index=False)
    made(tmp_path, tmp_path / "d.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "study.toml"]


def test_data_may_be_named_where_they_are(tmp_path):
    NET.rows.to_csv(tmp_path / "d.csv", index=False)
    study, _ = made(tmp_path / "s", tmp_path / "d.csv", "--point")
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["study.toml"]
    assert study.declaration.dyads.file == "../d.csv"


@pytest.mark.parametrize("name", ["study.toml", "d.csv"])
def test_nothing_is_replaced(tmp_path, name):
    NET.rows.to_csv(tmp_path / "d.csv", index=False)
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / name).write_text("mine")
    status, _, complained = run("new", folder, f"--from={tmp_path / 'd.csv'}")
    assert status == 2
    assert f"{folder / name}: is there already, and is not replaced" in complained
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "no two columns name the same cities; call them sender and receiver"),
        ("from,to,x\na,b,-1\nb,c,0.5\nc,a,2\n", "no column holds counts of dyads"),
        ("", "the table is empty"),
        (
            "from,to,when,n\n"
            + "".join(f"{d},{y},1\n" for d in ("a,b", "b,c", "c,a") for y in ("old", "new")),
            "row 2: 'when' is 'old', and neither all numbers nor all dates",
        ),
    ],
)
def test_what_is_no_table_of_dyads_is_said(tmp_path, text, said):
    (tmp_path / "d.csv").write_text(text)
    status, _, complained = run("new", tmp_path / "s", f"--from={tmp_path / 'd.csv'}")
    assert status == 2
    assert f"error: {tmp_path / 'd.csv'}: {said}" in complained
    assert not (tmp_path / "s").exists()


def test_a_panel_is_found_with_its_period(tmp_path, shared):
    given = f"--from={shared / 'korea' / 'dyads.csv'}"
    status, _, complained = run("new", tmp_path / "s", given)
    assert status == 0, complained
    study = read_study(tmp_path / "s")
    dyads = study.declaration.dyads
    assert (dyads.sender, dyads.receiver, dyads.period) == ("orig", "dest", "year")
    assert dyads.outcome == "flow"
    assert study.dyads.sizes["period"] == 9
    assert "C(year)[T.2020]" in study.terms["degree"]
    assert study.declaration.models == ("nb_srm",)


def test_an_edge_list_of_several_years_is_filled_with_zeros(tmp_path):
    rows = [
        f"{i},{j},{t},{1 + (ord(i) + t) % 3}"
        for t in (1, 2)
        for i in "abcd"
        for j in "abcd"
        if i != j and (ord(i) + 2 * ord(j) + t) % 3
    ]
    (tmp_path / "d.csv").write_text("from,to,wave,n\n" + "\n".join(rows))
    status, _, complained = run("new", tmp_path / "s", f"--from={tmp_path / 'd.csv'}")
    assert status == 0, complained
    study = read_study(tmp_path / "s")
    assert study.declaration.dyads.absent == "zero"
    assert study.dyads.sizes == {**study.dyads.sizes, "dyad": 24, "period": 2}
    assert int((study.dyads["outcome"] > 0).sum()) == len(rows)
