"""The Guangdong study: real covariates, synthetic outcome."""

import tomllib

import numpy as np
import pandas as pd
import pytest

from data.guangdong import FOLDER as HERE
from data.guangdong.covariates import directed_dyads, read_cities
from models.simulation.guangdong import rebuild


def test_rebuilding_gives_the_same_bytes(tmp_path):
    rebuild(tmp_path / "dyads.csv")
    assert (tmp_path / "dyads.csv").read_bytes() == (HERE / "dyads.csv").read_bytes()


def test_cities_add_up_to_the_published_totals():
    cities = read_cities(HERE / "cities.csv")
    assert len(cities) == 21
    assert cities["population"].sum() == 126_012_510  # Seventh National Population Census
    assert cities["gdp"].sum() == pytest.approx(110_760.94, abs=0.2)  # provincial accounts, 2020


def small_cities(latitude, longitude):
    return pd.DataFrame(
        {
            "latitude": latitude,
            "longitude": longitude,
            "status": ["vice_provincial", "prefecture", "vice_provincial"],
            "value_added_primary": [1.0, 0.0, 5.0],
            "value_added_secondary": [1.0, 2.0, 5.0],
            "value_added_tertiary": [2.0, 2.0, 10.0],
        },
        index=pd.Index(["A", "B", "C"], name="city"),
    )


def test_distance_of_a_degree_on_the_equator_and_on_a_meridian():
    along_equator = directed_dyads(small_cities([0.0, 0.0, 0.0], [10.0, 11.0, 12.0]))
    radius = 6378.137  # WGS 84, km
    assert along_equator["distance_km"].iloc[0] == pytest.approx(radius * np.pi / 180, abs=1e-6)
    along_meridian = directed_dyads(small_cities([0.0, 1.0, 2.0], [10.0, 10.0, 10.0]))
    assert along_meridian["distance_km"].iloc[0] == pytest.approx(110.574, abs=1e-3)
    np.testing.assert_allclose(along_meridian["proximity"], -np.log(along_meridian["distance_km"]))


def test_similarity_and_status_by_hand():
    dyads = directed_dyads(small_cities([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])).set_index(
        ["sender", "receiver"]
    )
    # shares (1/4, 1/4, 1/2), (0, 1/2, 1/2) and, of C, the same as A's
    assert dyads.loc[("A", "B"), "workforce_similarity"] == pytest.approx(0.75)
    assert dyads.loc[("C", "A"), "workforce_similarity"] == pytest.approx(1.0)
    assert dyads["status_asymmetry"].to_dict() == {
        ("A", "B"): 1,
        ("A", "C"): 0,
        ("B", "A"): 1,
        ("B", "C"): 1,
        ("C", "A"): 0,
        ("C", "B"): 1,
    }


def test_synthetic_columns_are_declared_and_real_ones_are_not(guangdong):
    table = pd.read_csv(HERE / "dyads.csv")
    real = {"sender", "receiver", "distance_km", "proximity", "workforce_similarity"}
    real |= {"status_asymmetry"}
    assert set(guangdong.declaration.synthetic) == set(table.columns) - real


def test_outcome_has_the_shape_of_such_data(guangdong):
    count = guangdong.dyads["count"]
    assert 0.60 <= float((count == 0).mean()) <= 0.70
    assert 50 <= int(count.max()) <= 200


def test_mayor_ties_are_the_same_both_ways():
    table = pd.read_csv(HERE / "dyads.csv").set_index(["sender", "receiver"])["mayor_ties"]
    assert all(table[(j, i)] == tie for (i, j), tie in table.items())


def test_truth_has_the_signs_that_the_abstract_reports(guangdong):
    truth = tomllib.loads((HERE / "truth.toml").read_text(encoding="utf-8"))["truth"]
    findings = guangdong.declaration.hypothesis
    assert len(findings) == 6
    for finding in findings:
        value = truth[f"{finding.part}_coef"][finding.term]
        assert (value > 0) == (finding.direction == "positive")
