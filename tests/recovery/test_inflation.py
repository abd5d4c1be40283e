"""Verdicts on inflation: a real study where it is in the data, and one that was drawn without."""

import pytest

from analysis.comparison.errors import cities_of_units, errors_of_sum
from analysis.comparison.inflation import Verdict
from data import read_study
from models import sample, simulate_study
from models.leave_out.loo import psis

pytestmark = pytest.mark.slow


def verdict(study):
    """Hold the pooled model against its twin, by few draws."""
    elpd = {}
    for model in ("zinb_pooled", "nb_pooled"):
        fit = sample(study, model, progress=False, draws=500, tune=400, chains=2, seed=1)
        elpd[model] = psis(fit, "dyad").elpd_i.to_numpy()
    gain = elpd["zinb_pooled"] - elpd["nb_pooled"]
    errors = errors_of_sum(gain, cities_of_units(study.dyads, "dyad"))
    return Verdict("zinb_pooled", "nb_pooled", gain.sum(), errors, 0.5, at_boundary=False)


# a second mode, of a few draws in a hundred, may fail the gate; it changes the gain by little
@pytest.mark.filterwarnings("ignore::models.inference.sample.ConvergenceWarning")
def test_a_rule_of_shared_regions_is_inflation(shared):
    found = verdict(read_study(shared / "opengr" / "gelderland"))
    # maximum likelihood: -517.04 against -546.38, for six parameters more (glmmTMB)
    assert 10 < found.gain < 29.34
    assert found.gain < 2 * found.errors.these  # two errors would miss it
    assert found.verdict == "identified"


def test_what_was_drawn_without_inflation_has_none():
    study, _ = simulate_study(21, "nb_pooled", seed=5)
    found = verdict(study)
    assert found.gain < 0.5
    assert found.verdict == "not identified"
