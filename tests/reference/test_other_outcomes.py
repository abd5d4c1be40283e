"""Ties and amounts against other programs, on the data of shared/data.

Reference values: lm, glm, glmmTMB 1.1.5 and amen 1.4.4 of R 4.2.2, and an exact Gaussian social
relations likelihood by restricted maximum likelihood; of friends' probit with correlated effects
amen's own print.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from published import inside, near, values

from data import study_from
from models import build, maximum_likelihood, sample
from models.inference.chains import kept_names
from models.inference.flat_model import flat_model

ENDS = ("exporter", "importer")
TRADE = [f"{name}_{end}" for end in ENDS for name in ("pop", "gdp", "polity")]
TRADE += ["conflicts", "distance", "igos", "polity_int"]
FRIENDS = [
    f"{name}_{end}"
    for end in ("sender", "receiver")
    for name in ("status", "female", "seniority", "age", "practice")
]
FRIENDS += ["advice", "cowork"]

OLS = "-.317378 .663554 -.007062 -.280455 .622557 .002021 .239112 -.053096 -.021387 .000214"
GLM_LOGIT = (
    "-.214216 -.007650 -.008315 -.028862 -.334185 -.187872 -.061948 .019177 -.012135 -.472007 "
    ".025040 2.015832"
)
GLM_PROBIT = (
    "-.119266 -.005146 -.004149 -.014819 -.186922 -.081801 -.023039 .009913 -.006208 -.260305 "
    ".023534 1.173531"
)
SRM_REML = "-.344587 .583190 -.015077 -.310381 .543198 -.005586 .075132 -.039225 .955394 -.001279"
CROSSED_REML = (
    "-.344122 .591837 -.013893 -.307896 .551098 -.004705 .197026 -.040238 .828956 -.001045"
)
LOGIT = (
    "-.305031 .023017 -.015098 -.031336 -.439131 -.341890 -.034986 .021084 -.015614 -.496684 "
    "-.116103 2.220722"
)
PROBIT = (
    "-.171152 .006624 -.007941 -.015806 -.221949 -.155479 -.019013 .011377 -.008506 -.279670 "
    "-.074162 1.268433"
)
# amen with two dimensions and its prior of city effects on a scale of 0.02 in place of 1, which
# leaves them as small as ours: two chains of 30,000
AMEN_TRADE = "-.24748 .48966 .00089 -.17600 .40668 .00827 .01264 -.03969 .05137 -.00100"
AMEN = "-.179 .012 -.008 -.016 -.218 -.169 -.028 .011 -.007 -.279 -.071 1.275"


@pytest.fixture(scope="module")
def trade(shared):
    rows = pd.read_csv(shared / "trade" / "dyads.csv")
    names = dict(zip(("sender", "receiver"), ENDS, strict=True))
    return study_from(
        rows, outcome="trade", degree=" + ".join(TRADE), models=("normal_srm_dyadic",), **names
    )


@pytest.fixture(scope="module")
def friends(shared):
    """Give a function: a link to the study."""
    rows = pd.read_csv(shared / "friends" / "dyads.csv")

    def made(link):
        return study_from(
            rows,
            outcome="friendship",
            selection=" + ".join(FRIENDS),
            models=("bernoulli_srm",),
            link=link,
        )

    return made


def test_pooled_trade_is_least_squares(trade):
    fit = maximum_likelihood(trade, "normal_pooled")
    assert fit.log_likelihood == pytest.approx(-585.3295, abs=5e-5)
    np.testing.assert_allclose(fit.parameters[1:-1], values(OLS), atol=1e-6)
    assert np.exp(2 * float(fit.parameters[-1])) == pytest.approx(0.224857, abs=1e-6)


@pytest.mark.parametrize(
    ("link", "log_likelihood", "coefs"),
    [("logit", -1964.0153, GLM_LOGIT), ("probit", -1969.0134, GLM_PROBIT)],
)
def test_pooled_friends_are_glms(friends, link, log_likelihood, coefs):
    fit = maximum_likelihood(friends(link), "bernoulli_pooled")
    assert fit.model == ("bernoulli_pooled" if link == "logit" else "bernoulli_probit_pooled")
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=5e-5)
    np.testing.assert_allclose(fit.parameters[1:], values(coefs), atol=1e-4)


def test_austria_with_an_effect_of_every_origin_and_destination_is_a_glm(shared):
    study = study_from(
        pd.read_csv(shared / "austria" / "dyads.csv"),
        outcome="flow",
        sender="orig",
        receiver="dest",
        degree="C(orig) + C(dest) + distance_km",
        models=("poisson_pooled",),
    )
    fit = maximum_likelihood(study, "poisson_pooled")
    assert fit.log_likelihood == pytest.approx(-4970.579571, abs=1e-5)
    found = fit.parameters.to_series()
    assert found["degree_coef[distance_km]"] == pytest.approx(-0.007915333, abs=1e-8)
    origins = "1.544909 2.441429 .699244 .948692 1.289676 .742700 1.194686 .988742"
    destinations = "1.497098 2.184927 .187848 .664345 .742649 .213345 .667658 .399861"
    np.testing.assert_allclose(found[1:17], values(f"{origins} {destinations}"), atol=1e-6)
    error = fit.standard_errors()["degree_coef[distance_km]"]
    assert error == pytest.approx(5.062412e-05, rel=1e-5)


@pytest.mark.slow
def test_trade_with_two_dimensions_is_amens_under_a_like_prior(trade):
    fit = sample(trade, "normal_ame2", progress=False)
    assert fit.attrs["passed"]
    near(fit, "degree", AMEN_TRADE, sds=1)
    of_dyads = slice(6, None)
    near(fit, "degree", " ".join(AMEN_TRADE.split()[of_dyads]), which=of_dyads)
    draws = fit["posterior"].to_dataset()
    inside(draws["degree_dyadic_reciprocity"], 0.62396)
    inside(draws["residual_sd"] ** 2, 0.06461)
    inside(draws["degree_sender_sd"] ** 2, 0.02587)
    inside(draws["degree_receiver_sd"] ** 2, 0.02165)
    largest = {"JPN -> USA": 3.0870, "USA -> JPN": 2.4364, "CHN -> USA": 2.1600}
    for dyad, effect in largest.items():
        inside(draws["degree_multiplicative"].sel(dyad=dyad), effect)
    for dimension, value in (("1", 11.3890), ("2", 6.9207)):
        inside(draws["degree_singular_value"].sel(degree_dimension=dimension), value)


@pytest.mark.slow
def test_trade_with_the_social_relations_model(trade):
    fit = sample(trade, "normal_srm_dyadic", "wide", progress=False)
    assert fit.attrs["passed"]
    assert fit.attrs["first_try"] == "{}"
    near(fit, "degree", SRM_REML)
    draws = fit["posterior"].to_dataset()
    s, r = draws["degree_sender_sd"], draws["degree_receiver_sd"]
    inside(s**2, 0.137802, 0.256317)
    inside(draws["degree_generalized_reciprocity"] * s * r, 0.127997, 0.243479)
    inside(r**2, 0.124476, 0.237922)
    inside(draws["degree_dyadic_reciprocity"], 0.787864, 0.782606)
    inside(draws["residual_sd"] ** 2, 0.157804, 0.154277)


@pytest.mark.slow
def test_trade_with_independent_effects(trade):
    fit = sample(trade, "normal_crossed", "wide", progress=False)
    assert fit.attrs["passed"]
    near(fit, "degree", CROSSED_REML)
    draws = fit["posterior"].to_dataset()
    inside(draws["degree_sender_sd"] ** 2, 0.201997)
    inside(draws["degree_receiver_sd"] ** 2, 0.183950)
    inside(draws["residual_sd"] ** 2, 0.154916)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "model", "expected"),
    [
        ("logit", "bernoulli_crossed", LOGIT),
        ("probit", "bernoulli_crossed", PROBIT),
        ("probit", "bernoulli_srm", AMEN),
    ],
)
def test_friends_with_effects_of_lawyers(friends, link, model, expected):
    fit = sample(friends(link), model, "wide", progress=False)
    assert fit.attrs["passed"]
    near(fit, "selection", expected)


@pytest.mark.parametrize("model", ["normal_pooled", "normal_crossed", "normal_srm_dyadic"])
def test_another_unit_of_trade_changes_nothing_but_the_unit(trade, model):
    # priors speak in the outcome's standard deviations: the sampler's coordinates are the same
    changed = replace(trade, dyads=trade.dyads.assign(outcome=1e6 * trade.dyads["outcome"] + 3))
    one, other = (
        flat_model(built, kept_names(built))
        for built in (build(each, model) for each in (trade, changed))
    )
    point = one.middle + np.random.default_rng(3).normal(0, 0.2, one.middle.size)
    (density, slopes), (scaled_density, scaled_slopes) = (
        each.gradient(point) for each in (one, other)
    )
    lost = trade.dyads.sizes["dyad"] * np.log(1e6)
    assert density - scaled_density == pytest.approx(lost, rel=1e-10)
    np.testing.assert_allclose(scaled_slopes, slopes, rtol=1e-6, atol=1e-6)
    values, scaled = (each.labelled(point[None, None]) for each in (one, other))
    for name in values:
        unit = 1.0 if name.endswith("reciprocity") else 1e6
        expected = unit * values[name] + 3 * (name == "degree_intercept")
        np.testing.assert_allclose(scaled[name], expected, rtol=1e-9)
