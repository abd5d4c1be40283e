"""Attributes of cities: moved at one end of a dyad, given for cities that a fit does not know."""

import numpy as np
import pandas as pd
import pytest
from networks import NAMED, network

from analysis.hypothesis.effects import plain_effects
from analysis.posterior.marginal_effects import marginal_effects
from analysis.posterior.predictions import predictions
from data import study_from
from data.errors import QueryError

DEGREE = "sender(log(gdp)) + scale(absdiff(gdp)) + same(region) + near + far"
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture
def net():
    return network(3)


def places(net):
    """Give the cities attributes, and positions."""
    rng = np.random.default_rng(9)
    cities = net.cities.set_index("town").rename_axis("city")
    n = len(cities)
    return cities.assign(latitude=rng.uniform(40, 50, n), longitude=rng.uniform(5, 15, n))


def study_of(net, rows=None, **declared):
    return study_from(
        net.rows if rows is None else rows,
        places(net),
        **NAMED,
        degree=DEGREE,
        matrices={"near": net.near},
        predictors={"far": "log(distance_km())"},
        **declared,
    )


@pytest.fixture
def by_hand(net):
    """Give a function: the attributes of both ends, near and far, to the formula's columns."""
    cities = places(net)
    i, j = (cities.loc[net.rows[end]] for end in ("from", "to"))
    difference = np.abs(i["gdp"].to_numpy() - j["gdp"].to_numpy())

    def make(i, j, near, far):
        moved = np.abs(i["gdp"].to_numpy() - j["gdp"].to_numpy())
        return np.column_stack(
            [
                np.log(i["gdp"]),
                (moved - difference.mean()) / difference.std(ddof=1),
                (i["region"].to_numpy() == j["region"].to_numpy()) * 1.0,
                near,
                far,
            ]
        )

    return make, i, j


def flat(posterior, name):
    values = posterior[name].to_numpy()
    return values.reshape(-1, *values.shape[2:])


def expected_counts(posterior, design, fitted):
    """Give the mean counts of a pooled model, shape (draw, dyad)."""
    moved = design - fitted.mean(axis=0)
    intercept, coef = flat(posterior, "degree_intercept"), flat(posterior, "degree_coef")
    return np.exp(intercept[:, None] + coef @ moved.T)


def test_an_attribute_moves_at_one_end_in_every_term(net, by_hand, made_draws, made_fit):
    study = study_of(net)
    posterior = made_draws(study, "nb_pooled")
    found = marginal_effects(made_fit(study, "nb_pooled", posterior))
    make, i, j = by_hand
    near, far = study.dyads["predictors"].to_numpy().T
    fitted = make(i, j, near, far)
    np.testing.assert_allclose(study.dyads["degree_design"], fitted, **CLOSE)
    before = expected_counts(posterior, fitted, fitted).mean(axis=1)
    sd = places(net)["gdp"].std(ddof=1)
    change = f"+1 sd ({sd:.3g})"
    moved = {
        "gdp (sender)": make(i.assign(gdp=i["gdp"] + sd), j, near, far),
        "gdp (receiver)": make(i, j.assign(gdp=j["gdp"] + sd), near, far),
    }
    for predictor, design in moved.items():
        after = expected_counts(posterior, design, fitted).mean(axis=1)
        row = found.loc[predictor, change, "expected"]
        np.testing.assert_allclose(row["mean"], (after - before).mean(), **CLOSE)
        assert row["p_positive"] == ((after - before) > 0).mean()


def test_a_category_moves_at_one_end(net, by_hand, made_draws, made_fit):
    study = study_of(net)
    posterior = made_draws(study, "nb_pooled")
    dyad = "Ada -> Cam"
    found = marginal_effects(made_fit(study, "nb_pooled", posterior), dyad=dyad)
    make, i, j = by_hand
    near, far = study.dyads["predictors"].to_numpy().T
    fitted = make(i, j, near, far)
    at = study.dyads["dyad"].to_numpy().tolist().index(dyad)
    mu = {
        region: expected_counts(posterior, make(i.assign(region=region), j, near, far), fitted)
        for region in ("coast", "plain")
    }
    difference = (mu["plain"] - mu["coast"])[:, at]
    row = found.loc["region (sender)", "plain instead of coast", "expected"]
    np.testing.assert_allclose(row["mean"], difference.mean(), **CLOSE)


