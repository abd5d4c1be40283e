"""Panels: periods in their order, values of earlier ones, rows without a past."""

import numpy as np
import pandas as pd
import pytest

from data import study_from
from data.errors import StudyError
from models import maximum_likelihood

CITIES = "ABCDE"
YEARS = [2009, 2010, 2012, 2013]


def panel(seed=3, years=YEARS, share=0.8):
    """Give an unbalanced panel of counts, rows in no order."""
    rng = np.random.default_rng(seed)
    rows = [(i, j, t) for t in years for i in CITIES for j in CITIES if i != j]
    table = pd.DataFrame(rows, columns=["from", "to", "year"])
    table["letters"] = rng.poisson(3, len(table))
    table["cost"] = rng.normal(size=len(table)).round(3)
    return table.sample(frac=share, random_state=seed).reset_index(drop=True)


def study(table, **declared):
    given = {"sender": "from", "receiver": "to", "period": "year", "outcome": "letters"}
    return study_from(table, **(given | {"models": ("poisson_pooled",)} | declared))


@pytest.mark.parametrize("column", ["letters", "cost"])
@pytest.mark.parametrize("back", [1, 2])
def test_lags_are_the_values_of_earlier_periods(column, back):
    table = panel()
    asked = [f"{call}({column}, {back})" for call in ("lagged", "lagged_reverse")]
    made = study(table, degree=" + ".join(asked))
    value = {(r["from"], r["to"], r["year"]): r[column] for _, r in table.iterrows()}
    kept, without = {}, 0
    for i, j, year in value:
        place = YEARS.index(year) - back
        before = YEARS[place] if place >= 0 else None
        if (i, j, before) in value and (j, i, before) in value:
            kept[f"{i} -> {j}, {year}"] = value[i, j, before], value[j, i, before]
        else:
            without += 1
    assert f"{without} directed dyads have no past" in made.notes[0]
    assert set(made.dyads["dyad"].to_numpy()) == set(kept)
    expected = np.array([kept[label] for label in made.dyads["dyad"].to_numpy()])
    np.testing.assert_array_equal(made.dyads["degree_design"], expected)
    names = [name.replace(", 1", "") for name in asked]
    assert made.dyads["degree_term"].to_numpy().tolist() == names


def test_lags_stand_within_functions_and_computed_predictors():
    table = panel(share=1.0)
    formula = "log1p(lagged(letters)) + before:lagged_reverse(cost) + cost"
    made = study(table, degree=formula, predictors={"before": "sqrt(lagged(letters, 2))"})
    names = ["log1p(lagged(letters))", "cost", "before:lagged_reverse(cost)"]
    assert made.dyads["degree_term"].to_numpy().tolist() == names
    assert made.dyads["period"].to_numpy().tolist() == ["2012", "2013"]
    by_hand = table.set_index(["from", "to", "year"])
    for label, found in zip(
        made.dyads["dyad"].to_numpy(), made.dyads["degree_design"], strict=True
    ):
        dyad, year = label.split(", ")
        i, j = dyad.split(" -> ")
        one, two = (YEARS[YEARS.index(int(year)) - k] for k in (1, 2))
        letters, back = by_hand["letters"][i, j, one], by_hand["cost"][j, i, one]
        expected = [np.log1p(letters), by_hand["cost"][i, j, int(year)]]
        expected.append(np.sqrt(by_hand["letters"][i, j, two]) * back)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_one_period_is_a_table_without_periods():
    table = panel(years=[2012])
    one = study(table, degree="cost")
    plain = study(table, degree="cost", period=None)
    assert one.missing_dyads == plain.missing_dyads == 4
    for name in ("outcome", "degree_design", "log_exposure"):
        np.testing.assert_array_equal(one.dyads[name], plain.dyads[name])
    fits = [maximum_likelihood(each, "poisson_pooled").parameters for each in (one, plain)]
    np.testing.assert_array_equal(*fits)


@pytest.mark.parametrize(
    ("years", "names", "declared"),
    [
        (["9", "10", "11", "100"], ["9", "10", "11", "100"], ()),
        (["2012-02-01", "2012-10-01", "2013-01-15", "2013-02-01"],) * 2 + ((),),
        (
            ["t1", "t0", "after", "then"],
            ["t0", "t1", "then", "after"],
            ("t0", "t1", "then", "after"),
        ),
    ],
)
def test_periods_have_an_order(years, names, declared):
    table = panel()
    table["year"] = table["year"].map(dict(zip(YEARS, years, strict=True)))
    made = study(table, periods=declared)
    assert made.dyads["period"].to_numpy().tolist() == names
    assert made.missing_dyads == 80 - 64


