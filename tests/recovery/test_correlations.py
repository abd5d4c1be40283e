"""Correlations of city and pair effects come back from simulated studies of 40 and 60 cities."""

import numpy as np
import pytest
from widths import misfits, standing

from models import sample, simulate_study

pytestmark = pytest.mark.slow

CORRELATIONS = ("generalized_reciprocity", "dyadic_reciprocity", "city_correlation")
STUDIES = [
    ("zinb_srm", 40),
    ("nb_srm", 60),
    ("zinb_srm_joint", 40),
    ("poisson_srm_dyadic", 40),
    ("poisson_srm_dyadic", 60),
]


def test_correlations_come_back():
    found, right = [], []
    for seed, (model, cities) in enumerate(STUDIES, start=1):
        study, truth = simulate_study(cities, model, seed=seed)
        fit = sample(study, model, seed=seed, progress=False)
        assert fit.attrs["passed"] == 1, (model, cities, fit.attrs["faults"])
        for name in (str(each) for each in truth.data_vars):
            if name.endswith(CORRELATIONS):
                draws, known = fit["posterior"][name], truth[name]
                found.append(standing(draws, known))
                signed = (np.sign(draws) == np.sign(known)).mean(("chain", "draw"))
                right.extend(np.ravel(signed)[np.abs(np.ravel(known)) >= 0.5])
    placed = np.concatenate(found, axis=1)
    assert placed.shape[1] == 13
    assert not misfits(*placed)
    # those of 0.5 and more are told from none; draws that say nothing have the sign half the time
    assert len(right) == 9
    assert np.mean(right) > 0.9
