"""Three samplers, one posterior: the same file, the same gate, the same means."""

import importlib.util
import sys

import arviz as az
import numpy as np
import pytest
from agreement import largest_z

from data.errors import ModelError
from models import build, sample, simulate_study
from models.inference.chains import compiled_model
from models.inference.samplers import compiled_for
from models.settings import SAMPLERS, Settings
from models.work.progress import Reporter

pytestmark = pytest.mark.slow

MODEL = "zinb_crossed"
DRAWS = ("chain", "draw")
LARGEST_Z = 4.0
STATS = {
    "diverging": np.bool,
    "energy": np.floating,
    "logp": np.floating,
    "n_steps": np.integer,
    "depth": np.integer,
    "maxdepth_reached": np.bool,
    "step_size": np.floating,
    "mean_tree_accept": np.floating,
}
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numpyro") is None, reason="numpyro, an optional package, is not there"
)


@pytest.fixture(scope="module")
def study():
    """Simulate the counts of ten cities."""
    return simulate_study(10, MODEL, seed=3)[0]


@pytest.fixture(scope="module")
def fits(study):
    """Sample by each."""
    return {
        sampler: sample(study, MODEL, progress=False, seed=4, target_accept=0.95, sampler=sampler)
        for sampler in SAMPLERS
    }


@pytest.mark.parametrize("sampler", [each for each in SAMPLERS if each != "nutpie"])
def test_samplers_agree(fits, sampler):
    one, other = (fits[each]["posterior"].to_dataset() for each in ("nutpie", sampler))
    assert fits[sampler].attrs["sampler"] == sampler
    assert set(one) == set(other)
    for method, compute in (
        ("mean", lambda draws: draws.mean(DRAWS)),
        ("sd", lambda draws: draws.std(DRAWS)),
    ):
        largest = largest_z(one, other, compute, method=method)
        assert max(largest.values()) < LARGEST_Z, (method, largest)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_fit_is_the_same_file_whoever_drew_it(fits, sampler):
    fit, nutpie = fits[sampler], fits["nutpie"]
    assert set(fit.children) == set(nutpie.children)
    for group in ("posterior", "log_likelihood", "posterior_predictive", "log_prior"):
        one, other = (each[group].to_dataset() for each in (fit, nutpie))
        assert {n: v.dims for n, v in one.items()} == {n: v.dims for n, v in other.items()}
        for dim in one.dims:
            assert one[dim].equals(other[dim])
    stats = fit["sample_stats"].to_dataset()
    for name, kind in STATS.items():
        assert stats[name].dims == DRAWS
        assert np.issubdtype(stats[name].dtype, kind), name
    assert fit.attrs["passed"], fit.attrs["faults"]
    between = np.corrcoef(fit["posterior"]["degree_intercept"].to_numpy())
    assert abs(between[~np.eye(len(between), dtype=bool)]).max() < 0.3  # chains of their own


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_data_are_exchanged(study, sampler):
    """A study whose counts are all masked is its prior; what it was taken from stays whole."""
    model = build(study, "nb_pooled", exchangeable=("kept",))
    compiled, names = compiled_model(model, sampler)
    settings = Settings(draws=500, tune=500, chains=2, seed=5)
    masked = compiled.with_data(kept=np.zeros(study.dyads.sizes["dyad"]))
    prior = masked.draw(settings, Reporter())["posterior"].to_dataset()[names]
    whole = compiled.draw(settings, Reporter())["posterior"].to_dataset()[names]
    # the default priors of the intercept and of the dispersion: Normal(-1, 2.5), HalfNormal(2)
    for name, mean, sd in (
        ("degree_intercept", -1.0, 2.5),
        ("dispersion", 2 * np.sqrt(2 / np.pi), 2 * np.sqrt(1 - 2 / np.pi)),
    ):
        z = (prior[name].mean() - mean) / az.mcse(prior[[name]])[name]
        assert abs(float(z)) < LARGEST_Z
        z = (prior[name].std() - sd) / az.mcse(prior[[name]], method="sd")[name]
        assert abs(float(z)) < LARGEST_Z
    assert float(whole["degree_intercept"].std()) < 0.5


def test_a_package_that_is_missing_is_named(study, monkeypatch):
    monkeypatch.delitem(sys.modules, "models.inference.samplers.numpyro_nuts", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ModelError, match=r"'numpyro' needs jax, .* 'interlocal\[numpyro\]'"):
        compiled_for("numpyro", build(study, "nb_pooled"), [])
