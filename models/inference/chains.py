"""Compiled model -> draws: a first look, a run, a more careful one where the gate stays shut."""

import json
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from threadpoolctl import threadpool_limits

from models.effects.centering import centering_of_draws, has_city_effects
from models.effects.positions import has_factors, positioned
from models.inference.gate import Diagnostics, FirstTry, diagnose, first_try
from models.inference.samplers import Compiled, Uncompiled, compiled_for
from models.settings import Settings, seed_of
from models.work.progress import Reporter

LOOK = {"draws": 250, "tune": 350, "chains": 2}  # the most that a first look takes
FINER = 2  # how much closer to 1 their target acceptance is
OFTEN = 4  # draws of factors of which one is kept: they are autocorrelated, and many
LONGER = 4  # how much longer the second run is
CLOSER = 20  # how much closer to 1 its target acceptance is
END, ENDS = "end_point", 10  # draws of a chain that another run may begin at, and how many


@dataclass(frozen=True)
class Chains:
    """Draws that are kept, and how they came about.

    Attributes
    ----------
    posterior : xarray.Dataset
        Draws of the parameters (chain, draw, ...).
    stats : xarray.Dataset
        The sampler's figures for each (chain, draw); ``energy_change`` is the energy less that
        of the draw before in the run itself, NaN for a run's first draw. Of a sampler that tells
        of its coordinates, where the run ended: a few draws ``end_point`` (chain, end, coordinate),
        and how far effects were centered.
    run : Settings
        How the kept draws were made, which differs from what was asked for after a second try.
    seconds : float
        How long this run took.
    first_try : FirstTry or None
        What an earlier run showed that failed.
    """

    posterior: xr.Dataset
    stats: xr.Dataset
    diagnostics: Diagnostics
    run: Settings
    thin: int
    seconds: float
    first_try: FirstTry | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fit's manifest says of them."""
        found = asdict(self.diagnostics)
        return {
            **found,
            "faults": json.dumps(found["faults"]),
            "remedy": self.diagnostics.remedy,
            "passed": int(not self.diagnostics.faults),
            "thin": self.thin,
            "final_tune": self.run.tune,
            "final_target_accept": self.run.target_accept,
            "final_seconds": self.seconds,
            "first_try": json.dumps(asdict(self.first_try) if self.first_try else {}),
        }


def kept_names(model: pm.Model) -> list[str]:
    """List the parameters of a model."""
    return [v.name for v in model.unobserved_RVs if not v.name.startswith("_")]


def compiled_model(model: pm.Model, sampler: str = "nutpie") -> tuple[Compiled, list[str]]:
    """Compile a model for a sampler."""
    names = kept_names(model)
    return compiled_for(sampler, model, names), names


def as_many(settings: Settings, names: list[str]) -> tuple[Settings, int]:
    """Give the settings of a run that keeps as many draws as are asked for, one of how many."""
    if not has_factors(names):
        return settings, 1
    careful = 1 - (1 - settings.target_accept) / FINER
    return replace(settings, draws=settings.draws * OFTEN, target_accept=careful), OFTEN


