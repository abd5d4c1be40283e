"""What becomes of dyads that lack a row, an outcome or a predictor; what looks wrong is said."""

import numpy as np
import pandas as pd
import pytest
from networks import ENDS, NAMED, network, toml, write

from data import read_study, study_from
from data.errors import ModelError, StudyError
from models import maximum_likelihood, sample
from models.name import refuse_misfit


@pytest.fixture
def net():
    return network()


def blank(table, column, rows):
    table = table.astype({column: object})
    table.loc[rows, column] = ""
    return table


def test_a_row_without_a_predictor_is_refused_unless_it_is_to_be_dropped(net):
    rows = blank(net.rows.assign(size=np.arange(30) / 3), "size", [4, 9])
    with pytest.raises(StudyError, match=r"^study: rows 6, 11: 'size' is missing; complete the"):
        study_from(rows, **NAMED, degree="log(size + 1)")
    study = study_from(rows, **NAMED, degree="log(size + 1)", missing="drop")
    kept = rows.drop(index=[4, 9])
    assert study.dyads["outcome"].to_numpy().tolist() == kept["letters"].tolist()
    expected = np.log(kept["size"].astype(float) + 1)
    assert study.dyads["degree_design"].to_numpy().ravel().tolist() == expected.tolist()
    assert study.notes == ("2 directed dyads lack a predictor and are left out",)
    assert study.cautions == ()
    assert study.missing_dyads == 0  # they have rows


def test_scaling_is_of_the_rows_that_are_left(net):
    rows = blank(net.rows.assign(size=np.arange(30.0)), "size", [29])
    column = study_from(rows, **NAMED, degree="scale(size)", missing="drop").dyads["degree_design"]
    left = np.arange(29.0)
    np.testing.assert_allclose(column.to_numpy().ravel(), (left - 14) / left.std(ddof=1))


@pytest.mark.parametrize(
    ("term", "left"),
    [("sender(gdp)", 25), ("receiver(gdp)", 25), ("absdiff(gdp)", 20), ("same(region)", 20)],
)
def test_a_city_without_an_attribute_loses_the_dyads_that_need_it(net, term, left):
    name = "region" if "region" in term else "gdp"
    cities = blank(net.cities.set_index("town"), name, "Cam")
    with pytest.raises(StudyError, match=f"study: cities: row 4: '{name}' is missing; "):
        study_from(net.rows, cities, **NAMED, degree=term)
    study = study_from(net.rows, cities, **NAMED, degree=term, missing="drop")
    assert study.dyads.sizes["dyad"] == left
    whole = study_from(net.rows, net.cities.set_index("town"), **NAMED, degree=term)
    there = whole.dyads["degree_design"].sel(dyad=study.dyads["dyad"])
    np.testing.assert_array_equal(study.dyads["degree_design"], there)


def test_a_city_that_loses_most_of_its_dyads_is_named(net):
    cities = blank(net.cities.set_index("town"), "gdp", "Cam")
    study = study_from(net.rows, cities, **NAMED, degree="absdiff(gdp)", missing="drop")
    (caution,) = study.cautions
    assert caution.startswith("Cam loses most of its dyads, which lack a predictor")
    assert caution.endswith("10 dyads are left out")
    assert "Cam" not in study.dyads["city"]


def test_a_predictor_that_is_computed_lacks_what_it_is_computed_from(net):
    rows = blank(net.rows.assign(size=np.arange(30.0)), "size", [3])
    study = study_from(
        rows, **NAMED, degree="half", predictors={"half": "size / 2"}, missing="drop"
    )
    assert study.dyads["degree_design"].to_numpy().ravel().tolist() == [
        k / 2 for k in range(30) if k != 3
    ]


