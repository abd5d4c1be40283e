"""The No-U-Turn sampler of PyMC: a process a chain, on what PyMC compiles in every run."""

import multiprocessing
import os
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.exceptions import SamplingError
from pymc.sampling.parallel import ParallelSamplingError
from pytensor import config

from data.errors import ModelError
from models.inference.background import begun
from models.inference.flat_model import FIXED_ORDER
from models.inference.samplers import Uncompiled
from models.inference.samplers.starts import ADVICE
from models.settings import Settings
from models.work.progress import Reporter

STATS = {  # what PyMC's fits call it: what nutpie's do
    "diverging": "diverging",
    "energy": "energy",
    "lp": "logp",
    "n_steps": "n_steps",
    "tree_depth": "depth",
    "reached_max_treedepth": "maxdepth_reached",
    "step_size": "step_size",
    "acceptance_rate": "mean_tree_accept",
}


class Compiled(Uncompiled):
    """A model for PyMC's sampler: `models.inference.samplers.Compiled`."""

    def draw(self, settings: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw."""
        reporter.stage("compiling, tuning and drawing")
        pm.set_data(self.data, model=self.model)
        # a process of a pool must not start others
        can_fork = not multiprocessing.current_process().daemon
        stop = Event()
        sample: Callable[[], xr.DataTree] = partial(
            pm.sample,
            model=self.model,
            nuts_sampler="pymc",
            var_names=self.names,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=(os.process_cpu_count() or 1) if can_fork else 1,
            target_accept=settings.target_accept,
            random_seed=settings.seed,
            callback=_teller(settings, reporter, stop),
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
        )
        try:
            with warnings.catch_warnings(), config.change_flags(**FIXED_ORDER):
                # the new processes use nothing of the threads that Python and JAX warn of
                warnings.filterwarnings("ignore", r".*fork", DeprecationWarning)
                warnings.filterwarnings("ignore", r".*fork", RuntimeWarning)
                fit = begun(sample)()  # PyMC itself takes an interrupt for the end of the run
        except (SamplingError, ParallelSamplingError) as error:
            text = str(error).strip().split("\n", maxsplit=1)[0]
            raise ModelError(f"the sampler stopped: {text}; {ADVICE}") from None
        finally:
            stop.set()
        stats = fit["sample_stats"].to_dataset()[list(STATS)].rename(STATS)
        counted = {name: stats[name].astype(np.int64) for name in ("n_steps", "depth")}
        return xr.DataTree.from_dict(
            {"posterior": fit["posterior"].to_dataset(), "sample_stats": stats.assign(counted)}
        )


def _teller(settings: Settings, reporter: Reporter, stop: Event) -> Callable[..., None]:
    total = settings.chains * (settings.tune + settings.draws)
    seen: Counter[str] = Counter()

    def tell(trace: Any, draw: Any) -> None:  # noqa: ARG001 - PyMC passes both
        if stop.is_set():
            raise KeyboardInterrupt
        seen["draws"] += 1
        seen["divergences"] += int(not draw.tuning and draw.stats[0]["diverging"])
        note = f"{seen['divergences']} divergences" if seen["divergences"] else ""
        reporter.advance(seen["draws"], total, note)

    return tell


compiled = Compiled.of
