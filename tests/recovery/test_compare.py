"""Comparison finds what a study was drawn from, and does not find what it was not."""

import pytest

from analysis.comparison.compare import ML, comparison
from models import Priors, simulate_study
from models.inference.sample_to_files import sample_to_files
from models.settings import Settings
from models.simulation.simulate import TRUTH
from models.work.workspace import Workspace

pytestmark = pytest.mark.slow

STRONG = {
    **TRUTH,
    **{
        f"{part}_{side}_sd": 1.0
        for part in ("selection", "degree")
        for side in ("sender", "receiver")
    },
}


def compared(study, models, priors, results):
    """Fit models and compare them by dyad."""
    workspace = Workspace(results, study, priors)
    wanted = [(workspace, model) for model in models]
    for path, _ in sample_to_files(wanted, Settings(seed=3)):
        assert not path.name.endswith(".failed.nc")
    return comparison(workspace, models, ("dyad",)).tables["dyad"]


def difference(table, one, other):
    """Give the difference of two rows in elpd, and the error of the one that is not the best."""
    return (
        table.loc[one, "elpd"] - table.loc[other, "elpd"],
        max(table.loc[one, "dse"], table.loc[other, "dse"]),
    )


def test_strong_city_effects_are_found(tmp_path):
    study, _ = simulate_study(21, "zinb_srm", seed=41, truth=STRONG)
    table = compared(study, ["zinb_srm", "zinb_pooled"], Priors.load("default"), tmp_path)
    for pooled in ("zinb_pooled", f"zinb_pooled {ML}"):
        gain, error = difference(table, "zinb_srm", pooled)
        assert table.index[0] == "zinb_srm"
        assert gain > 4 * error


def test_city_effects_that_are_not_there_are_not_found(tmp_path):
    study, _ = simulate_study(21, "zinb_pooled", seed=42)
    table = compared(study, ["zinb_srm", "zinb_pooled"], Priors.load("default"), tmp_path)
    for pooled in ("zinb_pooled", f"zinb_pooled {ML}"):
        gain, error = difference(table, "zinb_srm", pooled)
        assert gain < 2 * error or gain <= 0


def test_with_flat_priors_the_posterior_predicts_as_maximum_likelihood_does(guangdong, tmp_path):
    table = compared(guangdong, ["zinb_pooled"], Priors.load("wide"), tmp_path)
    gain, error = difference(table, "zinb_pooled", f"zinb_pooled {ML}")
    assert abs(gain) < 2 * error
    # both have 13 parameters, which are what they are too good by in sample
    assert table["p_loo"].between(8, 20).all()