def test_blank_outcomes_are_no_part_of_the_likelihood(net):
    rows = blank(net.rows.assign(size=np.arange(30.0)), "letters", [0, 1, 20])
    study = study_from(rows, **NAMED, degree="scale(size)")
    without = study_from(
        net.rows.assign(size=np.arange(30.0)).drop(index=[0, 1, 20]), **NAMED, degree="scale(size)"
    )
    assert study.digest == without.digest
    assert study.unobserved["dyad"].to_numpy().tolist() == [
        f"{rows['from'][k]} -> {rows['to'][k]}" for k in (0, 1, 20)
    ]
    assert study.shown != without.shown


def test_a_blank_outcome_is_a_row_that_is_there(net):
    rows = blank(net.rows.assign(letters=net.rows["letters"] + 1), "letters", [3])
    study = study_from(rows, **NAMED)
    assert study.cautions == ()
    assert study.missing_dyads == 0
    with pytest.raises(ModelError, match="no zeros to explain; take a model"):
        refuse_misfit("zinb_srm", study)


def test_predictors_name_those_before_them_and_synthetic_ones_stay_so(net):
    study = study_from(
        net.rows.assign(size=np.arange(1.0, 31)),
        **NAMED,
        degree="twice",
        predictors={"logged": "log(size)", "twice": "2 * logged"},
        synthetic=["size"],
    )
    expected = 2 * np.log(np.arange(1.0, 31))
    np.testing.assert_allclose(study.dyads["degree_design"].to_numpy().ravel(), expected)
    assert study.declaration.synthetic == ("size", "logged", "twice")


def test_an_edge_list_taken_for_a_whole_table_is_cautioned(net):
    edges = net.edges
    study = study_from(edges, **NAMED)
    assert any('write absent = "zero" under [dyads]' in caution for caution in study.cautions)
    for model in ("zinb_pooled", "zip_srm", "hurdle_nb_crossed"):
        with pytest.raises(ModelError, match="no 'letters' is 0, so that there are no zeros"):
            refuse_misfit(model, study)
    refuse_misfit("nb_srm", study)
    with pytest.raises(ModelError, match="no zeros to explain"):
        sample(study, "zinb_srm", progress=False)
    with pytest.raises(ModelError, match="no zeros to explain"):
        maximum_likelihood(study, "zip_pooled")
    whole = study_from(edges, net.cities.set_index("town"), absent="zero", **NAMED)
    assert whole.cautions == ()
    refuse_misfit("zinb_pooled", whole)


def test_a_whole_table_without_a_zero_is_no_edge_list(net):
    rows = net.rows.assign(letters=net.rows["letters"] + 1)
    assert study_from(rows, **NAMED).cautions == ()


@pytest.mark.parametrize("kind", ["both", "one"])
def test_what_looks_undirected_is_cautioned(net, kind):
    rows = net.rows.copy()
    pair = [tuple(sorted(two)) for two in zip(rows["from"], rows["to"], strict=True)]
    rows["letters"] = 1 + pd.factorize(pd.Index(pair, tupleize_cols=False))[0] % 3
    if kind == "one":
        rows = rows[rows["from"] < rows["to"]]
        rows.iloc[0, 2] = 0
    (caution,) = study_from(rows, **NAMED).cautions
    assert "the dyads look undirected" in caution
    assert "directed = false under [dyads], or true if they are" in caution


def test_directed_dyads_that_are_declared_so_are_not_cautioned(net, tmp_path):
    rows = net.rows[net.rows["from"] < net.rows["to"]]
    for declared, cautions in (("", 1), ("directed = true", 0)):
        said = toml(dyads=f"{ENDS}\n{declared}", degree="near")
        folder = write(tmp_path / f"s{cautions}", net, said)
        rows.to_csv(folder / "d.csv", index=False)
        assert len(read_study(folder).cautions) == cautions


def test_numbers_of_a_column_survive_every_sign(net):
    # seventeen digits, as a float64 has them
    values = np.random.default_rng(1).normal(size=30) * 10.0 ** np.arange(-15, 15)
    study = study_from(net.rows.assign(size=values), **NAMED, degree="size")
    assert study.dyads["degree_design"].to_numpy().ravel().tolist() == values.tolist()
