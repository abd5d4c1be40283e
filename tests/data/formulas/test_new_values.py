"""Design matrices of other rows keep the state of the rows that were fitted."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data.dyads import raw_predictors
from data.errors import QueryError, ResultsError, StudyError
from data.formulas.design import design_matrix
from data.formulas.grammar import parse_formula
from data.formulas.new_values import Rows, changed_design
from data.formulas.reader import Columns
from data.from_memory import study_from_table

EVERYTHING = "scale(log(near)) * tied + poly(size, 2) + C(year) + kind + bs(`how far`, df=4)"


@pytest.fixture
def table():
    """Give 40 rows with every kind of column."""
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "near": rng.lognormal(size=40),
            "size": rng.normal(3, 2, 40),
            "how far": rng.random(40),
            "tied": np.arange(40) % 2,
            "year": 2020.0 + np.arange(40) % 3,
            "kind": rng.choice(["coast", "hills", "plain"], 40),
        },
        index=[f"row {k}" for k in range(40)],
    ).astype({"kind": object})


def design_of(formula, table, changed):
    parsed = parse_formula(formula, Columns(tuple(table.columns)))
    return changed_design(parsed, Rows(table), Rows(changed), "degree", "rows")


def test_the_fitted_mean_and_sd_scale_other_rows(table):
    changed = table.assign(near=table["near"] * 3 + 1)
    found = design_of("scale(near) + scale(log(near))", table, changed)
    for term, of in (("scale(near)", lambda x: x), ("scale(log(near))", np.log)):
        fitted, other = of(table["near"].to_numpy()), of(changed["near"].to_numpy())
        expected = (other - fitted.mean()) / fitted.std(ddof=1)
        np.testing.assert_allclose(found[term], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", [slice(None), slice(7, 8), [30, 2, 2]])
def test_rows_of_the_table_give_its_own_design(table, rows):
    fitted = design_matrix(
        parse_formula(EVERYTHING, Columns(tuple(table.columns))), table.set_axis(range(40))
    )
    some = table.iloc[rows]
    found = design_of(EVERYTHING, table, some)
    assert found.columns.tolist() == fitted.columns.tolist()
    assert "C(year)[T.2021]" in found.columns
    np.testing.assert_allclose(found, fitted.iloc[rows], rtol=0, atol=1e-12)


def test_levels_stay_where_a_change_leaves_but_one(table):
    found = design_of("C(year) + kind", table, table.assign(kind="hills"))
    assert found.columns.tolist() == [
        "C(year)[T.2021]",
        "C(year)[T.2022]",
        "kind[T.hills]",
        "kind[T.plain]",
    ]
    assert (found["kind[T.hills]"] == 1).all()
    assert (found["kind[T.plain]"] == 0).all()


def test_a_formula_without_predictors_has_no_columns(table):
    assert design_of("1", table[[]], table[[]]).shape == (40, 0)


def test_columns_within_c_are_categories():
    formula = "x + C(`the year`) + C(x > 3) + near:C(k)"
    found = parse_formula(formula, Columns(("x", "the year", "near", "k")))
    assert found.used == ("x", "the year", "near", "k")
    assert found.levelled == {"the year", "k"}


@pytest.mark.parametrize(
    ("formula", "change", "phrase"),
    [
        ("near", {"near": np.nan}, "rows: row 0: 'near' is missing; write a finite number"),
        ("near", {"near": "far"}, "rows: row 0: 'near' is 'far'; write a finite number"),
        ("near", {"near": np.inf}, "'near' is 'inf'; write a finite number"),
        ("kind", {"kind": None}, "'kind' is missing; write one of the categories"),
        ("kind", {"kind": "hill"}, "does not know; did you mean 'hills'?"),
        ("C(year)", {"year": 2023}, "Valid: 2020, 2021, 2022"),
        ("log(near)", {"near": -1.0}, r"rows: row 0: the predictor 'log\(near\)' is missing or"),
        ("bs(near, df=4)", {"near": 1e3}, "cannot be computed for rows: .*boundary|bounds"),
    ],
)
def test_rows_that_do_not_suit_are_refused_in_one_line(table, formula, change, phrase):
    with pytest.raises(QueryError, match=phrase) as refused:
        design_of(formula, table, table.assign(**change))
    assert "\n" not in str(refused.value)


def test_a_missing_column_is_named(table):
    with pytest.raises(QueryError, match="no column 'near', which the formula needs; did you mean"):
        design_of("near", table, table.rename(columns={"near": "nearr"}))


def test_what_depends_on_the_order_of_rows_is_refused(table):
    with pytest.raises(QueryError, match="'lag' depends on the order of the rows"):
        design_of("lag(near, 0)", table, table)


@pytest.mark.parametrize(
    "formula", ["{__import__('os').getcwd()}", "near.__class__", "{[near for _ in near]}"]
)
def test_a_formula_from_a_file_is_held_to_the_grammar(table, formula):
    with pytest.raises(StudyError):
        design_of(formula, table, table)


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("1", []),
        ("near + log(size)", ["near", "size"]),
        ("kind", ["kind"]),
        ("near:kind", ["near", "kind"]),
    ],
)
def test_raw_columns_survive_a_file(varied_study, tmp_path, formula, columns):
    study, table = varied_study
    content = study.declaration.model_dump() | {
        "formula": {"selection": "1", "degree": formula},
        "slopes": {},
    }
    dyads = study_from_table(table, type(study.declaration).model_validate(content), "x").dyads
    tree = xr.DataTree.from_dict({"constant_data": dyads.drop_vars("outcome")})
    tree.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as read:
        found = raw_predictors(read["constant_data"].to_dataset())
    ends = zip(table["from"], table["to"], strict=True)
    assert found.columns.tolist() == columns
    assert found.index.tolist() == [f"{i} -> {j}" for i, j in ends]
    for column in columns:
        assert found[column].tolist() == table[column].tolist()


def test_a_fit_from_before_has_no_raw_columns(varied_study):
    with pytest.raises(ResultsError, match="sample it again"):
        raw_predictors(varied_study[0].dyads.drop_vars("predictors"))
