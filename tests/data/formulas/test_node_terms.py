"""Node terms give the columns that one would compute by hand."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import NAMED, WAYS, network, write_way

from data import read_study, study_from
from data.errors import StudyError

RADIUS = 6378.137  # of WGS 84, km


def shares(frame):
    return frame.div(frame.sum(axis=1), axis=0)


# what each says of cities i and j, given as rows of attributes
BY_HAND = {
    "sender(x)": lambda i, j: i["x"],
    "receiver(x)": lambda i, j: j["x"],
    "absdiff(x)": lambda i, j: abs(i["x"] - j["x"]),
    "difference(x)": lambda i, j: i["x"] - j["x"],
    "total(x)": lambda i, j: i["x"] + j["x"],
    "product(x)": lambda i, j: i["x"] * j["x"],
    "same(kind)": lambda i, j: float(i["kind"] == j["kind"]),
    "differs(kind)": lambda i, j: float(i["kind"] != j["kind"]),
    "same(z)": lambda i, j: float(i["z"] == j["z"]),
    "overlap(x, y)": lambda i, j: (
        1
        - abs(i["x"] / (i["x"] + i["y"]) - j["x"] / (j["x"] + j["y"])) / 2
        - abs(i["y"] / (i["x"] + i["y"]) - j["y"] / (j["x"] + j["y"])) / 2
    ),
    "absdiff(log(x))": lambda i, j: abs(np.log(i["x"]) - np.log(j["x"])),
    "log(absdiff(x) + 1)": lambda i, j: np.log(abs(i["x"] - j["x"]) + 1),
    "sender(x > 5)": lambda i, j: float(i["x"] > 5),
    "sender(x / y)": lambda i, j: i["x"] / i["y"],
    "I(sender(x) * receiver(y))": lambda i, j: i["x"] * j["y"],
    "round(total(x), 1)": lambda i, j: np.round(i["x"] + j["x"], 1),
    "signif(product(x), 2)": lambda i, j: float(f"{i['x'] * j['x']:.2g}"),
    "sender(`y of it`):receiver(x)": lambda i, j: i["y of it"] * j["x"],
    "near:absdiff(y)": lambda i, j: i["near"] * abs(i["y"] - j["y"]),
}


@st.composite
def networks(draw):
    """Make up cities with attributes, and counts between them."""
    n = draw(st.integers(4, 7))
    amounts = st.lists(
        st.floats(0.5, 100, allow_subnormal=False), min_size=n, max_size=n, unique=True
    )
    kinds = st.lists(st.sampled_from("abc"), min_size=n, max_size=n)
    cities = pd.DataFrame(
        {
            "x": draw(amounts),
            "y": draw(amounts),
            "y of it": draw(amounts),
            "z": draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)),
            "kind": draw(kinds),
        },
        index=pd.Index([f"c{k}" for k in draw(st.permutations(range(n)))], name="city"),
    )
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = pd.DataFrame(
        {
            "sender": cities.index[i],
            "receiver": cities.index[j],
            "n": 1 + rng.poisson(1.0, len(i)),
            "near": rng.normal(size=len(i)),
        }
    )
    return rows.iloc[rng.permutation(len(rows))[: max(6, len(rows) - 3)]], cities


def column(rows, cities, term):
    """Read the column of a term; none where the study cannot use it."""
    study = study_from(rows, cities, outcome="n", degree=term)
    assert study.dyads["degree_term"].to_numpy().tolist() == [term]
    return study.dyads["degree_design"].to_numpy()[:, 0]


def by_hand(rows, cities, compute):
    found = []
    for row in rows.to_dict("records"):
        i, j = (cities.loc[row[end]].to_dict() | {"near": row["near"]} for end in ENDS)
        found.append(compute(i, j))
    return np.array(found, dtype=float)


ENDS = ("sender", "receiver")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(made=networks(), term=st.sampled_from(list(BY_HAND)))
def test_terms_are_the_columns_computed_by_hand(made, term):
    rows, cities = made
    expected = by_hand(rows, cities, BY_HAND[term])
    if np.ptp(expected) <= 1e-9 * np.abs(expected).max():
        with pytest.raises(StudyError, match=r"is constant; remove it|only \d cities"):
            column(rows, cities, term)
        return
    np.testing.assert_allclose(column(rows, cities, term), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(made=networks(), side=st.sampled_from(ENDS))
def test_categories_have_a_column_a_level_that_occurs(made, side):
    rows, cities = made
    kinds = cities["kind"].loc[rows[side]].to_numpy()
    levels = sorted(set(kinds))
    if len(levels) < 2:
        return
    design = study_from(rows, cities, outcome="n", degree=f"{side}(kind)").dyads["degree_design"]
    terms = [f"{side}(kind)[T.{level}]" for level in levels[1:]]
    assert design["degree_term"].to_numpy().tolist() == terms
    expected = np.column_stack([kinds == level for level in levels[1:]])
    np.testing.assert_array_equal(design.to_numpy(), expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(made=networks(), seed=st.integers(0, 2**32))
def test_relabelling_cities_changes_no_column(made, seed):
    rows, cities = made
    names = dict(
        zip(cities.index, np.random.default_rng(seed).permutation(cities.index), strict=True)
    )
    renamed = rows.assign(**{end: rows[end].map(names) for end in ENDS})
    other = cities.rename(index=names).sample(frac=1, random_state=seed % 2**32)
    formula = "scale(absdiff(log(x))) + sender(y) + receiver(y) + scale(overlap(x, y))"
    try:
        found = study_from(rows, cities, outcome="n", degree=formula)
    except StudyError:
        return
    again = study_from(renamed, other, outcome="n", degree=formula)
    np.testing.assert_array_equal(
        again.dyads["degree_design"].to_numpy(), found.dyads["degree_design"].to_numpy()
    )


def test_mixing_has_a_column_a_pair_of_levels():
    net = network()
    study = study_from(
        net.rows,
        net.cities.set_index("town"),
        **NAMED,
        degree="sender(region):receiver(region)",
    )
    region = net.cities.set_index("town")["region"]
    # nine cells, of which one is empty: a city is alone in the plain
    for term in study.terms["degree"]:
        there = np.ones(len(net.rows), dtype=bool)
        for side, level in re.findall(r"(sender|receiver)\(region\)\[(?:T\.)?(\w+)\]", term):
            end = "from" if side == "sender" else "to"
            there &= (region[net.rows[end]] == level).to_numpy()
        assert there.any()
        column_of = study.dyads["degree_design"].sel(degree_term=term)
        np.testing.assert_array_equal(column_of, there)
    # with the intercept they tell apart the eight cells that have dyads
    whole = np.column_stack([np.ones(len(net.rows)), study.dyads["degree_design"]])
    assert np.linalg.matrix_rank(whole) == len(np.unique(whole, axis=0)) == 8


def placed(latitude, longitude):
    return pd.DataFrame({"latitude": latitude, "longitude": longitude}, index=["A", "B", "C"])


def distances(cities):
    i, j = np.nonzero(~np.eye(3, dtype=bool))
    rows = pd.DataFrame({"sender": cities.index[i], "receiver": cities.index[j], "n": np.arange(6)})
    return column(rows, cities.rename_axis("city"), "distance_km()")


def test_distance_of_a_degree_on_the_equator_and_on_a_meridian():
    along_equator = distances(placed([0.0, 0.0, 0.0], [10.0, 11.0, 13.0]))
    assert along_equator[0] == pytest.approx(RADIUS * np.pi / 180, abs=1e-6)
    along_meridian = distances(placed([0.0, 1.0, 3.0], [10.0, 10.0, 10.0]))
    assert along_meridian[0] == pytest.approx(110.574, abs=1e-3)  # WGS 84, first degree


def test_overlap_of_shares_by_hand():
    amounts = pd.DataFrame(
        {"p": [1.0, 0.0, 5.0], "q": [1.0, 2.0, 5.0], "r": [2.0, 2.0, 10.0]},
        index=pd.Index(["A", "B", "C"], name="city"),
    )
    rows = pd.DataFrame({"sender": list("AAB"), "receiver": list("BCC"), "n": [1, 0, 2]})
    # shares (1/4, 1/4, 1/2), (0, 1/2, 1/2) and, of C, the same as A's
    np.testing.assert_allclose(column(rows, amounts, "overlap(p, q, r)"), [0.75, 1, 0.75])


TERMS = ("absdiff(gdp)", "total(gdp)", "product(log(gdp))", "differs(region)", "receiver(gdp)")


@pytest.mark.parametrize("way", WAYS)
def test_terms_are_the_same_in_every_layout(tmp_path, way):
    net, term = network(), TERMS[list(WAYS).index(way) % len(TERMS)]
    here = {"x": "gdp", "kind": "region"}
    cities = net.cities.set_index("town").rename(columns={old: new for new, old in here.items()})
    name = term.replace("gdp", "x").replace("region", "kind")
    hand = {"product(log(x))": lambda i, j: np.log(i["x"]) * np.log(j["x"])}
    rows = net.rows.assign(near=0.0).rename(columns={"from": "sender", "to": "receiver"})
    expected = by_hand(rows, cities, (BY_HAND | hand)[name])
    study = read_study(write_way(tmp_path, net, way, degree=term))
    found = study.dyads["degree_design"].to_numpy()[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_no_warning_is_raised_where_a_logarithm_has_no_value():
    net = network()
    cities = net.cities.set_index("town").assign(gdp=-1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(StudyError, match="missing or infinite"):
            study_from(
                net.rows,
                cities,
                **NAMED,
                degree="sender(log(gdp))",
            )
