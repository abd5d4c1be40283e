"""The models as a user of PyMC writes them, by each of the samplers that PyMC offers."""

import time

import nutpie
import pymc as pm
from plain_models import plain_model

from data.study import Study
from models.settings import Settings
from peers.drawn import Drawn, cores, counted
from peers.numpyro_compilation import compile_seconds


def draw(study: Study, model: str, how: Settings, sampler: str) -> Drawn:
    """Sample by `nutpie`, `pymc` or `numpyro`."""
    written = plain_model(study, model)
    if sampler == "nutpie":
        return _by_nutpie(written, how)
    if sampler == "numpyro":
        with compile_seconds(how.chains) as compiling:
            drawn = _sampled(written, how, sampler)
        return Drawn(drawn.posterior, drawn.seconds - compiling(drawn.seconds), drawn.divergences)
    return _sampled(written, how, sampler)


def _sampled(written: pm.Model, how: Settings, sampler: str) -> Drawn:
    with written:
        fit = pm.sample(
            how.draws,
            tune=how.tune,
            chains=how.chains,
            cores=cores(how),
            random_seed=how.seed,
            nuts_sampler=sampler,
            nuts={"target_accept": how.target_accept},
            var_names=[v.name for v in written.unobserved_RVs if not v.name.startswith("_")],
            progressbar=False,
            compute_convergence_checks=False,
        )
    return counted(fit, fit["posterior"].attrs["sampling_time"])


def _by_nutpie(written: pm.Model, how: Settings) -> Drawn:
    compiled = nutpie.compile_pymc_model(written)
    began = time.perf_counter()
    fit = nutpie.sample(
        compiled,
        draws=how.draws,
        tune=how.tune,
        chains=how.chains,
        cores=cores(how),
        seed=how.seed,
        target_accept=how.target_accept,
        save_warmup=False,
        progress_bar=False,
    )
    return counted(fit, time.perf_counter() - began)
