"""Marginal effects against finite differences written out in NumPy, and against the truth."""

import json
import sys

import numpy as np
import pytest
import xarray as xr

from analysis.posterior.marginal_effects import marginal_effects
from data.errors import QueryError, StudyError
from models import sample, simulate_study
from models.work.netcdf import open_tree, write

CLOSE = {"rtol": 0, "atol": 1e-10}
FAMILIES = ["zinb", "hurdle_nb", "nb"]


def quantities_by_hand(posterior, table, changed, family):
    """Compute each quantity for changed predictors, shape (draw, dyad); formulas as in conftest."""
    flat = posterior.stack(sample=("chain", "draw"), create_index=False).transpose("sample", ...)
    of = {str(name): flat[name].to_numpy() for name in flat.data_vars}
    cities = list("abcdef")
    sender = [cities.index(city) for city in table["from"]]
    receiver = [cities.index(city) for city in table["to"]]

    def coef(part, term):
        return of[f"{part}_coef"][:, flat[f"{part}_term"].to_numpy().tolist().index(term)]

    def columns(rows, part):
        log_size = np.log(rows["size"].to_numpy())
        if part == "selection":
            return {"near": rows["near"].to_numpy(), "log(size)": log_size}
        near, tied = table["near"].to_numpy(), rows["tied"].to_numpy()
        scaled = (rows["near"].to_numpy() - near.mean()) / near.std(ddof=1)
        return {
            "scale(near)": scaled,
            "tied": tied,
            "scale(near):tied": scaled * tied,
            "log(size)": log_size,
            "kind[T.hills]": (rows["kind"] == "hills").to_numpy() * 1.0,
            "kind[T.plain]": (rows["kind"] == "plain").to_numpy() * 1.0,
        }

    def predictor(part):
        total = np.tile(of[f"{part}_intercept"][:, None], len(table))
        observed, other = columns(table, part), columns(changed, part)
        assert sorted(observed) == sorted(flat[f"{part}_term"].to_numpy().tolist())
        for term in observed:
            total = total + np.outer(coef(part, term), other[term] - observed[term].mean())
        total = total + of[f"{part}_sender"][:, sender] + of[f"{part}_receiver"][:, receiver]
        total = total + of[f"{part}_pair"]
        if part == "degree":
            log_years = np.log(table["years"].to_numpy())
            total = total + log_years - log_years.mean()
            moved = other["log(size)"] - observed["log(size)"].mean()
            total = total + of["degree_sender_slope"][:, sender, 0] * moved
        return total

    mu, alpha = np.exp(predictor("degree")), of["dispersion"][:, None]
    p0 = (1 + alpha * mu) ** (-1 / alpha)
    if family == "nb":
        return {"expected": mu, "p_zero": p0}
    psi = 1 / (1 + np.exp(-predictor("selection")))
    eligible = mu / (1 - p0) if family == "hurdle_nb" else mu
    return {
        "p_eligible": psi,
        "expected_if_eligible": eligible,
        "expected": psi * eligible,
        "p_zero": 1 - psi if family == "hurdle_nb" else 1 - psi + psi * p0,
    }


def changes(table):
    """List what is changed: predictor, words, the table before and after."""
    near_sd, size_sd = (np.std(table[each], ddof=1) for each in ("near", "size"))
    yield "near", f"+1 sd ({near_sd:.3g})", table, table.assign(near=table["near"] + near_sd)
    yield "size", f"+1 sd ({size_sd:.3g})", table, table.assign(size=table["size"] + size_sd)
    yield "tied", "0 -> 1", table.assign(tied=0), table.assign(tied=1)
    for kind in ("hills", "plain"):
        words = f"{kind} instead of coast"
        yield "kind", words, table.assign(kind="coast"), table.assign(kind=kind)


@pytest.mark.parametrize("pair", [None, "d -> b"])
@pytest.mark.parametrize("family", FAMILIES)
def test_effects_are_finite_differences(varied_study, made_draws, made_fit, family, pair):
    study, table = varied_study
    model = f"{family}_srm_dyadic"
    posterior = made_draws(study, model)
    found = marginal_effects(made_fit(study, model, posterior), dyad=pair)
    rows = slice(None)
    if pair:
        rows = np.flatnonzero((table["from"] == "d") & (table["to"] == "b"))
    expected_rows = []
    for predictor, change, before, after in changes(table):
        low = quantities_by_hand(posterior, table, before, family)
        high = quantities_by_hand(posterior, table, after, family)
        for quantity in low:
            draws = (high[quantity] - low[quantity])[:, rows].mean(axis=1)
            line = found.loc[(predictor, change, quantity)]
            np.testing.assert_allclose(
                line[["mean", "sd", "lower", "upper", "p_positive"]].to_numpy(),
                [
                    draws.mean(),
                    draws.std(ddof=1),
                    *np.quantile(draws, [0.055, 0.945]),
                    (draws > 0).mean() if draws.any() else np.nan,
                ],
                **CLOSE,
            )
            expected_rows.append((predictor, change, quantity))
    assert sorted(found.index) == sorted(expected_rows)
    assert found.attrs["draws"] == 40
    assert found.attrs["dyads"] == (pair or "all")
    assert found.attrs["synthetic"] == ["services", "near"]
    assert found.attrs["passed"] == 1


