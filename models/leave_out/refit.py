"""A model refitted without some dyads, and how well it predicts them.

What is left out is one directed dyad, a pair (both directions) or a city (every dyad that it
sends or receives). The left-out counts are masked: the model is compiled once a process, and its
coordinates and predictors stay those of the whole study. A refit begins where the fit to all
counts ended, with its centering, in as small steps and for as many draws as that needed in the end;
it is held against the same gate, and has a second try. Where that fails too it goes on from there,
as long again and then four times as long.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import arviz as az
import numpy as np
import xarray as xr
from scipy.special import logsumexp

from data.study import Study
from models.build import build
from models.inference.chains import LONGER, Chains, compiled_model, draw_chains
from models.inference.fit import Fit, ends_of
from models.inference.gate import ENOUGH
from models.inference.predictive import log_likelihood, thinned
from models.leave_out.gaussian import amounts_of, exact_log_densities, has_exact_densities
from models.leave_out.gaussian_positions import densities_with_positions, with_positions
from models.leave_out.new_city import log_densities_of_newcomer, newcomer
from models.leave_out.psis import reweighted
from models.leave_out.units import rows_of_units
from models.name import ModelName, named
from models.priors.prior_set import Priors
from models.settings import Settings, seed_of
from models.work.fits import digest_of
from models.work.made_from import LEFT_OUT
from models.work.progress import Reporter

TUNE = 500  # draws that tune a refit: the compiled model is known to sample
AIMED = 2.5  # effective draws that a refit aims at that goes on, over the fewest that are enough


@dataclass(frozen=True)
class Begun:
    """What a fit to all counts leaves to its refits.

    Attributes
    ----------
    fit : str
        The fit's digest; empty where refits begin anew.
    stats : xarray.Dataset, optional
        What the fit keeps of its sampler, ``end_point`` and centering among it.
    thin : int
        Of how many draws the fit keeps one.
    seconds : float
        How long a refit is expected to take on this machine, where it works at as many at once as
        it has cores; 0 where that is not known.
    """

    fit: str = ""
    stats: xr.Dataset = field(default_factory=xr.Dataset)
    thin: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class Refits:
    """A model whose units are left out one after the other.

    Attributes
    ----------
    settings : Settings
        How each refit is sampled; its seed and the unit's label give each refit's own.
    begun : Begun
        What the fit to all counts leaves to refits.
    """

    study: Study
    model: str
    priors: Priors
    unit: str
    settings: Settings
    begun: Begun = Begun()

    @cached_property
    def name(self) -> ModelName:
        return named(self.model, self.study)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a refit is made from but what it leaves out."""
        study, priors = self.study.digest, self.priors.to_json()
        settings = asdict(self.settings)
        begun = [self.begun.fit] if self.begun.fit else []
        made_from = [study, priors, self.model, self.unit, settings, *begun]
        return digest_of(made_from, LEFT_OUT)


def refits_of(fit: Fit, study: Study, priors: Priors, unit: str) -> Refits:
    """Plan the refits of a fit to all counts: as its draws were made, but for the tuning."""
    run = fit.run
    settings = replace(run, tune=TUNE)
    cores = os.process_cpu_count() or 1
    longer = (settings.tune + settings.draws) / (run.tune + run.draws)
    seconds = fit.seconds * longer * min(run.chains, cores) / cores
    begun = Begun(fit.digest, fit.ends, fit.thin, seconds)
    return Refits(study, fit.model, priors, unit, settings, begun)


@dataclass(frozen=True)
class Averaged:
    """The mean of a unit's density over the draws of a refit.

    Attributes
    ----------
    elpd, error : float
        Natural log of the mean, and its Monte Carlo standard error.
    effective : float
        How many independent draws, all of the same density, would know the mean as well: the
        mean of a density over draws rests on the few in which the counts are likely.
    pareto_k : float
        Shape of the upper tail of the densities; from 0.7 on the error is not to be trusted.
    """

    elpd: float
    error: float
    effective: float
    pareto_k: float


