"""The No-U-Turn sampler of PyMC: a process a chain, on the gradient that numba compiles."""

import multiprocessing
import os
import warnings
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pymc as pm
import xarray as xr
from pymc.blocking import DictToArrayBijection
from pymc.exceptions import SamplingError
from pymc.sampling.parallel import ParallelSamplingError
from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt
from pytensor import config

from data.errors import ModelError
from models.inference.flat_model import FIXED_ORDER
from models.inference.samplers.starts import ADVICE, Point, jittered, starting_points
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


class Trace(pm.backends.NDArray):
    """Where the draws of a chain go."""

    def __copy__(self) -> Self:
        """Share what is compiled, and nothing else.

        Returns
        -------
        Trace
            Without draws. PyMC copies the trace that it is given for each chain; a plain copy would
            write all chains to the same arrays.
        """
        return type(self)(
            model=self.model,
            vars=self.vars,
            fn=self.fn,
            var_shapes=self.var_shapes,
            var_dtypes=self.var_dtypes,
        )


@dataclass(frozen=True)
class Compiled:
    """A model, compiled for PyMC's sampler: `models.inference.samplers.Compiled`.

    Attributes
    ----------
    trace : Trace
        Empty; it holds the function from a draw to the parameters.
    """

    model: pm.Model
    data: dict[str, np.ndarray]
    gradient: Any
    trace: Trace
    jittered: Any

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model."""
        return replace(self, data=self.data | values)

    def draw(self, how: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw."""
        for name, value in self.data.items():
            self.model.set_data(name, value)
        starts = starting_points(self.jittered, self._is_finite, how)
        reporter.stage("tuning and drawing")
        # a process of a pool must not start others
        can_fork = not multiprocessing.current_process().daemon
        cores = min(how.chains, (os.process_cpu_count() or 1) if can_fork else 1)
        watch = _Watch(how, cores == 1, reporter)
        try:
            with warnings.catch_warnings():
                # the new processes use nothing of the threads that Python and JAX warn of
                warnings.filterwarnings("ignore", r".*fork", DeprecationWarning)
                warnings.filterwarnings("ignore", r".*fork", RuntimeWarning)
                fit: xr.DataTree = pm.sample(
                    model=self.model,
                    nuts_sampler="pymc",
                    step=self._step(starts, how),
                    trace=self.trace,
                    initvals=starts,
                    draws=how.draws,
                    tune=how.tune,
                    chains=how.chains,
                    cores=cores,
                    blas_cores=cores,
                    random_seed=how.seed,
                    callback=watch,
                    progressbar=False,
                    quiet=True,
                    compute_convergence_checks=False,
                )
        except _InterruptError:
            raise KeyboardInterrupt from None
        except (SamplingError, ParallelSamplingError) as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise ModelError(f"the sampler stopped: {lines[-1].strip()}; {ADVICE}") from None
        except ValueError as error:
            if "Not enough samples" not in str(error):
                raise
            raise KeyboardInterrupt from None
        if not watch.is_done:  # PyMC ends early and says nothing
            raise KeyboardInterrupt
        stats = fit["sample_stats"].to_dataset()[list(STATS)].rename(STATS)
        counted = {name: stats[name].astype(np.int64) for name in ("n_steps", "depth")}
        return xr.DataTree.from_dict(
            {"posterior": fit["posterior"].to_dataset(), "sample_stats": stats.assign(counted)}
        )

    def _is_finite(self, point: Point) -> bool:
        flat, _ = DictToArrayBijection.map(point)
        return all(np.isfinite(each).all() for each in self.gradient([flat], extra_vars={}))

    def _step(self, starts: list[Point], how: Settings) -> pm.NUTS:
        mean = np.mean([DictToArrayBijection.map(point).data for point in starts], axis=0)
        # PyMC's default, jitter and a diagonal that is adapted; a step that it makes itself would
        # be compiled anew in every run
        potential = QuadPotentialDiagAdapt(
            len(mean), mean, np.ones_like(mean), 10, rng=np.random.default_rng(how.seed)
        )
        return pm.NUTS(
            model=self.model,
            logp_dlogp_func=self.gradient,
            initial_point=starts[0],
            target_accept=how.target_accept,
            potential=potential,
        )


class _InterruptError(Exception):
    """A chain was interrupted, and PyMC has gone on to the next."""


@dataclass
class _Watch:
    """Hears of every draw."""

    how: Settings
    one_by_one: bool
    reporter: Reporter
    done: dict[int, int] = field(default_factory=dict)  # draws of each chain
    divergences: int = 0

    def __call__(self, trace: Any, draw: Any) -> None:  # noqa: ARG002 - PyMC passes both
        length = self.how.tune + self.how.draws
        earlier = (n for chain, n in self.done.items() if chain < draw.chain)
        if self.one_by_one and min(earlier, default=length) < length:
            raise _InterruptError
        self.done[draw.chain] = self.done.get(draw.chain, 0) + 1
        self.divergences += int(not draw.tuning and draw.stats[0]["diverging"])
        note = f"{self.divergences} divergences" if self.divergences else ""
        self.reporter.advance(sum(self.done.values()), self.how.chains * length, note)

    @property
    def is_done(self) -> bool:
        return sum(self.done.values()) == self.how.chains * (self.how.tune + self.how.draws)


def compiled(model: pm.Model, names: list[str]) -> Compiled:
    """Compile a model."""
    with config.change_flags(**FIXED_ORDER):
        gradient = model.logp_dlogp_function(ravel_inputs=True)
    kept = model.replace_rvs_by_values([model[name] for name in names])
    return Compiled(
        model=model,
        data={each.name: each.get_value() for each in model.data_vars},
        gradient=gradient,
        trace=Trace(model=model, vars=kept),
        jittered=jittered(model),
    )
