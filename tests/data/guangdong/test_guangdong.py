"""The Guangdong study: real covariates, synthetic outcome."""

import tomllib

import pandas as pd
import pytest

from data.guangdong import FOLDER as HERE
from models.simulation.guangdong import rebuild


def test_rebuilding_gives_the_same_bytes(tmp_path):
    rebuild(tmp_path / "dyads.csv")
    assert (tmp_path / "dyads.csv").read_bytes() == (HERE / "dyads.csv").read_bytes()


def test_cities_add_up_to_the_published_totals():
    cities = pd.read_csv(HERE / "cities.csv", index_col="city")
    assert len(cities) == 21
    assert cities["population"].sum() == 126_012_510  # Seventh National Population Census
    assert cities["gdp"].sum() == pytest.approx(110_760.94, abs=0.2)  # provincial accounts, 2020


def test_synthetic_columns_are_declared_and_real_ones_are_not(guangdong):
    table = pd.read_csv(HERE / "dyads.csv")
    known = {*table.columns, *guangdong.declaration.predictors}
    real = {"sender", "receiver", "distance_km", "proximity", "workforce_similarity"}
    real |= {"status_asymmetry"}
    assert set(guangdong.declaration.synthetic) == known - real


def test_outcome_has_the_shape_of_such_data(guangdong):
    count = guangdong.dyads["outcome"]
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
