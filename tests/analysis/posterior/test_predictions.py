"""Predictions against means written out by hand, closed forms and quadrature."""

import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.polynomial.hermite_e import hermegauss
from scipy import stats

from analysis.posterior.predictions import predictions
from data.errors import QueryError
from models import simulate_study
from models.effects.new_dyads import known_or_drawn
from models.inference.predictive import thinned
from models.name import parse_model
from models.work.netcdf import open_tree, write

DRAWS = 4000


def truth_as_draws(truth):
    """Repeat the truth as if it were a posterior without any uncertainty."""
    return truth.expand_dims(chain=1, draw=DRAWS)


def simulated_rows(study, labels, **ends):
    """Give rows with the predictors of some dyads, and perhaps other cities."""
    dyads = study.dyads.sel(dyad=labels)
    rows = pd.DataFrame(dyads["predictors"].to_numpy(), columns=["near", "alike"])
    side = {each: dyads[each].to_numpy().astype(object) for each in ("sender", "receiver")}
    return rows.assign(**side | ends)


def flattened(posterior):
    """Give each parameter's draws, the chains one after the other."""
    return {
        str(name): each.to_numpy().reshape(-1, *each.shape[2:])
        for name, each in posterior.data_vars.items()
    }


def linear(study, truth, rows, part):
    """Write the linear predictor of rows out, without city effects."""
    x = study.dyads["predictors"].to_numpy()
    coef = truth[f"{part}_coef"].to_numpy()
    moved = rows[["near", "alike"]].to_numpy() - x.mean(axis=0)
    return truth[f"{part}_intercept"].item() + moved @ coef


def test_a_known_dyad_has_the_fits_own_means(varied_study, made_draws, made_fit):
    study, table = varied_study
    posterior = made_draws(study, "nb_srm_dyadic")
    of = flattened(posterior)
    rows = table.iloc[[3, 11, 20]].assign(near=[1.0, 2.0, 3.0], tied=[0, 1, 0], years=[2.0, 9.0, 1])
    found = predictions(made_fit(study, "nb_srm_dyadic", posterior), rows)
    near, log_size, log_years = table["near"], np.log(table["size"]), np.log(table["years"])
    scaled = (near - near.mean()) / near.std(ddof=1)
    design = {
        "scale(near)": (scaled, (rows["near"] - near.mean()) / near.std(ddof=1)),
        "tied": (table["tied"], rows["tied"]),
        "log(size)": (log_size, np.log(rows["size"])),
        **{
            f"kind[T.{kind}]": (table["kind"] == kind, rows["kind"] == kind)
            for kind in ("hills", "plain")
        },
    }
    design["scale(near):tied"] = (scaled * table["tied"], design["scale(near)"][1] * rows["tied"])
    terms = study.dyads["degree_term"].to_numpy().tolist()
    sender, receiver = ([list("abcdef").index(c) for c in rows[side]] for side in ("from", "to"))
    log_mu = of["degree_intercept"][:, None] + (np.log(rows["years"]) - log_years.mean()).to_numpy()
    for term, (observed, asked) in design.items():
        moved = asked.to_numpy().astype(float) - observed.mean()
        log_mu = log_mu + np.outer(of["degree_coef"][:, terms.index(term)], moved)
    log_mu = log_mu + of["degree_sender"][:, sender] + of["degree_receiver"][:, receiver]
    log_mu = log_mu + of["degree_pair"][:, [3, 11, 20]]
    slope = of["degree_sender_slope"][:, sender, 0]
    mu = np.exp(log_mu + slope * (np.log(rows["size"]) - log_size.mean()).to_numpy())
    alpha = of["dispersion"][:, None]
    expected = {
        "expected": mu.mean(axis=0),
        "expected_lower": np.quantile(mu, 0.055, axis=0),
        "expected_upper": np.quantile(mu, 0.945, axis=0),
        "p_zero": ((1 + alpha * mu) ** (-1 / alpha)).mean(axis=0),
    }
    for column, values in expected.items():
        np.testing.assert_allclose(found[column], values, rtol=0, atol=1e-10, err_msg=column)
    assert found.index.tolist() == [3, 11, 20]
    assert found["drawn"].tolist() == ["", "", ""]
    assert "p_eligible" not in found
    assert found.attrs["draws"] == 40
    assert found.attrs["synthetic"] == ["services", "near"]