def test_a_predictor_of_one_part_leaves_the_other_exactly(varied_study, made_draws, made_fit):
    study, _ = varied_study
    found = marginal_effects(
        made_fit(study, "zinb_srm_dyadic", made_draws(study, "zinb_srm_dyadic"))
    )
    line = found.loc[("tied", "0 -> 1", "p_eligible")]
    assert line.tolist()[:4] == [0, 0, 0, 0]
    assert np.isnan(line["p_positive"])  # nothing has no sign


def test_where_a_formula_has_no_value_the_effect_is_unknown(made_draws, made_fit):
    study, _ = simulate_study(6, "nb_srm", seed=1)
    near = study.dyads["predictors"].sel(predictor="near").drop_vars("predictor")
    near = near - near.min() + 1.0
    inside = f"log({float(near.max()) + 0.1:.6f} - near)"  # which one sd more takes below zero
    changed = study.declaration.formula.model_copy(update={"degree": f"{inside} + alike"})
    declaration = study.declaration.model_copy(update={"formula": changed})
    dyads = study.dyads.assign_coords(degree_term=[inside, "alike"])
    alike = dyads["predictors"].sel(predictor="alike").drop_vars("predictor")
    dyads = dyads.assign(predictors=xr.concat([near, alike], dyads["predictor"]).T)
    one = type(study)(study.name, declaration, dyads, "")
    found = marginal_effects(made_fit(one, "nb_pooled", made_draws(one, "nb_pooled")))
    assert found.xs("near").isna().all(axis=None)
    assert found.xs("alike").notna().all(axis=None)


def test_predictors_of_a_part_that_the_model_lacks_are_left_out(made_draws, made_fit):
    study, _ = simulate_study(6, "nb_srm", seed=1)
    changed = study.declaration.formula.model_copy(update={"degree": "near"})
    declaration = study.declaration.model_copy(update={"formula": changed})
    dyads = study.dyads.isel(degree_term=[0])
    one = type(study)(study.name, declaration, dyads, "")
    found = marginal_effects(made_fit(one, "nb_pooled", made_draws(one, "nb_pooled")))
    assert found.index.get_level_values("predictor").unique().tolist() == ["near"]


def test_blocks_and_files_change_nothing(varied_study, made_draws, made_fit, tmp_path, monkeypatch):
    study, table = varied_study
    fit = made_fit(study, "zinb_srm_dyadic", made_draws(study, "zinb_srm_dyadic"))
    whole = marginal_effects(fit)
    monkeypatch.setattr(sys.modules["analysis.posterior.marginal_effects"], "BLOCK", 7 * len(table))
    write(fit, tmp_path / "fit.nc")
    with open_tree(tmp_path / "fit.nc", "") as read:
        again = marginal_effects(read)
    assert again.index.equals(whole.index)
    np.testing.assert_allclose(again, whole, **CLOSE)
    assert again.attrs == whole.attrs


def test_thinned_draws_are_counted(varied_study, made_draws, made_fit):
    study, table = varied_study
    posterior = made_draws(study, "nb_srm_dyadic")
    found = marginal_effects(made_fit(study, "nb_srm_dyadic", posterior), draws=5)
    assert found.attrs["draws"] == 5
    kept = np.linspace(0, 39, 5).astype(int)
    before = quantities_by_hand(posterior, table, table.assign(tied=0), "nb")["expected"][kept]
    after = quantities_by_hand(posterior, table, table.assign(tied=1), "nb")["expected"][kept]
    mean = found.loc[("tied", "0 -> 1", "expected"), "mean"]
    assert mean == pytest.approx((after - before).mean(), abs=1e-10)


def test_the_truth_gives_its_closed_form(made_fit):
    # under a log link, b + 1 sd multiplies every mean by exp(coef sd)
    study, truth = simulate_study(12, "nb_srm", seed=3)
    draws = truth.expand_dims(chain=1, draw=2)
    found = marginal_effects(made_fit(study, "nb_srm", draws))
    near = study.dyads["predictors"].sel(predictor="near").to_numpy()
    sd, mu = near.std(ddof=1), true_means(study, truth)
    line = found.loc[("near", f"+1 sd ({sd:.3g})", "expected")]
    assert line["mean"] == pytest.approx(mu.mean() * np.expm1(0.5 * sd), rel=1e-10)
    line = found.loc[("near", f"+1 sd ({sd:.3g})", "p_zero")]
    # (1 + dispersion mu)^(-1 / dispersion)
    expected = np.mean((1 + 0.5 * mu * np.exp(0.5 * sd)) ** -2 - (1 + 0.5 * mu) ** -2)
    assert line["mean"] == pytest.approx(expected, rel=1e-10)


