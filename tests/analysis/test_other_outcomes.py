"""Ties, successes and amounts from the command line to the report, and in plain units by hand."""

import numpy as np
import pandas as pd
import pytest
from command_line import run
from scipy import special, stats

from analysis import load, marginal_effects, predictions
from analysis.figures.predictive import rootogram_figure
from data.roles import Part
from models import sample, simulate_study
from models.inference.predictive import thinned
from models.inference.sample import ConvergenceWarning
from models.predictor.linear import linear_predictor
from models.simulation.simulate import write_simulated

pytestmark = pytest.mark.slow

MODELS = [
    *("bernoulli_srm", "betabinomial_crossed", "normal_srm_dyadic", "bernoulli_additive"),
]
SAID = {
    "bernoulli_srm": ["log odds of a tie", "Brier score of ties", "calibration.png", "are ties"],
    "betabinomial_crossed": ["log odds of a success", "trials are successes", "rootogram.png"],
    "normal_srm_dyadic": ["expected amount", "residual sd", "distribution.png", "pit.png"],
    "bernoulli_additive": ["degree sd", "66 pairs", "city[i] + city[j]", "cities.png"],
}
UNSAID = {
    "bernoulli_srm": ["rootogram.png", "expected count", "zeros observed", "eligible"],
    "betabinomial_crossed": ["calibration.png", "expected count", "eligible"],
    "normal_srm_dyadic": ["rootogram.png", "zeros", "expected count", "eligible"],
    "bernoulli_additive": ["sender", "receiver", "directed", "rootogram.png"],
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Give a function: a model to its place, once sampled, compared by dyad and reported."""
    known = {}

    def of(model):
        if model not in known:
            place = tmp_path_factory.mktemp(model)
            write_simulated(*simulate_study(12, model, seed=2), place / "made")
            study, results = place / "made", f"--results={place / 'results'}"
            for command in ("sample", "mle", "report"):
                status, _, complained = run(command, study, results)
                assert status == 0, complained
            known[model] = place
        return known[model]

    return of


@pytest.mark.parametrize("model", MODELS)
def test_a_study_is_reported_in_its_own_words(told, model):
    folder = told(model) / "results" / "made"
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert [phrase for phrase in SAID[model] if phrase not in report] == []
    assert [phrase for phrase in UNSAID[model] if phrase in report] == []
    assert "synthetic" in report.casefold()


@pytest.mark.parametrize("model", MODELS)
def test_the_table_of_models_is_written(told, model):
    place = told(model)
    status, said, complained = run(
        "table", place / "made", f"--results={place / 'results'}", "--ml"
    )
    assert status == 0, complained
    assert f"{model}" in said
    assert ("zeros" in said) == model.startswith("hurdle")


def opened(told, model):
    """Open a model's fit."""
    return load(told(model) / "made", model, results=told(model) / "results")


def drawn(fit, part):
    """Give linear predictors of all draws, (draw, dyad)."""
    posterior = fit["posterior"].to_dataset().drop_vars("variance_share").load()
    flat = thinned(posterior, posterior.sizes["chain"] * posterior.sizes["draw"])
    dyads = fit["constant_data"].to_dataset().load()
    return flat, linear_predictor(flat, dyads, part).to_numpy()


def test_effects_on_ties_are_risk_differences_and_odds_ratios(told):
    with opened(told, "bernoulli_srm") as fit:
        found = marginal_effects(fit, draws=4000).xs("near", level="predictor").droplevel("change")
        flat, eta = drawn(fit, Part.SELECTION)
        near = fit["constant_data"]["predictors"].sel(predictor="near").to_numpy()
    step = near.std(ddof=1) * flat["selection_coef"].sel(selection_term="near").to_numpy()
    before, after = (special.expit(each).mean(axis=1) for each in (eta, eta + step[:, None]))
    difference, ratio = after - before, after / (1 - after) / (before / (1 - before))
    for quantity, expected in (("p_tie", difference), ("odds_ratio", ratio)):
        row = found.loc[quantity]
        assert row["mean"] == pytest.approx(expected.mean(), rel=1e-9)
        assert row["lower"] == pytest.approx(np.quantile(expected, 0.055), rel=1e-9)
    assert found.loc["odds_ratio", "p_positive"] == found.loc["p_tie", "p_positive"] > 0.9
    assert set(found.index) == {"p_tie", "odds_ratio"}


def test_an_amount_is_predicted_given_the_other_direction(told):
    with opened(told, "normal_srm_dyadic") as fit:
        flat, eta = drawn(fit, Part.DEGREE)
        dyads = fit["constant_data"].to_dataset()
        first = dyads["dyad"].to_numpy().tolist().index("city 001 -> city 002")
        back = dyads["dyad"].to_numpy().tolist().index("city 002 -> city 001")
        values = dyads["predictors"].isel(dyad=first).to_series()
        rows = pd.DataFrame([{"sender": "city 001", "receiver": "city 002", **values}])
        found = predictions(fit, rows).iloc[0]
        y = fit["observed_data"]["outcome"].to_numpy()[back]
    rho, sd = flat["degree_dyadic_reciprocity"].to_numpy(), flat["residual_sd"].to_numpy()
    expected = eta[:, first] + rho * (y - eta[:, back])
    assert found["expected"] == pytest.approx(expected.mean(), rel=1e-9)
    # quantiles of the mixture of normals that the draws are
    spread = sd * np.sqrt(1 - rho**2)
    for end, level in (("lower", 0.055), ("upper", 0.945)):
        at = found[f"amount_{end}"]
        below = stats.norm(expected, spread).cdf(at).mean()
        assert below == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / len(expected)))