def test_a_period_is_a_number_and_a_category_in_formulas():
    made = study(panel(share=1.0), degree="C(year) + year:cost")
    terms = ["C(year)[T.2010]", "C(year)[T.2012]", "C(year)[T.2013]", "year:cost"]
    assert made.dyads["degree_term"].to_numpy().tolist() == terms
    assert made.dyads["period"].to_numpy().tolist() == list(map(str, YEARS))
    assert made.missing_dyads == 0
    years = made.dyads["degree_design"].to_numpy()[:, :3] @ np.array(YEARS[1:])
    shown = made.dyads["dyad_period"].to_numpy().astype(int)
    np.testing.assert_array_equal(np.where(years > 0, years, YEARS[0]), shown)


def test_dyads_without_a_row_are_zeros_while_both_cities_are_there():
    table = panel(share=1.0)
    # B enters in 2010 and A leaves after 2012; D has no row in 2012, in which it is there
    years = table["year"]
    of = {city: (table[["from", "to"]] == city).any(axis=1) for city in CITIES}
    gone = (of["B"] & (years < 2010)) | (of["A"] & (years > 2012)) | (of["D"] & (years == 2012))
    made = study(table[~gone], absent="zero")
    assert made.dyads.sizes["dyad"] == 4 * 3 + 5 * 4 + 5 * 4 + 4 * 3
    assert made.notes == ("8 directed dyads without a row are zeros",)
    zero = made.dyads["outcome"].sel(dyad="D -> B, 2012")
    assert int(zero) == 0
    assert made.missing_dyads == 0
    assert study(table[~gone]).missing_dyads == 8
    lagged = study(table[~gone], absent="zero", degree="C(year) + lagged(letters)")
    assert lagged.dyads.sizes["dyad"] == 12 + 20 + 12  # of dyads that were there a year before
    zeros = lagged.dyads.sel(dyad=["D -> B, 2012", "D -> B, 2013"])
    np.testing.assert_array_equal(zeros["degree_design"].sel(degree_term="lagged(letters)")[1], 0)


BAD = {
    "twice": (lambda t: pd.concat([t, t.head(1)]), {}, "more than once in a period"),
    "twice, written otherwise": (
        lambda t: pd.concat(
            [t.astype({"year": str}), t.head(1).astype({"year": float}).astype(str)]
        ),
        {},
        "more than once in a period",
    ),
    "no period": (lambda t: t, {"period": None}, "more than once; keep one row, or name the"),
    "no column": (lambda t: t, {"period": "month"}, "'month'"),
    "empty": (lambda t: t.assign(year=t["year"].where(t.index > 0)), {}, "'year' is missing"),
    "no order": (lambda t: t.assign(year=t["year"].map("in {}".format)), {}, "in their order"),
    "undeclared": (
        lambda t: t.assign(year=t["year"].astype(str)),
        {"periods": ("2009", "2010", "2012")},
        "is '2013', which is not among",
    ),
    "declared twice": (lambda t: t, {"periods": ("2009", "2009")}, "names one twice"),
    "of the sender": (lambda t: t, {"period": "from"}, "something else already"),
    "too long a lag": (lambda t: t, {"degree": "lagged(letters, 4)"}, "goes back 4 periods"),
    "no periods to lag": (
        lambda t: t[t["year"] == 2012],
        {"degree": "lagged(letters)", "period": None},
        "the dyads have none",
    ),
    "a lag of nothing": (lambda t: t, {"degree": "lagged()"}, "takes a column"),
    "a lag of an expression": (lambda t: t, {"degree": "lagged(log1p(cost))"}, "takes a column"),
    "a lag of a lag": (lambda t: t, {"degree": "lagged(lagged(cost))"}, "takes a column"),
    "a lag of half a period": (lambda t: t, {"degree": "lagged(cost, 0.5)"}, "number of periods"),
    "a lag of no period": (lambda t: t, {"degree": "lagged(cost, 0)"}, "number of periods"),
    "a lead": (lambda t: t, {"degree": "lagged(cost, -1)"}, "number of periods"),
    "a lag of an unknown": (lambda t: t, {"degree": "lagged(costs)"}, "did you mean 'cost'"),
    "an open lag": (lambda t: t, {"degree": "lagged(cost"}, "not closed"),
    "the outcome itself": (lambda t: t, {"degree": "letters"}, "cannot predict itself"),
    "formulaic's lag": (lambda t: t, {"degree": "lag(cost)"}, "lagged(cost)"),
}


@pytest.mark.parametrize(("change", "declared", "said"), BAD.values(), ids=BAD)
def test_what_a_panel_cannot_be_is_refused_in_one_line(change, declared, said):
    with pytest.raises(StudyError) as error:
        study(change(panel()), **declared)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
