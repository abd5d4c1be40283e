"""Real networks against maximum marginal likelihood (glmmTMB 1.1.5, REFERENCES.md)."""

import numpy as np
import pytest

from data import read_study
from models import sample

pytestmark = pytest.mark.slow

SHEEP = {
    "formula": [-1.0375, 0.2016, -0.3077, 0.0603],  # at each predictor's zero
    "degree_sender_sd": 1.0378,
    "degree_receiver_sd": 0.6214,
    "dispersion": 1 / 0.9361,
}
CONFLICTS = {
    "formula": [-1.4875, -3.0518],
    "degree_sender_sd": 1.768,
    "degree_receiver_sd": 1.310,
    "dispersion": 1 / 0.4532,
}


@pytest.mark.parametrize(("name", "published"), [("sheep", SHEEP), ("conflicts", CONFLICTS)])
def test_wide_priors_meet_the_maximum_marginal_likelihood(shared, name, published):
    study = read_study(shared / name)
    fit = sample(study, "nb_crossed", "wide", progress=False)
    assert fit.attrs["passed"] == 1
    posterior = fit["posterior"].to_dataset()

    at_zero, *coefs = published["formula"]
    means = study.dyads["degree_design"].mean("dyad").to_numpy()
    expected = [at_zero + np.dot(means, coefs), *coefs]
    draws = [posterior["degree_intercept"], *posterior["degree_coef"].transpose("degree_term", ...)]
    for estimate, each in zip(expected, draws, strict=True):
        assert abs(float(each.mean()) - estimate) < 0.5 * float(each.std())

    for parameter in ("degree_sender_sd", "degree_receiver_sd", "dispersion"):
        lower, upper = posterior[parameter].quantile([0.055, 0.945])
        assert lower < published[parameter] < upper


def test_where_senders_do_not_differ_coefficients_are_those_of_receivers_alone(shared):
    # glmmTMB, Poisson with receivers alone: in the NB with both sides the senders' sd and the
    # dispersion end at zero (REFERENCES2.md, section 7; standardized predictors, at their means)
    published = [-5.526308, 0.066813, 1.186390, 0.630012, -0.382296, 1.202756]
    fit = sample(read_study(shared / "opengr" / "gelderland"), "nb_crossed", "wide", progress=False)
    assert fit.attrs["passed"] == 1
    posterior = fit["posterior"].to_dataset()
    scale = fit["constant_data"]["degree_design"].std("dyad", ddof=1)
    coefs = (posterior["degree_coef"] * scale).transpose("degree_term", ...)
    for estimate, draws in zip(published, [posterior["degree_intercept"], *coefs], strict=True):
        assert abs(float(draws.mean()) - estimate) < 0.6 * float(draws.std())
    assert float(posterior["degree_sender_sd"].quantile(0.05)) < 0.1
    assert float(posterior["dispersion"].quantile(0.05)) < 0.1