def test_codes_within_c_move_from_level_to_level(net, made_draws, made_fit):
    cities = places(net).assign(code=[1, 2, 5, 1, 2, 5])
    study = study_from(
        net.rows,
        cities,
        **NAMED,
        degree="C(sender(code))",
    )
    posterior = made_draws(study, "nb_pooled")
    found = marginal_effects(made_fit(study, "nb_pooled", posterior))
    intercept, coef = flat(posterior, "degree_intercept"), flat(posterior, "degree_coef")
    assert study.terms["degree"] == ["C(sender(code))[T.2]", "C(sender(code))[T.5]"]
    base = intercept - coef @ study.dyads["degree_design"].to_numpy().mean(axis=0)
    for level, k in (("2", 0), ("5", 1)):
        difference = np.exp(base + coef[:, k]) - np.exp(base)
        row = found.loc["code (sender)", f"{level} instead of 1", "expected"]
        np.testing.assert_allclose(row["mean"], difference.mean(), **CLOSE)


def test_predictors_move_as_columns_and_positions_not_at_all(net, made_draws, made_fit):
    study = study_of(net)
    found = marginal_effects(made_fit(study, "nb_pooled", made_draws(study, "nb_pooled")))
    assert set(found.index.unique("predictor")) == {
        *("near", "far", "gdp (sender)", "gdp (receiver)"),
        *("region (sender)", "region (receiver)"),
    }


def test_new_cities_are_predicted_from_their_attributes(net, by_hand, made_draws, made_fit):
    study = study_of(net)
    posterior = made_draws(study, "nb_pooled")
    fit = made_fit(study, "nb_pooled", posterior)
    new = pd.DataFrame(
        {"gdp": [7.5], "region": ["coast"], "latitude": [45.0], "longitude": [9.0]}, index=["New"]
    )
    rows = pd.DataFrame({"from": ["New", "Ada"], "to": ["Ada", "New"], "near": [0.3, -0.2]})
    found = predictions(fit, rows, cities=new, new_cities="integrate")
    make, i, j = by_hand
    fitted = make(i, j, *study.dyads["predictors"].to_numpy().T)
    every = pd.concat([places(net), new])
    from pyproj import Geod  # noqa: PLC0415

    a, b = every.loc["New"], every.loc["Ada"]
    ends = a["longitude"], a["latitude"], b["longitude"], b["latitude"]
    far = np.log(Geod(ellps="WGS84").inv(*ends)[2] / 1000)
    design = make(every.loc[rows["from"]], every.loc[rows["to"]], rows["near"], [far, far])
    mu = expected_counts(posterior, design, fitted)
    np.testing.assert_allclose(found["expected"], mu.mean(axis=0), **CLOSE)


def test_known_cities_may_have_other_attributes(net, by_hand, made_draws, made_fit):
    study = study_of(net)
    posterior = made_draws(study, "nb_pooled")
    fit = made_fit(study, "nb_pooled", posterior)
    rows = pd.DataFrame({"from": ["Ada"], "to": ["Bör"], "near": [0.3], "far": [5.0]})
    found = predictions(fit, rows, cities=places(net).loc[["Bör"]].assign(gdp=100.0))
    make, i, j = by_hand
    fitted = make(i, j, *study.dyads["predictors"].to_numpy().T)
    cities = places(net)
    cities.loc["Bör", "gdp"] = 100.0
    design = make(cities.loc[rows["from"]], cities.loc[rows["to"]], [0.3], [5.0])
    mu = expected_counts(posterior, design, fitted)
    np.testing.assert_allclose(found["expected"], mu.mean(axis=0), **CLOSE)


