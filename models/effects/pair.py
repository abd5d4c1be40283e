"""Pair effects: what a directed dyad has beyond its two cities."""

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from data.roles import Part
from models.effects.evidence import effects_given, summed
from models.likelihood.arrays import Array
from models.priors.prior_set import Priors

ROOT = np.sqrt(2)


def pair_effects(
    part: Part, dyads: xr.Dataset, priors: Priors, information: Array, residual: Array
) -> Array:
    """Add the pair effects of a part to the model in whose context it is called.

    Parameters
    ----------
    information, residual : tensor
        How precisely each count tells its linear predictor, and what it is above that without the
        effect (`models.effects.evidence`); shape (dyad,).

    Returns
    -------
    tensor
        The effect of each directed dyad, shape (dyad,). The model gains ``<part>_pair_sd``,
        ``<part>_dyadic_reciprocity`` (the correlation of the two directions) and ``<part>_pair``
        (dyad).
    """
    sd = priors.variable(part.pair.sd)
    reciprocity = priors.variable(part.dyadic_reciprocity)
    pairs = dyads.sizes["pair"]
    position = dyads.get_index("pair").get_indexer(pd.Index(dyads["dyad_pair"].to_numpy()))
    direction = np.where(dyads["sender"].to_numpy() < dyads["receiver"].to_numpy(), 1.0, -1.0)
    of_pair = summed(information, position, pairs) / 2
    pull = information * residual / ROOT
    # sum and difference of the two directions, each over root 2, are independent
    alike, apart = (
        effects_given(
            part.pair.own(name),
            sd * pt.sqrt(1 + sign * reciprocity),
            of_pair,
            summed(pull * enters, position, pairs),
        )
        for name, sign, enters in (("alike", 1, 1.0), ("apart", -1, direction))
    )
    effect = (alike[position] + direction * apart[position]) / ROOT
    return pm.Deterministic(part.pair.effect, effect, dims="dyad")
