"""nutpie, set up in the same way for our model and for PyMC's own distributions."""

import time

import nutpie
import pymc as pm

from models.chains import compiled_model
from models.settings import Settings
from peers.drawn import Drawn, compared, cores


def by_nutpie(model: pm.Model, how: Settings) -> Drawn:
    """Compile, then sample and time it."""
    compiled, _ = compiled_model(model)
    began = time.perf_counter()
    fit = nutpie.sample(
        compiled.inner,
        draws=how.draws,
        tune=how.tune,
        chains=how.chains,
        cores=cores(how),
        seed=how.seed,
        target_accept=how.target_accept,
        save_warmup=False,
        progress_bar=False,
    )
    seconds = time.perf_counter() - began
    divergences = int(fit["sample_stats"]["diverging"].sum())
    return Drawn(compared(fit["posterior"].to_dataset()), seconds, divergences)