@pytest.mark.parametrize(
    ("cities", "said"),
    [
        (None, "cities: no row for 'New', whose attributes the model needs"),
        ({"gdp": [1.0]}, "cities: no column 'region', which the model needs"),
        ({"gdp": [np.nan], "region": ["coast"]}, "cities: 'gdp' of 'New': write a finite number"),
        ({"gdp": ["much"], "region": ["coast"]}, "cities: 'gdp' of 'New': write a finite number"),
    ],
)
def test_attributes_that_are_lacking_are_named(net, made_draws, made_fit, cities, said):
    study = study_of(net)
    fit = made_fit(study, "nb_pooled", made_draws(study, "nb_pooled"))
    table = None if cities is None else pd.DataFrame(cities, index=["New"])
    rows = pd.DataFrame({"from": ["New"], "to": ["Ada"], "near": [0.3], "far": [1.0]})
    with pytest.raises(QueryError) as refused:
        predictions(fit, rows, cities=table, new_cities="integrate")
    assert said in str(refused.value)


def test_dyads_without_an_outcome_are_predicted(net, by_hand, made_draws, made_fit):
    blank = net.rows.astype({"letters": object})
    blank.loc[[2, 7, 11], "letters"] = ""
    study = study_of(net, blank)
    assert study.dyads.sizes["dyad"] == len(net.rows) - 3
    assert study.notes == ("3 directed dyads have no 'letters' and are predicted",)
    posterior = made_draws(study, "nb_pooled")
    found = predictions(made_fit(study, "nb_pooled", posterior))
    asked = net.rows.iloc[[2, 7, 11]]
    assert found["sender"].tolist() == asked["from"].tolist()
    assert found["receiver"].tolist() == asked["to"].tolist()
    # as if they had been asked for one by one
    rows = asked[["from", "to"]].assign(near=study.unobserved["predictors"].to_numpy()[:, 0])
    again = predictions(made_fit(study, "nb_pooled", posterior), rows)
    np.testing.assert_allclose(again["expected"], found["expected"], **CLOSE)


def test_a_city_without_any_outcome_is_predicted_from_its_attributes(net, made_draws, made_fit):
    blank = net.rows.astype({"letters": object})
    blank.loc[(blank["from"] == "Fox") | (blank["to"] == "Fox"), "letters"] = ""
    study = study_of(net, blank)
    assert "Fox" not in study.dyads["city"]
    fit = made_fit(study, "nb_pooled", made_draws(study, "nb_pooled"))
    with pytest.raises(QueryError, match="knows no city 'Fox'"):
        predictions(fit)
    found = predictions(fit, new_cities="integrate")
    assert len(found) == 10
    assert np.isfinite(found["expected"]).all()


def test_where_every_outcome_is_known_there_is_nothing_to_predict(net, made_draws, made_fit):
    study = study_of(net)
    fit = made_fit(study, "nb_pooled", made_draws(study, "nb_pooled"))
    with pytest.raises(QueryError, match="every dyad of the study has its outcome"):
        predictions(fit)


def test_a_hypothesis_on_one_end_has_an_effect_in_plain_units(net, made_draws, made_fit, tmp_path):
    stated = {"part": "degree", "direction": "positive"}
    terms = ("sender(log(gdp))", "same(region)", "near")
    hypotheses = [{"label": term, "term": term, **stated} for term in terms]
    # nothing else has to do with the sender's gdp in this formula
    declared = {"hypothesis": hypotheses, "degree": "sender(log(gdp)) + same(region) + near"}
    study = study_from(
        net.rows,
        places(net),
        **NAMED,
        matrices={"near": net.near},
        **declared,
    )
    from analysis.hypothesis.effects import _column  # noqa: PLC0415
    from data.dyads import columns_of  # noqa: PLC0415

    behind = {
        one.term: _column(one, study.terms["degree"], columns_of(study.dyads))
        for one in study.declaration.hypothesis
    }
    # what both ends share is no change of one predictor
    assert behind == {"sender(log(gdp))": "gdp (sender)", "same(region)": "", "near": "near"}
    assert plain_effects(study, results=tmp_path).empty
