"""How far effects are centered, against the formula written out and against known truth."""

import numpy as np
import pytest

from data import simulate_study
from data.simulate import TRUTH
from models.centering import centering


def test_share_of_a_poisson_sender_by_hand():
    truth = {**TRUTH, "degree_coef": {"near": 0.0, "alike": 0.0}}
    study, _ = simulate_study(15, "poisson_sender", seed=2, truth=truth)
    bare = study.dyads.isel(degree_term=slice(0))
    count = bare["count"].to_numpy()
    total = bare["count"].groupby("sender").sum().to_numpy()
    # an intercept alone: each dyad's information is the mean count, its score the count less that
    information = np.full(15, 14 * count.mean())
    score = total - information
    square = (information**2).sum()
    variance = (score**2 - information).sum() / square
    error = np.sqrt(2 * ((information + variance * information**2) ** 2).sum()) / square
    known = information.mean() * (variance - error)
    (share,) = centering(bare, "poisson", ("degree_sender",)).values()
    assert variance > error
    assert share == pytest.approx(known / (1 + known), rel=1e-6)


def test_effects_that_are_not_there_are_not_centered():
    study, _ = simulate_study(40, "zinb_pooled", seed=3)
    shares = centering(study.dyads, "zinb", ("selection_sender", "degree_receiver"))
    assert shares == {"selection_sender": 0.0, "degree_receiver": 0.0}


def test_the_more_is_known_of_a_city_the_more_its_effects_are_centered():
    shares = [
        centering(simulate_study(cities, "nb_sender", seed=4)[0].dyads, "nb", ("degree_sender",))
        for cities in (12, 30, 80)
    ]
    few, some, many = (each["degree_sender"] for each in shares)
    assert 0 <= few < some < many < 1


def test_counts_that_are_all_zero_are_no_fault():
    study, _ = simulate_study(12, "zinb_srm", seed=5)
    empty = study.dyads.assign(count=study.dyads["count"] * 0)
    for share in centering(empty, "zinb", ("selection_sender", "degree_sender")).values():
        assert share == 0