def test_rows_of_the_study_average_to_its_own_zeros(made_fit):
    study, truth = simulate_study(8, "hurdle_nb_srm", seed=4)
    rows = simulated_rows(study, study.dyads["dyad"].to_numpy())
    found = predictions(made_fit(study, "hurdle_nb_srm", truth.expand_dims(chain=1, draw=2)), rows)
    eta = linear(study, truth, rows, "selection")
    for side in ("sender", "receiver"):
        eta = eta + truth[f"selection_{side}"].sel(city=rows[side].to_numpy()).to_numpy()
    psi = 1 / (1 + np.exp(-eta))
    np.testing.assert_allclose(found["p_eligible"], psi, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["p_zero"], 1 - psi, rtol=0, atol=1e-10)


@pytest.mark.parametrize("new", [["sender"], ["receiver"], ["sender", "receiver"]])
def test_a_new_city_has_the_lognormal_mean(made_fit, new):
    study, truth = simulate_study(8, "poisson_srm", seed=4)
    label = "city 003 -> city 001"
    rows = simulated_rows(study, [label], **{side: f"new {side}" for side in new})
    fit = made_fit(study, "poisson_srm", truth_as_draws(truth))
    found = predictions(fit, rows, new_cities="integrate").iloc[0]
    variance, eta = 0.0, linear(study, truth, rows, "degree").item()
    for side in ("sender", "receiver"):
        if side in new:
            variance += truth[f"degree_{side}_sd"].item() ** 2
        else:
            eta += truth[f"degree_{side}"].sel(city=rows[side].item()).item()
    # E exp(u) = exp(var / 2), var exp(u) = exp(var) (exp(var) - 1); 4 Monte Carlo errors
    mean = np.exp(eta + variance / 2)
    error = mean * np.sqrt(np.expm1(variance) / DRAWS)
    assert found["expected"] == pytest.approx(mean, abs=4 * error)
    for column, z in (("expected_lower", -1), ("expected_upper", 1)):
        bound = np.exp(eta + z * stats.norm.ppf(0.945) * np.sqrt(variance))
        assert found[column] == pytest.approx(bound, rel=0.1)
    assert found["drawn"] == ", ".join(new)


def test_effects_of_both_parts_are_drawn_with_their_correlation(made_fit):
    study, truth = simulate_study(8, "zip_srm_joint", seed=4)
    rows = simulated_rows(study, ["city 003 -> city 001"], sender="new")
    fit = made_fit(study, "zip_srm_joint", truth_as_draws(truth))
    found = predictions(fit, rows, new_cities="integrate").iloc[0]
    # quadrature over the new sender's two effects, sds 0.6 and 0.7, correlation 0.6
    node, weight = hermegauss(40)
    first, second = np.meshgrid(node, node)
    weights = np.outer(weight, weight) / (2 * np.pi)
    eta = {
        part: linear(study, truth, rows, part).item()
        + truth[f"{part}_receiver"].sel(city="city 001").item()
        for part in ("selection", "degree")
    }
    psi = 1 / (1 + np.exp(-eta["selection"] - 0.6 * first))
    mu = np.exp(eta["degree"] + 0.7 * (0.6 * first + 0.8 * second))
    for column, values in {
        "p_eligible": psi,
        "expected": psi * mu,
        "p_zero": 1 - psi + psi * np.exp(-mu),
    }.items():
        mean = (weights * values).sum()
        error = np.sqrt((weights * (values - mean) ** 2).sum() / DRAWS)
        assert found[column] == pytest.approx(mean, abs=4 * error), column
    # without the correlation, the mean would be another
    apart = (weights * psi * np.exp(eta["degree"] + 0.7 * second)).sum()
    assert abs(apart - (weights * psi * mu).sum()) > 8 * error


