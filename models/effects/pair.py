"""Pair effects: what a directed dyad has beyond its two cities."""

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from data.roles import Part
from models.likelihood.arrays import Array
from models.priors.prior_set import Priors


def pair_effects(part: Part, dyads: xr.Dataset, priors: Priors) -> Array:
    """Add the pair effects of a part to the model in whose context it is called.

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
    # half the sum and half the difference of the two directions are independent
    alike = pm.Normal(part.pair.own("alike"), 0, 1, shape=pairs)
    apart = pm.Normal(part.pair.own("apart"), 0, 1, shape=pairs)
    position = dyads.get_index("pair").get_indexer(pd.Index(dyads["dyad_pair"].to_numpy()))
    direction = np.where(dyads["sender"].to_numpy() < dyads["receiver"].to_numpy(), 1.0, -1.0)
    effect = sd * (
        pt.sqrt((1 + reciprocity) / 2) * alike[position]
        + pt.sqrt((1 - reciprocity) / 2) * direction * apart[position]
    )
    return pm.Deterministic(part.pair.effect, effect, dims="dyad")