def true_means(study, truth):
    """Write the means of a simulated study's counts out."""
    dyads = study.dyads
    x = dyads["predictors"].to_numpy()
    eta = truth["degree_intercept"].item() + (x - x.mean(axis=0)) @ [0.5, 0.3]
    if "degree_sender" in truth:
        for side in ("sender", "receiver"):
            eta = eta + truth[f"degree_{side}"].sel(city=dyads[side].to_numpy()).to_numpy()
    return np.exp(eta)


def test_a_fit_recovers_the_true_effect():
    study, truth = simulate_study(15, "poisson_pooled", seed=6)
    fit = sample(study, "poisson_pooled", draws=600, tune=400, chains=2, seed=1, progress=False)
    found = marginal_effects(fit).xs("expected", level="quantity").droplevel("change")
    mu, sds = true_means(study, truth), study.dyads["predictors"].std("dyad", ddof=1)
    for predictor, coef in (("near", 0.5), ("alike", 0.3)):
        expected = mu.mean() * np.expm1(coef * sds.sel(predictor=predictor).item())
        line = found.loc[predictor]
        # 3 posterior sds: a normal error exceeds them once in 370 times
        assert line["mean"] == pytest.approx(expected, abs=3 * line["sd"])
        assert line["sd"] < 0.2 * expected
    assert fit["constant_data"]["predictors"].equals(study.dyads["predictors"])


def test_no_predictors_give_an_empty_table(varied_study, made_fit):
    study, truth = simulate_study(6, "nb_pooled", seed=1)
    formula = study.declaration.formula.model_copy(update={"selection": "1", "degree": "1"})
    declaration = study.declaration.model_copy(update={"formula": formula})
    dyads = study.dyads.isel(degree_term=[], selection_term=[])
    draws = truth.drop_vars(["degree_coef", "degree_term"]).expand_dims(chain=1, draw=2)
    found = marginal_effects(
        made_fit(type(study)(study.name, declaration, dyads, ""), "nb_pooled", draws)
    )
    assert found.empty
    assert found.index.names == ["predictor", "change", "quantity"]


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"dyad": "a -> g"}, "no city 'g'"),
        ({"dyad": "f -> a"}, "the study has no row for it; did you mean 'f -> "),
        ({"dyad": "a & b"}, "write sender -> receiver, as in a -> b"),
        ({"draws": 1}, "draws is 1; at least 2"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    varied_study, made_draws, made_fit, options, phrase
):
    study, _ = varied_study
    fit = made_fit(study, "nb_srm_dyadic", made_draws(study, "nb_srm_dyadic"))
    with pytest.raises(QueryError, match=phrase):
        marginal_effects(fit, **options)


def test_a_formula_in_a_file_cannot_run_python(varied_study, made_draws, made_fit):
    study, _ = varied_study
    fit = made_fit(study, "nb_srm_dyadic", made_draws(study, "nb_srm_dyadic"))
    declaration = json.loads(fit.attrs["declaration"])
    declaration["formula"]["degree"] = "near + {__import__('os').getcwd()}"
    fit.attrs["declaration"] = json.dumps(declaration)
    with pytest.raises(StudyError, match="is not arithmetic"):
        marginal_effects(fit)


def test_a_whole_number_within_c_is_compared_with_the_first(made_fit):
    study, truth = simulate_study(8, "poisson_pooled", seed=2)
    year = 2020.0 + np.arange(study.dyads.sizes["dyad"]) % 3
    levels = xr.DataArray(
        np.column_stack([year == 2021, year == 2022]).astype(float),
        {"degree_term": ["C(year)[T.2021]", "C(year)[T.2022]"]},
        ("dyad", "degree_term"),
    )
    dyads = study.dyads.drop_dims(["degree_term", "predictor"]).assign(
        degree_design=levels,
        predictors=xr.DataArray(year[:, None], {"predictor": ["year"]}, ("dyad", "predictor")),
    )
    formula = study.declaration.formula.model_copy(update={"selection": "1", "degree": "C(year)"})
    one = type(study)(
        study.name, study.declaration.model_copy(update={"formula": formula}), dyads, ""
    )
    draws = truth.drop_vars(["degree_coef", "degree_term"]).assign(
        degree_coef=xr.DataArray([0.2, -0.3], {"degree_term": levels["degree_term"].to_numpy()})
    )
    found = marginal_effects(made_fit(one, "poisson_pooled", draws.expand_dims(chain=1, draw=2)))
    base = np.exp(1.2 - 0.2 * (year == 2021).mean() + 0.3 * (year == 2022).mean())
    for change, coef in (("2021 instead of 2020", 0.2), ("2022 instead of 2020", -0.3)):
        mean = found.loc[("year", change, "expected"), "mean"]
        assert mean == pytest.approx(base * np.expm1(coef), rel=1e-10)