def test_the_interval_of_the_count_holds_its_share(made_fit):
    study, truth = simulate_study(8, "nb_srm", seed=4)
    labels = study.dyads["dyad"].to_numpy()[:30]
    rows = simulated_rows(study, labels)
    found = predictions(made_fit(study, "nb_srm", truth_as_draws(truth)), rows)
    mu, alpha = found["expected"].to_numpy(), 0.5
    law = stats.nbinom(1 / alpha, 1 / (1 + alpha * mu))
    # the bounds are quantiles of 4000 counts: their levels have Monte Carlo error
    slack = 4 * np.sqrt(0.055 * 0.945 / DRAWS)
    lower, upper = found["count_lower"].to_numpy(), found["count_upper"].to_numpy()
    assert (law.cdf(lower) >= 0.055 - slack).all()
    assert (law.cdf(lower - 1) <= 0.055 + slack).all()
    assert (law.cdf(upper) >= 0.945 - slack).all()
    assert (law.cdf(upper - 1) <= 0.945 + slack).all()


def asked(*ends):
    cities = sorted({city for two in ends for city in two})
    coords = {"dyad": np.arange(len(ends)), "city": cities}
    for side, names in zip(("sender", "receiver"), zip(*ends, strict=True), strict=True):
        coords[side] = ("dyad", np.array(names))
    return xr.Dataset(coords=coords)


def test_pair_effects_are_known_conditional_or_of_the_population(varied_study, made_draws):
    study, _ = varied_study
    model = "nb_srm_dyadic"
    one = made_draws(study, model, draws=1).isel(chain=[0])
    draws = thinned(one.isel(draw=np.zeros(DRAWS, dtype=int)), DRAWS)
    rows = asked(("a", "b"), ("f", "a"), ("a", "new"), ("new", "a"))
    found = known_or_drawn(draws, rows, parse_model(model), 1)["degree_pair"].to_numpy()
    effect = {str(each): one["degree_pair"].sel(dyad=each).item() for each in ("a -> b", "a -> f")}
    sd, rho = one["degree_pair_sd"].item(), one["degree_dyadic_reciprocity"].item()
    assert (found[:, 0] == effect["a -> b"]).all()
    # the study has a -> f, not f -> a: a normal distribution given the other direction
    within = sd * np.sqrt(1 - rho**2)
    assert found[:, 1].mean() == pytest.approx(rho * effect["a -> f"], abs=4 * within / DRAWS**0.5)
    assert found[:, 1].std() == pytest.approx(within, rel=4 / np.sqrt(2 * DRAWS))
    for column in (2, 3):
        assert found[:, column].mean() == pytest.approx(0, abs=4 * sd / np.sqrt(DRAWS))
        assert found[:, column].std() == pytest.approx(sd, rel=4 / np.sqrt(2 * DRAWS))
    together = np.corrcoef(found[:, 2], found[:, 3])[0, 1]
    assert together == pytest.approx(rho, abs=4 * (1 - rho**2) / np.sqrt(DRAWS))


def test_city_effects_and_slopes_of_a_new_city_follow_their_population(varied_study, made_draws):
    study, _ = varied_study
    one = made_draws(study, "nb_srm", draws=1).isel(chain=[0])
    draws = thinned(one.isel(draw=np.zeros(DRAWS, dtype=int)), DRAWS)
    found = known_or_drawn(draws, asked(("b", "new")), parse_model("nb_srm"), 1)
    for each in ("degree_sender", "degree_receiver", "degree_sender_slope"):
        assert (found[each].sel(city="b") == one[each].sel(city="b").squeeze()).all()
        new, sd = found[each].sel(city="new").to_numpy().ravel(), one[f"{each}_sd"].item()
        assert new.mean() == pytest.approx(0, abs=4 * sd / np.sqrt(DRAWS))
        assert new.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * DRAWS))
    rho = one["degree_generalized_reciprocity"].item()
    both = [found[f"degree_{side}"].sel(city="new") for side in ("sender", "receiver")]
    together = np.corrcoef(*both)[0, 1]
    assert together == pytest.approx(rho, abs=4 * (1 - rho**2) / np.sqrt(DRAWS))


