"""What a model expects before it has seen an outcome."""

import logging
from dataclasses import dataclass

import numpy as np
import pymc as pm
import xarray as xr

from data.outcomes import OutcomeKind
from data.study import Study
from models.build import build
from models.effects.positions import positioned
from models.inference.chains import kept_names
from models.inference.predictive import replicated
from models.name import named
from models.priors.absurd import far_share
from models.priors.prior_set import Priors

PRIOR_DRAWS = 1000


def draw_prior(model: pm.Model, names: list[str], seed: np.random.SeedSequence) -> xr.Dataset:
    """Draw 1000 times from the prior, as one chain (chain, draw, ...)."""
    log = logging.getLogger("pymc")
    level = log.level
    log.setLevel(logging.WARNING)  # it would list every variable
    try:
        tree: xr.DataTree = pm.sample_prior_predictive(
            PRIOR_DRAWS,
            model=model,
            var_names=names,
            random_seed=int(seed.generate_state(1)[0]),
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
    finally:
        log.setLevel(level)
    return positioned(tree["prior"].to_dataset())


@dataclass(frozen=True)
class PriorPredictive:
    """Outcomes drawn from the prior, beside those observed.

    Attributes
    ----------
    zeros : tuple of float
        5, 50 and 95 % quantiles, over draws, of the share of zeros among the dyads.
    quantiles : tuple of float
        50, 90 and 99 % quantiles of the outcomes, over draws and dyads.
    largest : tuple of float
        5, 50 and 95 % quantiles, over draws, of the largest outcome.
    means : tuple of float
        5, 50 and 95 % quantiles, over draws, of the mean outcome.
    far : float
        The share of outcomes that exceed ten times the largest observed one.
    kind : OutcomeKind
        What the outcomes are.
    """

    zeros: tuple[float, ...]
    quantiles: tuple[float, ...]
    largest: tuple[float, ...]
    means: tuple[float, ...]
    far: float
    observed_zeros: float
    observed_quantiles: tuple[float, ...]
    observed_largest: float
    observed_mean: float
    kind: OutcomeKind


def prior_predictive(study: Study, model: str, priors: Priors, seed: int) -> PriorPredictive:
    """Draw outcomes from the prior and summarise them."""
    built = build(study, model, priors)
    streams = np.random.SeedSequence(seed).spawn(2)
    draws = draw_prior(built, kept_names(built), streams[0])
    name = named(model, study)
    replicate = replicated(draws, study.dyads, name, streams[1])
    drawn, observed = replicate.to_numpy()[0], study.dyads["outcome"].to_numpy()
    levels, over_draws = [0.5, 0.9, 0.99], [0.05, 0.5, 0.95]
    return PriorPredictive(
        zeros=tuple(np.quantile((drawn == 0).mean(axis=1), over_draws)),
        quantiles=tuple(np.quantile(drawn, levels)),
        largest=tuple(np.quantile(drawn.max(axis=1), over_draws)),
        means=tuple(np.quantile(drawn.mean(axis=1), over_draws)),
        far=far_share(drawn, observed),
        observed_zeros=float((observed == 0).mean()),
        observed_quantiles=tuple(np.quantile(observed, levels)),
        observed_largest=observed.max().item(),
        observed_mean=float(observed.mean()),
        kind=name.family.outcome,
    )