def refit(refits: Refits, label: str) -> xr.Dataset:
    """Refit a model without one unit, and predict that unit's counts.

    Returns
    -------
    xarray.Dataset
        Scalars: ``elpd``, the natural log of the joint predictive probability of the unit's
        counts; ``error``, its Monte Carlo standard error; ``effective`` draws that it rests on and
        their ``pareto_k``, as `Averaged` says; ``passed`` (the gate), ``max_r_hat``,
        ``min_ess_bulk``, ``divergences``. Attributes ``digest``, ``unit``, ``label``, ``faults``.

    Notes
    -----
    Where fewer than 50 draws are effective, the refit goes on, once, for as many as are missing, at
    most four times as many; all are used.
    """
    rows = rows_of_units(refits.study.dyads, refits.unit)[label]
    compiled, public = _compiled(refits)
    kept = np.ones(refits.study.dyads.sizes["dyad"])
    kept[rows] = 0
    without = compiled.with_data(kept=kept)
    settings = replace(refits.settings, seed=seed_of(refits.settings.seed, label))
    begun = refits.begun
    chains = draw_chains(without, public, settings, Reporter(), begun.stats, begun.thin)
    if chains.diagnostics.faults:
        longer = replace(chains.run, tune=settings.tune, seed=seed_of(settings.seed, "longer"))
        ends = ends_of(chains.stats)
        chains = draw_chains(without, public, longer, Reporter(), ends, chains.thin)
    rng = np.random.default_rng(seed_of(refits.settings.seed, label))
    densities = _log_densities(refits, chains, label, rows, rng)
    found = averaged(densities)
    if found.effective < ENOUGH:
        times = int(np.clip(np.ceil(AIMED * ENOUGH / found.effective - 1), 1, LONGER))
        more = replace(settings, draws=times * settings.draws, seed=seed_of(settings.seed, "more"))
        ends = ends_of(chains.stats)
        chains = draw_chains(without, public, more, Reporter(), ends, begun.thin)
        others = _log_densities(refits, chains, label, rows, rng)
        densities = np.concatenate([densities, others], axis=1)
        found = averaged(densities)
    of_chains = chains.diagnostics
    return xr.Dataset(
        {
            **asdict(found),
            "passed": int(not of_chains.faults),
            "max_r_hat": of_chains.max_r_hat,
            "min_ess_bulk": of_chains.min_ess_bulk,
            "divergences": of_chains.divergences,
        },
        attrs={
            "digest": refits.digest,
            "unit": refits.unit,
            "label": label,
            "faults": json.dumps(of_chains.faults),
        },
    )


def _log_densities(
    refits: Refits, chains: Chains, label: str, rows: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Give a unit's log density at each draw; shape (chain, draw)."""
    dyads, name, draws = refits.study.dyads, refits.name, chains.posterior
    shape = draws.sizes["chain"], draws.sizes["draw"]
    if has_exact_densities(name) and name.factor_parts and refits.unit == "city":
        flat = thinned(draws, shape[0] * shape[1])
        placed = with_positions(flat, dyads, name, "city", label, rows)
        densities: np.ndarray = densities_with_positions(placed, rng)[0].reshape(shape)
        return densities
    if has_exact_densities(name):
        of_chains = [
            exact_log_densities(amounts_of(draws.isel(chain=chain), dyads, name), {label: rows})
            for chain in range(draws.sizes["chain"])
        ]
        return np.stack(of_chains)[..., 0]
    if refits.unit == "city" and name.roles:
        city = newcomer(thinned(draws, shape[0] * shape[1]), dyads, name, label)
        found = log_densities_of_newcomer(city, rng)[:1].reshape(shape)
    else:
        found = log_likelihood(draws, dyads, name, rows).sum("dyad").to_numpy()
    return found


def averaged(log_densities: np.ndarray) -> Averaged:
    """Average densities over draws.

    Parameters
    ----------
    log_densities : numpy.ndarray
        Natural logs, shape (chain, draw).
    """
    relative = np.exp(log_densities - log_densities.max())
    size, mean = relative.size, float(relative.mean())
    elpd = float(logsumexp(log_densities) - np.log(size))
    if not np.ptp(relative):
        return Averaged(elpd, 0.0, float(size), 0.0)
    independent = min(size, float(az.ess(relative, method="mean")))
    variance = float(relative.var()) / mean**2
    return Averaged(
        elpd,
        float(np.sqrt(variance / independent)),
        independent / (1 + variance),
        reweighted(-log_densities).pareto_k,
    )


# What a process has compiled: by study, model, priors and sampler.
_COMPILED: dict[tuple[str, ...], tuple[Any, list[str]]] = {}


def _compiled(refits: Refits) -> tuple[Any, list[str]]:
    sampler = refits.settings.sampler
    key = refits.study.digest, refits.model, refits.priors.to_json(), sampler
    if key not in _COMPILED:
        model = build(refits.study, refits.model, refits.priors, exchangeable=("kept",))
        _COMPILED[key] = compiled_model(model, sampler)
    return _COMPILED[key]
