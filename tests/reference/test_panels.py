"""Panels against other programs, on the data of shared/data.

Reference values: glm and glmmTMB 1.1.5 of R 4.2.2 with sandwich errors, and amen 1.4.4's print.
"""

import numpy as np
import pandas as pd
import pytest
from published import inside, near, values

from data import study_from
from models import maximum_likelihood, sample

COLLEGE = (
    "male_sender + smoke_sender + male_receiver + smoke_receiver + lagged(tie) "
    "+ lagged_reverse(tie) + bothmale + bothsmoke + sameprog"
)
OF_BOTH = {
    "bothmale": "male_sender * male_receiver",
    "bothsmoke": "smoke_sender * smoke_receiver",
    "sameprog": "1.0 * (program_sender == program_receiver)",
}
LOGIT = "-.408994 -.662319 -.110830 -.334103 2.547650 1.193180 1.377919 .888201 .696564"
PROBIT = "-.193547 -.438242 -.044327 -.234395 1.230562 .830352 .809105 .623884 .415467"
YEARS = "-.039886 .019152 .041871 -.033288 -.039321 -.050441 -.055527 -.014643"
MOVES = f"-1.227585 .855152 1.010466 {YEARS}"
KOREA = "log(distance_km) + log(pop_orig) + log(pop_dest) + C(year)"


@pytest.fixture(scope="module")
def college(shared):
    """Give a function: a model and a link to the study of students in waves."""
    rows = pd.read_csv(shared / "college" / "dyads.csv")

    def made(model, link="logit"):
        declared = {"outcome": "tie", "period": "period", "models": (model,), "link": link}
        return study_from(rows, selection=COLLEGE, predictors=OF_BOTH, **declared)

    return made


@pytest.fixture(scope="module")
def korea(shared):
    """Give a function: a formula and a model to the study of moves between regions."""
    rows = pd.read_csv(shared / "korea" / "dyads.csv")
    ends = {"sender": "orig", "receiver": "dest", "outcome": "flow", "period": "year"}
    return lambda degree, model: study_from(rows, degree=degree, models=(model,), **ends)


def test_pooled_college_with_both_lags_is_a_glm(college):
    study = college("bernoulli_pooled")
    assert study.dyads.sizes["dyad"] == 5952
    assert study.notes == (
        "992 directed dyads have no past that the formulas ask for and are left out",
    )
    fit = maximum_likelihood(study, "bernoulli_pooled")
    assert fit.log_likelihood == pytest.approx(-1772.0082, abs=5e-5)
    np.testing.assert_allclose(fit.parameters[1:], values(LOGIT), atol=1e-6)


def test_errors_of_moves_are_those_of_sandwiches_in_r(korea):
    study = korea(f"{KOREA} + C(orig) + C(dest)", "poisson_pooled")
    fit = maximum_likelihood(study, "poisson_pooled")
    assert fit.log_likelihood == pytest.approx(-1840136.3700, abs=1e-3)
    term = "degree_coef[log(distance_km)]"
    assert fit.parameters.sel(parameter=term).item() == pytest.approx(-0.825417, abs=1e-6)
    expected = {"information": 0.000266, "sandwich": 0.019004, "dyad": 0.055892, "sender": 0.086172}
    for kind, error in expected.items():
        assert fit.standard_errors(kind)[term] == pytest.approx(error, abs=6e-7)


@pytest.mark.slow
def test_moves_with_crossed_effects(korea):
    fit = sample(korea(KOREA, "nb_crossed"), "nb_crossed", "wide", progress=False)
    assert fit.attrs["passed"]
    near(fit, "degree", MOVES)
    draws = fit["posterior"].to_dataset()
    inside(draws["degree_sender_sd"], 0.378299)
    inside(draws["degree_receiver_sd"], 0.295565)
    inside(draws["dispersion"], 1 / 6.405162)


@pytest.mark.slow
def test_college_with_crossed_effects_through_the_probit_link(college):
    study = college("bernoulli_crossed", "probit")
    fit = sample(study, "bernoulli_crossed", "wide", progress=False)
    assert fit.attrs["passed"]
    near(fit, "selection", PROBIT)
    draws = fit["posterior"].to_dataset()
    inside(draws["selection_sender_sd"], 0.388767)
    inside(draws["selection_receiver_sd"], 0.222601)
