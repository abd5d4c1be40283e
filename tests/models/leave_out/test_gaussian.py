"""Amounts left out exactly: against the joint normal distribution of all of them."""

import numpy as np
import pytest
from scipy import stats

from data.study import with_slopes
from models import simulate_study
from models.leave_out.gaussian import amounts_of, exact_log_densities
from models.leave_out.units import UNITS, rows_of_units
from models.name import parse_model
from models.predictor.linear import linear_predictor
from models.simulation.simulate import TRUTH, draw_outcomes

MODELS = ["normal_sender", "normal_crossed", "normal_srm", "normal_srm_dyadic"]


@pytest.fixture
def made():
    """Give a function: model and slopes to a study without two dyads, and its truth as draws."""

    def make(model, slopes=()):
        study, _ = simulate_study(6, model, seed=4)
        study = with_slopes(study, slopes)
        rng, dyads = np.random.default_rng(8), study.dyads.isel(dyad=slice(2, None))
        truth = TRUTH | {
            f"{slope.split(':')[0]}_{slope.split(':')[1]}_slope_sd": {"near": 0.8}
            for slope in slopes
        }
        parameters, outcome = draw_outcomes(dyads, parse_model(model), truth, rng)
        return parameters.expand_dims(draw=1), dyads.assign(outcome=("dyad", outcome))

    return make


def joint(draws, dyads, name):
    """Give mean and covariance of all amounts, effects integrated out, dyad by dyad."""
    one = draws.isel(draw=0)
    bare = one.drop_vars([v for v in one if v.endswith(("_sender", "_receiver", "_slope"))])
    mean = linear_predictor(bare, dyads, parse_model("normal_pooled").parts[0]).to_numpy()
    ends = list(zip(dyads["sender"].to_numpy(), dyads["receiver"].to_numpy(), strict=True))
    near = dyads["degree_design"].sel(degree_term="near").to_numpy()
    near = near - near.mean()

    def get(variable):
        return float(one[variable].squeeze()) if variable in one else 0.0

    s, r = get("degree_sender_sd"), get("degree_receiver_sd")
    both = get("degree_generalized_reciprocity") * s * r
    slope = get("degree_sender_slope_sd")
    sd = get("residual_sd")
    covariance = np.zeros((len(ends), len(ends)))
    for a, (i, j) in enumerate(ends):
        for b, (k, m) in enumerate(ends):
            covariance[a, b] = (i == k) * (s**2 + slope**2 * near[a] * near[b]) + (j == m) * r**2
            covariance[a, b] += ((i == m) + (j == k)) * both
            residual = 1.0 if a == b else get("degree_dyadic_reciprocity") * ((i, j) == (m, k))
            covariance[a, b] += sd**2 * residual
    return mean, covariance


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("model", "slopes"),
    [*((model, ()) for model in MODELS), ("normal_srm", ("degree:sender:near",))],
)
def test_a_unit_has_the_density_of_the_joint_distribution_given_all_others(
    made, model, slopes, unit
):
    name = parse_model(model)
    draws, dyads = made(model, slopes)
    rows = rows_of_units(dyads, unit)
    (found,) = exact_log_densities(amounts_of(draws, dyads, name), rows)
    mean, covariance = joint(draws, dyads, name)
    y = dyads["outcome"].to_numpy()
    for value, unit_rows in zip(found, rows.values(), strict=True):
        others = np.setdiff1d(np.arange(y.size), unit_rows)
        onto = covariance[np.ix_(unit_rows, others)] @ np.linalg.inv(
            covariance[np.ix_(others, others)]
        )
        given = mean[unit_rows] + onto @ (y - mean)[others]
        left = covariance[np.ix_(unit_rows, unit_rows)] - onto @ covariance[others][:, unit_rows]
        expected = stats.multivariate_normal(given, left).logpdf(y[unit_rows])
        assert value == pytest.approx(expected, rel=1e-9)


def test_the_densities_of_dyads_given_those_before_add_up_to_the_joint_one(made):
    # the chain rule: leaving out everything is the whole likelihood
    name = parse_model("normal_srm_dyadic")
    draws, dyads = made("normal_srm_dyadic")
    every = {"all": np.arange(dyads.sizes["dyad"])}
    (found,) = exact_log_densities(amounts_of(draws, dyads, name), every)
    mean, covariance = joint(draws, dyads, name)
    expected = stats.multivariate_normal(mean, covariance).logpdf(dyads["outcome"].to_numpy())
    assert found[0] == pytest.approx(expected, rel=1e-9)
