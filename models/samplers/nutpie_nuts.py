"""The No-U-Turn sampler of nutpie, on the gradient that numba compiles."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import nutpie
import pymc as pm
import xarray as xr
from pytensor import config

from data.errors import ModelError
from models.progress import Reporter
from models.samplers.starts import ADVICE
from models.settings import Settings


@dataclass(frozen=True)
class Compiled:
    """A model, compiled for nutpie: `models.samplers.Compiled`.

    Attributes
    ----------
    inner : nutpie.CompiledModel
        The compiled model.
    """

    inner: Any

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model.

        Parameters
        ----------
        **values : numpy.ndarray
            New values by name.

        Returns
        -------
        Compiled
            The model with other data.
        """
        return type(self)(self.inner.with_data(**values))

    def draw(self, how: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw.

        Parameters
        ----------
        how : Settings
            How to sample.
        reporter : Reporter
            Hears of progress.

        Returns
        -------
        xarray.DataTree
            Draws and statistics.

        Raises
        ------
        ModelError
            The sampler found no point to start from, or stopped.
        """
        reporter.stage("tuning and drawing")
        sampler = nutpie.sample(
            self.inner,
            draws=how.draws,
            tune=how.tune,
            chains=how.chains,
            cores=min(how.chains, os.process_cpu_count() or 1),
            seed=how.seed,
            target_accept=how.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=_teller(reporter),
            progress_rate=200,
            blocking=False,
        )
        try:
            fit: xr.DataTree = sampler.wait()
        except RuntimeError as error:
            text = " ".join(str(error).split())
            raise ModelError(f"the sampler stopped: {text}; {ADVICE}") from None
        except BaseException:  # an interrupt too: nutpie's threads must end with us
            sampler.cancel()
            raise
        return fit


def _teller(reporter: Reporter) -> Callable[[list[Any]], None]:
    def tell(chains: list[Any]) -> None:
        done = sum(chain.finished_draws for chain in chains)
        total = sum(chain.total_draws for chain in chains)
        divergences = sum(chain.divergences for chain in chains if not chain.tuning)
        reporter.advance(done, total, f"{divergences} divergences" if divergences else "")

    return tell


def compiled(model: pm.Model, names: list[str]) -> Compiled:
    """Compile a model.

    Parameters
    ----------
    model : pymc.Model
        What `models.build` gave.
    names : list of str
        The parameters to keep.

    Returns
    -------
    Compiled
        The compiled model.
    """
    # sums in a fixed order: numba reorders them by what it compiles together, which depends on what
    # a cache holds, and the same seed shall give the same draws
    with config.change_flags(numba__fastmath=False):
        return Compiled(nutpie.compile_pymc_model(model, var_names=names))
