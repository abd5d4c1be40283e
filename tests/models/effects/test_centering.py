"""How far effects are centered, against the formula written out and against known truth."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from data.roles import Part
from models import build, simulate_study
from models.effects.centering import centering, centering_of_draws
from models.inference import chains
from models.inference.chains import compiled_model
from models.inference.gate import Diagnostics
from models.settings import Settings
from models.simulation.simulate import TRUTH
from models.work.progress import Reporter

SELECTION_SENDER, _ = Part.SELECTION.roles
DEGREE_SENDER, DEGREE_RECEIVER = Part.DEGREE.roles


def test_share_of_a_poisson_sender_by_hand():
    truth = {**TRUTH, "degree_coef": {"near": 0.0, "alike": 0.0}}
    study, _ = simulate_study(15, "poisson_sender", seed=2, truth=truth)
    bare = study.dyads.isel(degree_term=slice(0))
    count = bare["outcome"].to_numpy()
    total = bare["outcome"].groupby("sender").sum().to_numpy()
    # an intercept alone: each dyad's information is the mean count, its score the count less that
    information = np.full(15, 14 * count.mean())
    score = total - information
    square = (information**2).sum()
    variance = (score**2 - information).sum() / square
    error = np.sqrt(2 * ((information + variance * information**2) ** 2).sum()) / square
    known = information * (variance - error)
    (share,) = centering(bare, "poisson", (DEGREE_SENDER,)).values()
    assert variance > error
    np.testing.assert_allclose(share, known / (1 + known), rtol=1e-6)


def test_effects_that_are_not_there_are_not_centered():
    study, _ = simulate_study(40, "zinb_pooled", seed=3)
    shares = centering(study.dyads, "zinb", (SELECTION_SENDER, DEGREE_RECEIVER))
    assert set(shares) == {SELECTION_SENDER.centering, DEGREE_RECEIVER.centering}
    assert not any(share.any() for share in shares.values())


def test_the_more_is_known_of_a_city_the_more_its_effects_are_centered():
    shares = [
        centering(simulate_study(cities, "nb_sender", seed=4)[0].dyads, "nb", (DEGREE_SENDER,))
        for cities in (12, 30, 80)
    ]
    few, some, many = (share[DEGREE_SENDER.centering].mean() for share in shares)
    assert 0 <= few < some < many < 1


def test_what_draws_know_is_the_variance_that_the_data_have_taken_away():
    # a normal effect with prior sd 2 and information i has the posterior variance 1 / (i + 1 / 4)
    rng, information = np.random.default_rng(6), np.array([0.5, 2.0, 10.0])
    left = 1 / (information + 1 / 4)
    draws = rng.normal(0, np.sqrt(left), (4, 50_000, 3))
    known = xr.Dataset(
        {
            "degree_sender": (("chain", "draw", "city"), draws),
            "degree_sender_sd": (("chain", "draw"), np.full((4, 50_000), 2.0)),
            "degree_receiver": (("chain", "draw", "city"), rng.normal(0, 3, (4, 50_000, 3))),
            "degree_receiver_sd": (("chain", "draw"), np.full((4, 50_000), 2.0)),
        }
    )
    shares = centering_of_draws(known)
    np.testing.assert_allclose(shares[DEGREE_SENDER.centering], 1 - left / 4, atol=0.005)
    assert not shares[DEGREE_RECEIVER.centering].any()  # wider than its prior: nothing is known


def test_a_variance_that_may_be_near_zero_is_hardly_centered_at():
    # sd 0.2 in a tenth of the draws, else 2; an effect of known information 1 / 2 - 1 / 3.604
    sd = np.full((4, 1000), 2.0)
    sd[:, :100] = 0.2
    draws = np.random.default_rng(7).normal(0, np.sqrt(2), (4, 1000, 400))
    known = xr.Dataset(
        {
            "selection_sender": (("chain", "draw", "city"), draws),
            "selection_sender_sd": (("chain", "draw"), sd),
        }
    )
    information = 1 / 2 - 1 / (0.9 * 4 + 0.1 * 0.04)
    expected = information / (information + 1 / 0.04)
    assert expected < 0.01
    shares = centering_of_draws(known)[SELECTION_SENDER.centering]
    assert shares.mean() == pytest.approx(expected, rel=0.02)


def test_a_second_try_centers_by_the_first(monkeypatch):
    study, _ = simulate_study(12, "poisson_crossed", seed=8)
    compiled, names = compiled_model(build(study, "poisson_crossed"))
    asked, draw = [], chains._draw_thinned
    faulty = Diagnostics(1.2, "degree_intercept", 50.0, 50.0, 0, 0.9, ("R-hat 1.200 > 1.01",))

    def first_fails(model, names, run, thin, reporter):
        asked.append((model, run, thin))
        found = draw(model, names, run, thin, reporter)
        return replace(found, diagnostics=faulty) if len(asked) == 1 else found

    monkeypatch.setattr(chains, "_draw_thinned", first_fails)
    found = chains.draw_chains(compiled, names, Settings(200, 200, 2, 1, 0.8), Reporter())
    (first, _, _), (second, run, thin) = asked
    assert (run.draws, run.tune, run.target_accept, thin) == (800, 400, 0.8, 4)
    assert found.posterior.sizes["draw"] == 200
    assert second is not first


def test_counts_that_are_all_zero_are_no_fault():
    study, _ = simulate_study(12, "zinb_srm", seed=5)
    empty = study.dyads.assign(outcome=study.dyads["outcome"] * 0)
    for share in centering(empty, "zinb", (SELECTION_SENDER, DEGREE_SENDER)).values():
        assert not share.any()