def test_successes_of_other_trials_are_predicted(told):
    with opened(told, "betabinomial_crossed") as fit:
        row = {"sender": "city 001", "receiver": "city 002", "near": 0.5, "alike": 0.0}
        rows = pd.DataFrame([row | {"trials": n} for n in (1, 10, 1000)])
        found = predictions(fit, rows)
    np.testing.assert_allclose(found["p_success"], found["p_success"][0])
    np.testing.assert_allclose(found["expected"], found["p_success"] * [1, 10, 1000])
    assert (found["successes_lower"] <= found["expected"]).all()
    assert (found["successes_upper"] <= [1, 10, 1000]).all()


def test_ties_that_are_not_there_yet_are_predicted(told):
    with opened(told, "bernoulli_srm") as fit:
        row = {"sender": "city 001", "receiver": "new", "near": 0.5, "alike": 0.0}
        found = predictions(fit, pd.DataFrame([row]), new_cities="integrate").iloc[0]
    assert found["p_tie_lower"] < found["p_tie"] < found["p_tie_upper"]
    assert found["drawn"] == "receiver"
    assert "expected" not in found
    assert "p_zero" not in found


def test_a_pair_is_predicted_and_changed_in_either_order(told):
    with opened(told, "bernoulli_additive") as fit:
        row = {"first": "city 002", "second": "city 009", "near": 0.5, "alike": 0.0}
        turned = row | {"first": "city 009", "second": "city 002"}
        both = pd.DataFrame([row, turned])
        found = predictions(fit, both)
        assert found.columns.tolist()[:3] == ["first", "second", "drawn"]
        assert found.iloc[0].equals(found.iloc[1].rename(0))
        labels = ("city 002 & city 009", "city 009 & city 002")
        one, other = (marginal_effects(fit, dyad=label) for label in labels)
    assert one.equals(other)


def test_axes_and_messages_of_undirected_counts_speak_of_pairs(tmp_path):
    study, _ = simulate_study(6, "nb_additive", seed=2)
    with pytest.warns(ConvergenceWarning):
        fit = sample(study, "nb_additive", draws=50, tune=50, chains=1, progress=False)
    (panel,) = rootogram_figure(fit).axes
    assert panel.get_xlabel() == "count of a pair"
    assert panel.get_ylabel() == "pairs (square-root scale)"
    asked = "--cities=6", "--model=bernoulli_additive", f"--out={tmp_path / 'ties'}"
    status, said, complained = run("simulate", *asked)
    assert status == 0, complained
    assert "15 pairs, " in said
    assert "% ties, synthetic" in said
