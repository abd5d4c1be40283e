"""Simulated truth comes back, as near as the posterior says: no nearer, and no farther.

One fit has few parameters, and they are counted over the fits of a size. City effects are errors
of each other's intercept: those of a role in a fit are counted as a third of their number.
"""

import numpy as np
import pytest
from widths import misfits, standing

from models import sample, simulate_study

pytestmark = pytest.mark.slow

PARAMETERS = {"zinb_srm": 13, "zinb_crossed": 11, "nb_srm": 7, "nb_crossed": 6}
MODELS = {
    21: ["zinb_srm", "zinb_srm", "zinb_srm", "zinb_crossed", "nb_srm", "nb_crossed"],
    40: ["zinb_srm", "nb_srm"],
}


def placed(model, cities, seed):
    """Place each parameter, and each city effect, among its draws: (below and z, value)."""
    study, truth = simulate_study(cities, model, seed=seed)
    fit = sample(study, model, seed=seed, progress=False)
    assert fit.attrs["passed"] == 1, (model, cities, fit.attrs["faults"])
    parameters, effects = [], []
    for name in truth.data_vars:
        of = effects if "city" in truth[name].dims else parameters
        of.append(standing(fit["posterior"][name], truth[name]))
    return [np.concatenate(each, axis=1) for each in (parameters, effects)]


@pytest.mark.parametrize("cities", MODELS)
def test_posteriors_are_as_wide_as_they_are_wrong(cities):
    models = MODELS[cities]
    found = [placed(model, cities, seed) for seed, model in enumerate(models, start=1)]
    sizes = [(parameters.shape[1], effects.shape[1]) for parameters, effects in found]
    assert sizes == [
        (PARAMETERS[model], cities * (4 if model.startswith("zinb") else 2)) for model in models
    ]
    for fits in (found[: models.count("zinb_srm")], found):
        parameters, effects = (np.concatenate(each, axis=1) for each in zip(*fits, strict=True))
        assert not misfits(*parameters)
        assert not misfits(*effects, independent=effects.shape[1] // 3)
