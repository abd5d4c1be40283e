"""A calibration of a small model passes, and sees each of three deliberate faults.

The verdict is that of `interlocal sbc`: a row leaves the simultaneous 99 % envelope. Were ranks
uniform, it would be given falsely at most once in a hundred (Bonferroni over the rows, and the
envelope's coverage is computed exactly: `tests/models/simulation/test_sbc.py`).
"""

from importlib import import_module

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from pytensor import dprint
from pytensor import tensor as pt

from analysis.checks.ranks import uniformity
from data.roles import SIDES
from models import Priors, build
from models.inference.samplers.starts import jittered
from models.settings import Settings
from models.simulation import calibration
from models.simulation.calibration import RANKED, Calibration, compiled_for_outcomes, replicate
from models.simulation.simulate import draw_outcomes

pytestmark = pytest.mark.slow

REPLICATES = 30
building = import_module("models.build")  # of models, the function has the name


def wrong_jacobian(monkeypatch):
    """As if what the intercept absorbs had been scaled by the sd, in each city."""
    right = building.city_effects

    def wrong(block, dyads, *others):
        effects = right(block, dyads, *others)
        model = pm.modelcontext(None)
        for role in block:
            pm.Potential(f"_fault_{role}", dyads.sizes["city"] * pt.log(model[role.sd]))
        return effects

    monkeypatch.setattr(building, "city_effects", wrong)


def wrong_side(monkeypatch):
    right = building.city_effects

    def wrong(*given):
        effects = right(*given)
        return dict(zip(effects, reversed(effects.values()), strict=True))

    monkeypatch.setattr(building, "city_effects", wrong)


def inverted_dispersion(monkeypatch):
    right = building.fused_log_prob

    def wrong(family, counts, degree, selection, dispersion):
        return right(family, counts, degree, selection, 1 / dispersion)

    monkeypatch.setattr(building, "fused_log_prob", wrong)


def outside(monkeypatch):
    """List the rows that a calibration of 30 small studies finds outside."""
    monkeypatch.setattr(calibration, "_COMPILED", {})
    small = Calibration("nb_srm", Priors.load("calibration"), 8, Settings(60, 100, 2, 20221))
    ranks = [replicate(small, number)["rank"] for number in range(REPLICATES)]
    table = uniformity(xr.concat(ranks, "replicate"), RANKED)
    return table.index[table["outside"]].tolist()


def test_without_a_fault_no_row_is_outside(monkeypatch):
    assert outside(monkeypatch) == []


@pytest.mark.parametrize(
    ("fault", "row"),
    [
        (wrong_jacobian, "degree_sender_sd"),
        (wrong_side, "log_likelihood"),
        (inverted_dispersion, "dispersion"),
    ],
)
def test_a_fault_is_seen(monkeypatch, fault, row):
    fault(monkeypatch)
    assert row in outside(monkeypatch)


def truths(whole, seeds):
    return [calibration.draw_truth(whole.priors, whole.name, whole.study, seed) for seed in seeds]


@pytest.mark.filterwarnings("ignore::models.build.ModelCaution")
@pytest.mark.parametrize(
    ("model", "slopes", "orders_met"),
    [("nb_srm", (), 2), ("nb_srm_dyadic", (), 2), ("zip_crossed", ("degree:sender:near",), 1)],
)
def test_a_replicate_fits_what_would_be_built_for_its_counts(
    monkeypatch, model, slopes, orders_met
):
    monkeypatch.setattr(calibration, "_COMPILED", {})
    whole = Calibration(model, Priors.load("calibration"), 16, slopes=slopes)
    met = set()
    rng, seeds = np.random.default_rng(1), np.random.SeedSequence(1).spawn(2)
    of_study = whole.study.dyads
    half = of_study["city"][:8]
    counts = [  # drawn, and where half of the cities send all, or receive all
        *(draw_outcomes(of_study, whole.name, truth, rng)[1] for truth in truths(whole, seeds)),
        *(np.where(of_study[side].isin(half), 20, 0) for side in SIDES),
    ]
    for count in counts:
        dyads = of_study.assign(outcome=("dyad", count))
        compiled, _ = compiled_for_outcomes(whole, dyads)
        study = calibration.replace(whole.study, dyads=dyads)
        shipped = build(study, model, whole.priors)
        orders = [[v.name for v in model.free_RVs] for model in (compiled.flat.model, shipped)]
        assert orders[0] == orders[1]
        met.add(tuple(orders[1]))
        point = compiled.flat.middle + rng.normal(0, 0.3, compiled.flat.middle.size)
        expected = shipped.compile_logp(mode="FAST_COMPILE")(
            pm.blocking.DictToArrayBijection.rmap(
                pm.blocking.RaveledVars(
                    point,
                    pm.blocking.DictToArrayBijection.map(shipped.initial_point()).point_map_info,
                )
            )
        )
        found, _ = compiled.flat.gradient(point)
        assert found == pytest.approx(float(expected), rel=1e-12)
        start = pm.blocking.DictToArrayBijection.map(jittered(shipped)(5)).data
        np.testing.assert_array_equal(compiled.anew(5), start)
    assert len(calibration._COMPILED) == len(met) == orders_met  # compiled once for each order
    graph = str(dprint(compiled.flat.density, file="str"))
    assert "FusedLogProb" in graph
    assert "FusedPredictor" in graph
