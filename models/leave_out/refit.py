"""A model refitted without some dyads, and how well it predicts them.

What is left out is one directed dyad, a pair (both directions) or a city (every dyad that it
sends or receives). The left-out counts are masked: the model is compiled once a process, and its
coordinates and predictors stay those of the whole study. A refit begins where the fit to all
counts ended, with its centering, in as small steps and for as many draws as that needed in the end;
it is held against the same gate, and has a second try.
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
from models.inference.chains import compiled_model, draw_chains, going_on
from models.inference.fit import Fit
from models.inference.predictive import log_likelihood
from models.leave_out.new_city import log_density_of_newcomer
from models.leave_out.units import rows_of_units
from models.name import ModelName, named
from models.priors.prior_set import Priors
from models.settings import Settings, seed_of
from models.work.fits import digest_of
from models.work.progress import Reporter

TUNE = 500  # draws that tune a refit: the compiled model is known to sample


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
        return named(self.model)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a refit is made from but what it leaves out."""
        study, priors = self.study.digest, self.priors.to_json()
        settings = asdict(self.settings)
        begun = [self.begun.fit] if self.begun.fit else []
        return digest_of([study, priors, self.model, self.unit, settings, *begun])


def refits_of(fit: Fit, study: Study, priors: Priors, unit: str) -> Refits:
    """Plan the refits of a fit to all counts: as its draws were made, but for the tuning."""
    run = fit.run
    settings = replace(run, tune=TUNE)
    cores = os.process_cpu_count() or 1
    longer = (settings.tune + settings.draws) / (run.tune + run.draws)
    seconds = fit.seconds * longer * min(run.chains, cores) / cores
    begun = Begun(fit.digest, fit.ends, fit.thin, seconds)
    return Refits(study, fit.model, priors, unit, settings, begun)


def refit(refits: Refits, label: str) -> xr.Dataset:
    """Refit a model without one unit, and predict that unit's counts.

    Returns
    -------
    xarray.Dataset
        Scalars: ``elpd``, the natural log of the joint predictive probability of the unit's
        counts; ``error``, its Monte Carlo standard error; ``passed`` (the gate), ``max_r_hat``,
        ``min_ess_bulk``, ``divergences``. Attributes ``digest``, ``unit``, ``label``, ``faults``.
    """
    dyads, name = refits.study.dyads, refits.name
    rows = rows_of_units(dyads, refits.unit)[label]
    compiled, public = _compiled(refits)
    kept = np.ones(dyads.sizes["dyad"])
    kept[rows] = 0
    settings = replace(refits.settings, seed=seed_of(refits.settings.seed, label))
    start = going_on(compiled, refits.begun.stats).with_data(kept=kept)
    chains = draw_chains(start, public, settings, Reporter(), refits.begun.thin)
    if refits.unit == "city" and name.roles:
        elpd, error = log_density_of_newcomer(chains.posterior, dyads, name, label, settings.seed)
    else:
        elpd, error = log_mean_density(
            log_likelihood(chains.posterior, dyads, name, rows).sum("dyad")
        )
    found = chains.diagnostics
    return xr.Dataset(
        {
            "elpd": elpd,
            "error": error,
            "passed": int(not found.faults),
            "max_r_hat": found.max_r_hat,
            "min_ess_bulk": found.min_ess_bulk,
            "divergences": found.divergences,
        },
        attrs={
            "digest": refits.digest,
            "unit": refits.unit,
            "label": label,
            "faults": json.dumps(found.faults),
        },
    )


def log_mean_density(log_densities: xr.DataArray) -> tuple[float, float]:
    """Average densities over draws.

    Parameters
    ----------
    log_densities : xarray.DataArray
        Natural logs; dims (chain, draw).

    Returns
    -------
    log_mean : float
        Natural log of the mean density.
    """
    values = log_densities.to_numpy()
    highest = float(values.max())
    relative = np.exp(values - highest)
    mean = float(relative.mean())
    error = float(az.mcse(relative, method="mean")) / mean if np.ptp(relative) else 0.0
    return float(logsumexp(values) - np.log(values.size)), error


# What a process has compiled: by study, model, priors and sampler.
_COMPILED: dict[tuple[str, ...], tuple[Any, list[str]]] = {}


def _compiled(refits: Refits) -> tuple[Any, list[str]]:
    sampler = refits.settings.sampler
    key = refits.study.digest, refits.model, refits.priors.to_json(), sampler
    if key not in _COMPILED:
        model = build(refits.study, refits.model, refits.priors, exchangeable=("kept",))
        _COMPILED[key] = compiled_model(model, sampler)
    return _COMPILED[key]
