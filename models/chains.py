"""Compiled model -> draws, with a second and more careful try where the first fails the gate."""

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr
from threadpoolctl import threadpool_limits

from data.errors import ModelError
from models.centering import centering_of_draws
from models.diagnostics import Diagnostics, diagnose
from models.progress import Reporter
from models.settings import Settings, seed_of

LONGER = 4  # how much longer the second run is
CLOSER = 20  # how much closer to 1 its target acceptance is


@dataclass(frozen=True)
class Chains:
    """Draws that are kept, and how they came about.

    Attributes
    ----------
    posterior : xarray.Dataset
        Draws of the parameters (chain, draw, ...).
    stats : xarray.Dataset
        The sampler's figures for each (chain, draw); ``energy_change`` is the energy less that
        of the draw before in the run itself, NaN for a run's first draw.
    diagnostics : Diagnostics
        What the gate says.
    run : Settings
        How the kept draws were made, which differs from what was asked for after a second try.
    thin : int
        Of how many draws each kept one is the last.
    """

    posterior: xr.Dataset
    stats: xr.Dataset
    diagnostics: Diagnostics
    run: Settings
    thin: int


def compiled_model(model: pm.Model) -> tuple[Any, list[str]]:
    """Compile a model for the sampler.

    Parameters
    ----------
    model : pymc.Model
        What `models.build` gave.

    Returns
    -------
    compiled : nutpie.CompiledModel
        The compiled model.
    names : list of str
        The parameters to keep: all but the sampler's own coordinates.
    """
    names = [v.name for v in model.unobserved_RVs if not v.name.startswith("_")]
    return nutpie.compile_pymc_model(model, var_names=names), names


def draw_chains(compiled: Any, names: list[str], how: Settings, reporter: Reporter) -> Chains:
    """Draw; where the gate stays shut, draw once more and longer.

    The second run has other starts, centers effects by what the first has learnt of them, and goes
    in smaller steps where draws of the first diverged.

    Parameters
    ----------
    compiled : nutpie.CompiledModel
        The model.
    names : list of str
        The parameters to keep.
    how : Settings
        How to sample.
    reporter : Reporter
        Hears of progress.

    Returns
    -------
    Chains
        As many draws as were asked for: the second, longer run is thinned.

    Raises
    ------
    ModelError
        The sampler found no point to start from.
    """
    chains = _draw_thinned(compiled, names, how, 1, reporter)
    first = chains.diagnostics
    if not first.faults:
        return chains
    reporter.stage(f"a second try, for {'; '.join(first.faults)}")
    shares = centering_of_draws(chains.posterior)
    again_from = compiled.with_data(
        **{f"{role}_centering": np.asarray(share) for role, share in shares.items()}
    )
    # smaller steps are the remedy for draws that diverge, and only slow the others
    steps = CLOSER if first.divergences else 1
    careful = 1 - (1 - how.target_accept) / steps
    again = replace(
        how,
        draws=how.draws * LONGER,
        tune=how.tune * 2,
        target_accept=careful,
        # other starts: a chain that was lost far from the others would be lost again
        seed=seed_of(how.seed, "second try"),
    )
    return _draw_thinned(again_from, names, again, LONGER, reporter)


def _draw_thinned(
    compiled: Any, names: list[str], run: Settings, thin: int, reporter: Reporter
) -> Chains:
    # a matrix product that starts threads of its own waits for cores that other chains are using
    with threadpool_limits(1, "blas"):
        fit = _draw(compiled, run, reporter)
    stats = fit["sample_stats"].to_dataset()
    stats = stats.assign(energy_change=stats["energy"] - stats["energy"].shift(draw=1))
    posterior = _every(thin, fit["posterior"].to_dataset()[names])
    diagnostics = diagnose(posterior, stats)
    # a kept draw counts as diverging where any of those that it stands for did
    diverging = stats["diverging"].coarsen(draw=thin).max().to_numpy()
    kept = _every(thin, stats).assign(diverging=(("chain", "draw"), diverging))
    return Chains(posterior, kept, diagnostics, run, thin)


def _every(thin: int, draws: xr.Dataset) -> xr.Dataset:
    kept = draws.isel(draw=slice(thin - 1, None, thin))
    return kept.assign_coords(draw=np.arange(kept.sizes["draw"]))


def _draw(compiled: Any, how: Settings, reporter: Reporter) -> xr.DataTree:
    reporter.stage("tuning and drawing")

    def report(chains: list[Any]) -> None:
        done = sum(chain.finished_draws for chain in chains)
        total = sum(chain.total_draws for chain in chains)
        divergences = sum(chain.divergences for chain in chains if not chain.tuning)
        reporter.advance(done, total, f"{divergences} divergences" if divergences else "")

    sampler = nutpie.sample(
        compiled,
        draws=how.draws,
        tune=how.tune,
        chains=how.chains,
        cores=min(how.chains, os.process_cpu_count() or 1),
        seed=how.seed,
        target_accept=how.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
        progress_rate=200,
        blocking=False,
    )
    try:
        fit: xr.DataTree = sampler.wait()
    except RuntimeError as error:
        raise ModelError(
            f"the sampler stopped: {' '.join(str(error).split())}; "
            "look for predictors of extreme size and for priors that exclude the data"
        ) from None
    except BaseException:  # an interrupt too: nutpie's threads must end with us
        sampler.cancel()
        raise
    return fit
