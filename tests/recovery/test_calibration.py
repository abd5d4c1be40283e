"""Calibration passes where truth comes from the priors of the fit, and fails where it does not."""

import pytest
import xarray as xr

from analysis.checks.ranks import uniformity
from models import Priors
from models.settings import Settings
from models.simulation.calibration import RANKED, Calibration, replicate

pytestmark = pytest.mark.slow

REPLICATES = 100


def held_against_uniform(calibration):
    each = [replicate(calibration, number) for number in range(REPLICATES)]
    ranks = xr.concat([one["rank"] for one in each], "replicate")
    return uniformity(ranks, RANKED)


@pytest.fixture
def other(tmp_path):
    """Give priors under which counts are twice as dispersed as those of the fits expect."""
    path = tmp_path / "dispersed.toml"
    path.write_text('extends = "calibration"\n[dispersion]\ndist = "Gamma"\nalpha = 8\nbeta = 5\n')
    return Priors.load(path)


def test_a_wrong_prior_is_found_and_the_right_one_passes(other):
    settings = Settings(draws=500, tune=300, chains=2, seed=11)
    right = Calibration("nb_pooled", Priors.load("calibration"), 8, settings)
    wrong = Calibration("nb_pooled", right.priors, 8, settings, truth_priors=other)
    passed, failed = held_against_uniform(right), held_against_uniform(wrong)
    assert not passed["outside"].any()
    assert failed.loc["dispersion", "outside"]
    assert failed.loc["dispersion", "mean"] > 1.2  # the truth lies above the posterior
