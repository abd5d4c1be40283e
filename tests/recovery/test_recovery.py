"""Simulated truth comes back: 89 % intervals cover at least 80 % of the true parameters.

One fit has few parameters (10 of 13 are covered by chance once in six fits), and the errors of
its city effects are correlated: coverage is counted over the fits of a size.
"""

import numpy as np
import pytest

from models import sample, simulate_study

pytestmark = pytest.mark.slow

LOWER, UPPER = 0.055, 0.945


def covered(model, cities, seed):
    """Tell of each parameter, and of each city effect, whether its interval holds the truth."""
    study, truth = simulate_study(cities, model, seed=seed)
    fit = sample(study, model, seed=seed, progress=False)
    assert fit.attrs["passed"] == 1, (model, cities, fit.attrs["faults"])
    parameters, effects = [], []
    for name in truth.data_vars:
        draws = fit["posterior"][name]
        lower, upper = draws.quantile([LOWER, UPPER], ("chain", "draw"))
        held = np.ravel((lower <= truth[name]) & (truth[name] <= upper))
        (effects if "city" in draws.dims else parameters).extend(held)
    return parameters, effects


@pytest.mark.parametrize("cities", [21, 40])
def test_intervals_cover_the_truth(cities):
    models = ["zinb_srm", "zinb_srm", "zinb_srm", "zinb_crossed", "nb_srm", "nb_crossed"]
    found = [covered(model, cities, seed) for seed, model in enumerate(models, start=1)]
    assert [len(parameters) for parameters, _ in found] == [13, 13, 13, 11, 7, 6]
    assert [len(effects) for _, effects in found] == [cities * k for k in (4, 4, 4, 4, 2, 2)]
    for fits in (found[:3], found):  # zinb_srm, then all
        for held in map(np.concatenate, zip(*fits, strict=True)):
            assert held.mean() >= 0.8, f"{held.sum()} of {held.size}"
