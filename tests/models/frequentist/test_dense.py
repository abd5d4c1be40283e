"""Maximum likelihood of ties, successes and amounts: derivatives, statsmodels, identities."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from data import study_from
from models import maximum_likelihood, simulate_study
from models.frequentist.derivatives import DEGREE, LOG_SCALE, SELECTION
from models.frequentist.likelihoods import LIKELIHOODS
from models.likelihood.families import FAMILIES
from models.likelihood.observed import Observed

DENSE = [name for name, family in FAMILIES.items() if family.kind in ("trials", "amounts")]
TRIALS = np.array([1, 2, 12, 31, 1000, 1001, 5000, 100_000])
SUCCESSES = np.array([0, 1, 5, 31, 999, 3, 2500, 70_000])


@pytest.mark.parametrize("size", [0.3, 3.0])
@pytest.mark.parametrize("name", DENSE)
def test_derivatives_are_central_differences(name, size):
    rng = np.random.default_rng(3)
    family, likelihood = FAMILIES[name], LIKELIHOODS[name]
    x, t, step = rng.normal(0, size, 8), rng.normal(-1, size), 1e-5
    observed, which = Observed(SUCCESSES, TRIALS), SELECTION
    if name == "normal":
        observed, which = Observed(rng.normal(0, 3, 8)), DEGREE
    elif name.startswith("bernoulli"):
        observed = Observed(SUCCESSES % 2)

    def at(x, t):
        both = (x, None) if which == SELECTION else (None, x)
        return likelihood.derivatives(observed, *both, t)

    here = at(x, t)
    arguments = (None, x) if which == SELECTION else (x, None)
    scale = np.exp(t) if family.scale else None
    expected = family.log_prob(observed.outcome, *arguments, scale, observed.trials)
    np.testing.assert_allclose(here.value, expected, rtol=1e-12)
    moves = {which: (step, 0.0)} | ({LOG_SCALE: (0.0, step)} if family.scale else {})
    for index, (dx, dt) in moves.items():
        up, down = at(x + dx, t + dt), at(x - dx, t - dt)
        tolerance = {"rtol": 1e-5, "atol": 1e-5 * np.abs(here.value).max()}
        change = (up.value - down.value) / (2 * step)
        np.testing.assert_allclose(here.first[index], change, **tolerance)
        change = (up.first - down.first) / (2 * step)
        np.testing.assert_allclose(here.second[index], change, **tolerance)


def in_statsmodels(name, study):
    design = study.dyads["degree_design" if name == "normal" else "selection_design"].to_numpy()
    X = np.column_stack([np.ones(len(design)), design - design.mean(axis=0)])
    y = study.dyads["outcome"].to_numpy()
    if name == "normal":
        return sm.OLS(y, X).fit()
    if "trials" in study.dyads:
        y = np.column_stack([y, study.dyads["trials"].to_numpy() - y])
    links = sm.families.links
    link = links.Probit() if name.endswith("probit") else links.Logit()
    return sm.GLM(y, X, family=sm.families.Binomial(link)).fit(tol=1e-12)


@pytest.mark.parametrize("name", [name for name in DENSE if not name.startswith("beta")])
def test_estimates_and_errors_are_statsmodels(name):
    study, _ = simulate_study(15, f"{name}_pooled", seed=6)
    fit, theirs = maximum_likelihood(study, f"{name}_pooled"), in_statsmodels(name, study)
    ours = fit.parameters.to_series()
    np.testing.assert_allclose(ours[:3], theirs.params, rtol=1e-6, atol=1e-8)
    assert fit.log_likelihood == pytest.approx(theirs.llf, rel=1e-9)
    errors = fit.standard_errors()[:3]
    if name == "normal":  # which divides by the number of dyads, not by the degrees of freedom
        n = study.dyads.sizes["dyad"]
        errors = errors * np.sqrt(n / (n - 3))
        assert ours["log_residual_sd"] == pytest.approx(np.log(theirs.ssr / n) / 2, abs=1e-7)
    # by the observed information, of which statsmodels' is the expectation through the probit
    np.testing.assert_allclose(errors, theirs.bse, rtol=2e-2 if "probit" in name else 1e-5)


@pytest.mark.parametrize("name", ["betabinomial", "betabinomial_probit"])
def test_a_beta_binomial_never_fits_worse_than_the_binomial(name):
    smaller = name.replace("beta", "")
    for seed in range(4):
        study, _ = simulate_study(8, f"{smaller}_pooled", seed=seed)
        larger = maximum_likelihood(study, f"{name}_pooled")
        assert larger.converged
        assert larger.log_likelihood >= (
            maximum_likelihood(study, f"{smaller}_pooled").log_likelihood - 1e-6
        )


def test_a_tie_is_a_success_of_one_trial():
    study, _ = simulate_study(10, "bernoulli_pooled", seed=2)
    rows = pd.DataFrame({side: study.dyads[side].to_numpy() for side in ("sender", "receiver")})
    rows = rows.assign(tie=study.dyads["outcome"].to_numpy(), once=1)
    rows["near"] = study.dyads["selection_design"].sel(selection_term="near").to_numpy()
    both = [
        study_from(rows, outcome="tie", selection="near", models=(f"{family}_pooled",), **trials)
        for family, trials in (("bernoulli", {}), ("binomial", {"trials": "once"}))
    ]
    one, other = (maximum_likelihood(each, each.declaration.models[0]) for each in both)
    np.testing.assert_allclose(one.parameters, other.parameters, atol=1e-9)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)


def test_a_predictor_that_parts_ties_has_no_error():
    study, _ = simulate_study(10, "bernoulli_pooled", seed=2)
    rows = pd.DataFrame({side: study.dyads[side].to_numpy() for side in ("sender", "receiver")})
    rows["x"] = np.random.default_rng(1).normal(size=len(rows))
    rows["tie"] = (rows["x"] > 0.2).astype(int)
    made = study_from(rows, outcome="tie", selection="x", models=("bernoulli_pooled",))
    fit = maximum_likelihood(made, "bernoulli_pooled")
    assert any("separation: the chance runs to 0 or 1 along" in flag for flag in fit.flags)
    assert fit.standard_errors().isna().all()


def test_amounts_in_another_unit_are_the_same_fit():
    study, _ = simulate_study(9, "normal_pooled", seed=4)
    changed = study.dyads.assign(outcome=1000 * study.dyads["outcome"] - 7)
    one, other = (
        maximum_likelihood(each, "normal_pooled").parameters.to_series()
        for each in (study, replace(study, dyads=changed))
    )
    scaled = one * 1000
    scaled["degree_intercept"] -= 7
    scaled["log_residual_sd"] = one["log_residual_sd"] + np.log(1000)
    np.testing.assert_allclose(other, scaled, rtol=1e-9)
