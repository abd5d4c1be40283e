"""Node terms are terms: they have slopes, priors of their own and hypotheses."""

import numpy as np
from networks import NAMED, network

from data import study_from
from models import Priors, build

TERM = "scale(absdiff(log(gdp)))"


def test_a_node_term_has_a_slope_a_prior_and_a_hypothesis():
    net = network()
    study = study_from(
        net.rows,
        net.cities.set_index("town"),
        **NAMED,
        noun="town",
        degree=f"{TERM} + same(region)",
        selection="sender(region)",
        slopes={"degree": {"sender": [TERM]}},
        hypothesis=[{"label": "gdp", "term": TERM, "part": "degree", "direction": "negative"}],
    )
    own = {TERM: {"dist": "Normal", "mu": 0.2, "sigma": 0.1}}
    priors = Priors.load("default").replace("mine", degree_coef=own)
    table = priors.table(study, "zinb_srm").set_index(["parameter", "term"])["prior"]
    assert table["degree_coef", TERM] == "Normal(mu=0.2, sigma=0.1)"
    assert ("degree_sender_slope_sd", TERM) in table.index
    model = build(study, "zinb_srm", priors)
    assert model["degree_sender_slope"].eval().shape == (6, 1)
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))
