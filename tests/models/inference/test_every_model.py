"""Models sample, and have a finite log-likelihood: each family, and each effects structure."""

import numpy as np
import pytest

from models import build, sample, simulate_study
from models.build import ModelCaution
from models.inference.sample import ConvergenceWarning
from models.likelihood.families import FAMILIES
from models.name import EFFECTS, model_names, parse_model

pytestmark = pytest.mark.slow

# every effects structure with zinb, those of factors, which take longer, with poisson and up to a
# second dimension; every family with pooled and with pair effects
SAMPLED = [f"zinb_{effects}" for effects, structure in EFFECTS.items() if not structure.rank]
SAMPLED += [f"poisson_{effects}" for effects, row in EFFECTS.items() if 0 < row.rank < 3]
SAMPLED += ["zinb_ame1"]
SAMPLED += [
    f"{family}_{effects}"
    for family in FAMILIES
    for effects in ("pooled", "srm_dyadic")
    if family != "zinb"
]


def test_there_are_ten_families_three_of_them_with_two_links_and_fifteen_effects_structures():
    assert len(model_names()) == (10 + 3) * 15


@pytest.mark.filterwarnings("ignore::models.build.ModelCaution")
@pytest.mark.parametrize("model", SAMPLED)
def test_model_samples(model):
    study, _ = simulate_study(5, model, seed=2)
    with pytest.warns(ConvergenceWarning):
        fit = sample(study, model, draws=50, tune=50, chains=1, progress=False)
    assert np.isfinite(fit["log_likelihood"]["outcome"]).all()
    shares = fit["posterior"]["variance_share"]
    np.testing.assert_allclose(shares.sum("source"), 1, rtol=1e-12)
    assert set(parse_model(model).parameters) <= set(fit["posterior"].data_vars)


def test_pair_effects_with_a_dispersion_warn():
    study, _ = simulate_study(5, "nb_srm_dyadic", seed=2)
    with pytest.warns(ModelCaution, match="compete"):
        build(study, "nb_srm_dyadic")
