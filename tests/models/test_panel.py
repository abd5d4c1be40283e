"""Panels: what is left out together, permuted together, and told of a network over periods."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import marginal_effects, predictions
from analysis.checks.network import network_statistics
from data import study_from
from data.dyads import extent
from data.errors import ModelError
from models import build, maximum_likelihood, sample
from models.effects.factors import residual_directions
from models.frequentist import permutations
from models.frequentist.regression import regression
from models.leave_out.units import rows_of_units

CITIES, YEARS = "ABCDE", (2010, 2011, 2012)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(4)
    rows = [(t, i, j) for t in YEARS for i in CITIES for j in CITIES if i != j]
    table = pd.DataFrame(rows, columns=["year", "from", "to"])
    table["near"] = rng.normal(size=len(table)).round(2)
    table["letters"] = rng.poisson(np.exp(0.5 + 0.6 * table["near"]))
    return table.drop(index=[3, 25])


def made(table, **declared):
    ends = {"sender": "from", "receiver": "to", "outcome": "letters"}
    return study_from(table, **(ends | {"period": "year", "degree": "near"} | declared))


@pytest.fixture(scope="module")
def panel(table):
    return made(table, degree="near + C(year)", models=("nb_srm",))


def test_a_panel_says_how_many_rows_dyads_and_periods_it_has(panel):
    said = "58 rows of 20 directed dyads in 3 periods, 2010 to 2012"
    assert extent(panel.dyads) == said
    assert panel.missing_dyads == 2


@pytest.mark.parametrize("unit", ["row", "dyad", "pair", "city"])
def test_units_hold_all_of_their_periods(panel, table, unit):
    rows = rows_of_units(panel.dyads, unit)
    named = {
        "row": lambda i, j, t: [f"{i} -> {j}, {t}"],
        "dyad": lambda i, j, t: [f"{i} -> {j}"],
        "pair": lambda i, j, t: [" & ".join(sorted([i, j]))],
        "city": lambda i, j, t: [i, j],
    }[unit]
    expected = {}
    for place, (t, i, j) in enumerate(table[["year", "from", "to"]].itertuples(index=False)):
        for name in named(i, j, t):
            expected.setdefault(name, []).append(place)
    assert {name: found.tolist() for name, found in rows.items()} == expected


def test_rows_are_of_panels(table):
    plain = made(table[table["year"] == 2010], period=None)
    with pytest.raises(ModelError, match="without periods a row is a dyad"):
        rows_of_units(plain.dyads, "row")


def test_models_with_pair_effects_are_refused(panel):
    with pytest.raises(ModelError, match="a panel, of which there are models with city effects"):
        build(panel, "nb_srm_dyadic")


def test_permutations_keep_a_citys_history_together(table):
    whole = table.sample(frac=1, random_state=1).reset_index(drop=True)
    whole["letters"] = np.arange(len(whole)) + 1  # an outcome tells whose it is
    study = made(whole, models=("poisson_pooled",))
    fit = maximum_likelihood(study, "poisson_pooled")
    refits = permutations._refits(regression(study, "poisson"), fit.parameters.to_numpy(), seed=3)
    for number in range(5):
        permuted = refits.permuted(number)
        seen = permuted.weight > 0
        source = permuted.outcome[seen].astype(int) - 1
        target = np.flatnonzero(seen)
        years = whole["year"].to_numpy()
        np.testing.assert_array_equal(years[source], years[target])
        moved = {
            (whole[end][k], whole[end][m])
            for end in ("from", "to")
            for k, m in zip(target, source, strict=True)
        }
        assert len(moved) == len(CITIES)  # each city takes the place of one, in all years


def test_permutations_say_nothing_of_what_is_the_same_for_a_period(panel):
    fit = maximum_likelihood(panel, "nb_pooled")
    p = permutations.permutation_test(panel, fit, permutations=49)["p"]
    assert p["degree_coef[near]"] < 0.1
    assert p[p.index.str.contains("year")].isna().tolist() == [True, True]


def test_statistics_of_a_panel_are_means_over_its_periods(panel, table):
    found = network_statistics(panel.dyads["outcome"], panel.dyads)
    singles = []
    for year in YEARS:
        one = made(table[table["year"] == year], period=None)
        singles.append(network_statistics(one.dyads["outcome"], one.dyads))
    expected = xr.concat(singles, "year").mean("year")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_directions_of_residuals_are_of_their_means_over_periods(panel):
    rng = np.random.default_rng(1)
    one = panel.dyads.isel(dyad=panel.dyads["dyad_period"].to_numpy() == "2011")
    both = [
        dyads.drop_vars(["period", "dyad_period", "dyad"])
        for dyads in (one, xr.concat([one, one], "dyad", data_vars="minimal"))
    ]
    number = one.sizes["dyad"]
    first, second, apart = rng.normal(size=number), -np.ones(number), rng.normal(size=number)
    twice = np.concatenate([first + apart, first - apart]), np.concatenate([second, second])
    single = residual_directions(both[0], (first, second), 2)
    double = residual_directions(both[1], twice, 2)
    np.testing.assert_allclose(double[1], single[1], rtol=1e-12)
    np.testing.assert_allclose(double[0], single[0], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_lag_is_a_predictor_like_any_other(table):
    missing = table.astype({"letters": float})
    last = missing.index[(missing["year"] == 2012) & (missing["from"] == "A")]
    missing.loc[last, "letters"] = np.nan
    study = made(missing, degree="near + log1p(lagged(letters))", models=("poisson_crossed",))
    assert study.unobserved.sizes["dyad"] == len(last)
    fit = sample(study, "poisson_crossed", seed=1, draws=500, tune=500, progress=False)
    moved = marginal_effects(fit)
    assert "lagged(letters)" in moved.index.get_level_values("predictor")
    predicted = predictions(fit)
    assert len(predicted) == len(last)
    before = table[table["year"] == 2011].set_index(["from", "to"])["letters"]
    draws = fit["posterior"].to_dataset()
    design, mean = study.dyads["degree_design"], study.dyads["degree_design"].mean("dyad")
    assert design["degree_term"].to_numpy().tolist() == ["near", "log1p(lagged(letters))"]
    for (_, row), near in zip(predicted.iterrows(), table.loc[last, "near"], strict=True):
        ends = row["sender"], row["receiver"]
        x = np.array([near, np.log1p(before[ends])]) - mean
        linear = draws["degree_intercept"] + (draws["degree_coef"] * x).sum("degree_term")
        linear += draws["degree_sender"].sel(city=ends[0]) + draws["degree_receiver"].sel(
            city=ends[1]
        )
        assert row["expected"] == pytest.approx(float(np.exp(linear).mean()), rel=1e-9)
    asked = pd.DataFrame({"from": ["A"], "to": ["B"], "near": [0.5], "lagged(letters)": [4]})
    one = predictions(fit, asked)["expected"].iloc[0]
    two = predictions(fit, asked.assign(**{"lagged(letters)": 9}))["expected"].iloc[0]
    assert two != one