def test_a_row_does_not_depend_on_its_company(varied_study, made_draws, made_fit, monkeypatch):
    study, table = varied_study
    fit = made_fit(study, "zinb_srm_dyadic", made_draws(study, "zinb_srm_dyadic"))
    rows = table.assign(to=table["to"].replace({"b": "new"}))
    whole = predictions(fit, rows, new_cities="integrate", seed=3)
    alone = predictions(fit, rows.iloc[[5]], new_cities="integrate", seed=3)
    pd.testing.assert_frame_equal(whole.iloc[[5]], alone, rtol=1e-12)
    monkeypatch.setattr(sys.modules["analysis.posterior.predictions"], "BLOCK", 40 * 4)
    blocks = predictions(fit, rows, new_cities="integrate", seed=3)
    pd.testing.assert_frame_equal(whole, blocks, rtol=1e-12)
    other = predictions(fit, rows, new_cities="integrate", seed=4)
    known = (rows["to"] != "new").to_numpy()
    moved = abs(other["expected"] / whole["expected"] - 1)
    assert (moved[known] < 1e-12).all()
    assert (moved[~known] > 1e-6).all()
    assert set(whole["drawn"]) == {"", "receiver, pair"}


def test_predictions_are_the_same_from_a_file(varied_study, made_draws, made_fit, tmp_path):
    study, table = varied_study
    fit = made_fit(study, "zinb_srm_dyadic", made_draws(study, "zinb_srm_dyadic"))
    rows = table.iloc[:4].assign(to="new")
    write(fit, tmp_path / "fit.nc")
    with open_tree(tmp_path / "fit.nc", "") as read:
        again = predictions(read, rows, new_cities="integrate")
    pd.testing.assert_frame_equal(again, predictions(fit, rows, new_cities="integrate"))


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"to": "g"}, r"rows: row 0 \(a -> g\): the fit knows no city 'g', and new_cities is"),
        ({"to": "a"}, "a city is paired with itself"),
        ({"from": None}, "a city has no name"),
        ({"kind": "hill"}, "'kind' is 'hill', a category that the fit does not know; did you mean"),
        ({"near": np.nan}, r"rows: row 0 \(a -> b\): 'near' is missing"),
        ({"years": 0}, "the exposure 'years' is '0'; an exposure is a positive number"),
        ({"years": None}, "an exposure is a positive number"),
        ({"size": -1}, r"the predictor 'log\(size\)' is missing or infinite"),
    ],
)
def test_rows_that_cannot_be_predicted_are_refused_in_one_line(
    varied_study, made_draws, made_fit, change, phrase
):
    study, table = varied_study
    fit = made_fit(study, "nb_srm_dyadic", made_draws(study, "nb_srm_dyadic"))
    with pytest.raises(QueryError, match=phrase) as refused:
        predictions(fit, table.iloc[:1].assign(**change))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("column", ["from", "years", "near", "kind"])
def test_missing_columns_are_named(varied_study, made_draws, made_fit, column):
    study, table = varied_study
    fit = made_fit(study, "nb_srm_dyadic", made_draws(study, "nb_srm_dyadic"))
    with pytest.raises(QueryError, match=f"rows: no column '{column}'"):
        predictions(fit, table.drop(columns=column))


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"new_cities": "integrat"}, "did you mean 'integrate'"),
        ({"seed": -1}, "seed is -1"),
        ({"draws": 0}, "draws is 0"),
        ({"new_cities": "integrate", "to": "B"}, "'B' differs from a city of the fit only in case"),
        ({"rows": 0}, "rows: the table is empty"),
    ],
)
def test_options_out_of_range_are_refused(varied_study, made_draws, made_fit, options, phrase):
    study, table = varied_study
    fit = made_fit(study, "nb_srm_dyadic", made_draws(study, "nb_srm_dyadic"))
    rows = table.iloc[: options.pop("rows", 1)]
    if "to" in options:
        rows = rows.assign(to=options.pop("to"))
    with pytest.raises(QueryError, match=phrase):
        predictions(fit, rows, **options)
