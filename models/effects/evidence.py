"""What outcomes say of effects that few of them inform, for the coordinates of the sampler.

An outcome says little of an effect where outcomes vary much anyway, and nearly all where not. So
a sampler that moves from much dispersion to little, or from a large sd of the effects to a small
one, meets effects of another width: a funnel of as many dimensions as there are effects. It
therefore moves each effect in units of what is left unknown of it. With u the effect, sd its
standard deviation, and what outcomes say of it approximately normal with precision I and value r,

    u = s (s I r + z),   1 / s^2 = 1 / sd^2 + I,

z has mean about 0 and variance about 1 whatever the other parameters are: this is the conditional
distribution of u (Papaspiliopoulos, Roberts and Skold 2007, Statistical Science 22(1)), the
information taken at the current parameters. Any I and r give the same posterior. Of an effect that
enters many dyads only the width is used, with 0 for r: far from the posterior r leads to places
that are further still.

The log of (count + 1/2) is taken for normal, with the variance 1 / (count + 1/2) + dispersion; so
is the logit of the share (successes + 1/2) / (trials + 1), with the variance of a binomial share,
widened as the dispersion widens it. Of a single tie nothing is used. Amounts are normal.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from data.outcomes import AMOUNT, COUNT, SUCCESSES
from models.likelihood.arrays import Array
from models.likelihood.families import Family
from models.likelihood.trials import LOGIT_OF_PROBIT, PROBIT

HALF = 0.5


def information_of(
    family: Family, outcome: Array, trials: np.ndarray | None, scale: Array, informed: Array
) -> Array:
    """Approximate how precisely each outcome tells its linear predictor.

    Parameters
    ----------
    outcome : tensor
        Shape (dyad,).
    scale : tensor or None
        The family's own parameter; of amounts in the predictor's units.
    informed : tensor
        1 where an outcome certainly comes from the distribution that the predictor is of, else 0;
        shape (dyad,).
    """
    if family.outcome is AMOUNT:
        return informed / scale**2
    if family.outcome is SUCCESSES and trials is not None:
        share = (outcome + HALF) / (trials + 1)
        precise = trials * share * (1 - share)
        if family.link is PROBIT:
            precise = precise * LOGIT_OF_PROBIT**2
        if scale is not None:
            precise = precise / (1 + (trials - 1) * scale / (1 + scale))
        return informed * precise
    if family.outcome is COUNT:
        return informed / ((0.0 if scale is None else scale) + 1 / (outcome + HALF))
    return 0.0 * informed


def residual_of(
    family: Family, outcome: Array, trials: np.ndarray | None, expected: Array
) -> Array:
    """Give what outcomes say of their linear predictors less ``expected``, these; (dyad,)."""
    if family.outcome is SUCCESSES and trials is not None:
        share = (outcome + HALF) / (trials + 1)
        unit = LOGIT_OF_PROBIT if family.link is PROBIT else 1.0
        return pt.log(share / (1 - share)) / unit - expected
    if family.outcome is COUNT:
        return pt.log(outcome + HALF) - pt.log(pt.exp(expected) + HALF)
    return 0.0 * expected


def summed(values: Array, position: np.ndarray, size: int) -> Array:
    """Add up values of dyads, (dyad,), by the position of an effect that enters each; (effect,)."""
    return pt.inc_subtensor(pt.zeros(size)[position], values)


def effects_given(name: str, sd: Array, information: Array, pull: Array | float = 0.0) -> Array:
    """Add normal effects of mean zero to the model in whose context it is called.

    Parameters
    ----------
    name : str
        Of what the sampler moves.
    sd : tensor
        Standard deviation of the effects.
    information, pull : tensor
        I, shape (effect,), and I times r.

    Returns
    -------
    tensor
        The effects, shape (effect,).
    """
    wider = pt.sqrt(1 + information * sd**2)
    width = sd / wider
    left = pm.Normal(name, -width * pull, wider, shape=information.type.shape)
    return width * (width * pull + left)