def draw_chains(
    compiled: Compiled,
    names: list[str],
    settings: Settings,
    reporter: Reporter,
    ends: xr.Dataset | None = None,
    thin: int = 1,
) -> Chains:
    """Draw; where the gate stays shut, draw once more and longer.

    A short run looks at the city effects first, for what the pooled model says of them is wrong
    where effects of the other side take the place of its dispersion. Effects are centered by what
    it has learnt. The second run has other starts, centers effects by what the first has learnt,
    and goes in smaller steps where draws of the first diverged.

    The posterior of factors may have several modes, between which chains do not move: on the trade
    of 30 countries one in which the second dimension is as good as zero, and one that explains
    far more, with about as much mass. Chains of such a model begin at the highest of the modes that
    are climbed from many starts, and no look is taken. That they agree says nothing of other modes.

    Parameters
    ----------
    ends : xarray.Dataset, optional
        Where chains of another run ended (`models.inference.fit.Fit.ends`): the first run begins
        there, with that run's centering, and without a look.
    thin : int
        Of how many draws one is kept, by the first run.
    """
    if ends is not None and END in ends:
        compiled = going_on(compiled, ends)
    elif not isinstance(compiled, Uncompiled):  # which would be compiled for it
        compiled = _ready(compiled, names, settings, reporter)
    chains = _draw_thinned(compiled, names, settings, thin, reporter)
    first = chains.diagnostics
    if not first.faults:
        return chains
    reporter.stage(f"a second try, for {'; '.join(first.faults)}")
    # smaller steps are the remedy for draws that diverge, and only slow the others
    steps = CLOSER if first.divergences else 1
    careful = 1 - (1 - settings.target_accept) / steps
    again = replace(
        settings,
        draws=settings.draws * LONGER,
        tune=settings.tune * 2,
        target_accept=careful,
        # other starts: a chain that was lost far from the others would be lost again
        seed=seed_of(settings.seed, "second try"),
    )
    again_from = compiled.starting_at(None)
    if has_factors(names):
        again_from = _ready(compiled, names, again, reporter)
    else:
        again_from = again_from.with_data(**centering_of_draws(chains.posterior))
    second = _draw_thinned(again_from, names, again, thin * LONGER, reporter)
    return replace(second, first_try=first_try(chains.posterior, first))


def going_on(compiled: Compiled, ends: xr.Dataset) -> Compiled:
    """Let the next run begin where another ended, with its centering."""
    shares = {str(name): ends[name].to_numpy() for name in ends if name != END}
    points = ends[END].stack(start=("chain", "end")).transpose("start", ...).to_numpy()
    return compiled.with_data(**shares).starting_at(points)


def _ready(
    compiled: Compiled, names: list[str], settings: Settings, reporter: Reporter
) -> Compiled:
    """Let chains begin where they should: with factors at a mode, else centered by a look."""
    if has_factors(names):
        reporter.stage("looking for the highest mode")
        return compiled.at_the_highest(settings.seed)
    if not has_city_effects(names):
        return compiled
    most = {name: min(value, getattr(settings, name)) for name, value in LOOK.items()}
    run = replace(settings, **most, seed=seed_of(settings.seed, "first look"))
    with threadpool_limits(1, "blas"):
        look = compiled.draw(run, reporter)["posterior"].to_dataset()
    return compiled.with_data(**centering_of_draws(look))


def _draw_thinned(
    compiled: Compiled, names: list[str], run: Settings, thin: int, reporter: Reporter
) -> Chains:
    began = perf_counter()
    # a matrix product that starts threads of its own waits for cores that other chains are using
    with threadpool_limits(1, "blas"):
        fit = compiled.draw(run, reporter)
    seconds = perf_counter() - began
    stats = fit["sample_stats"].to_dataset()
    stats = stats.assign(energy_change=stats["energy"] - stats["energy"].shift(draw=1))
    posterior = positioned(_every(thin, fit["posterior"].to_dataset()[names]))
    diagnostics = diagnose(posterior, stats)
    # a kept draw counts as diverging where any of those that it stands for did
    diverging = stats["diverging"].coarsen(draw=thin).max().to_numpy()
    kept = _every(thin, stats).assign(diverging=(("chain", "draw"), diverging))
    if "coordinates" in fit.children:
        backwards = slice(None, None, -max(1, run.draws // ENDS))
        told = fit["coordinates"].to_dataset().isel(draw=backwards).rename(point=END, draw="end")
        kept = kept.assign(told.data_vars)
    return Chains(posterior, kept, diagnostics, run, thin, seconds)


def _every(thin: int, draws: xr.Dataset) -> xr.Dataset:
    kept = draws.isel(draw=slice(thin - 1, None, thin))
    return kept.assign_coords(draw=np.arange(kept.sizes["draw"]))
