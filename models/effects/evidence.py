"""What counts say of effects that few of them inform, for the coordinates of the sampler.

A count says little of an effect where counts vary much anyway, and nearly all where they do not. So
a sampler that moves from much dispersion to little, or from a large sd of the effects to a small
one, meets effects of another width: a funnel of as many dimensions as there are effects. It
therefore moves each effect in units of what is left unknown of it. With u the effect, sd its
standard deviation, and what the counts say of it approximately normal with precision I and value r,

    u = s (s I r + z),   1 / s^2 = 1 / sd^2 + I,

z has mean about 0 and variance about 1 whatever the other parameters are: this is the conditional
distribution of u (Papaspiliopoulos, Roberts and Skold 2007, Statistical Science 22(1)), the
information taken at the current parameters. Any I and r give the same posterior. Of an effect that
enters many dyads only the width is used, with 0 for r: far from the posterior r leads to places
that are further still.

The log of (count + 1/2) is taken for normal, with the variance 1 / (count + 1/2) + dispersion.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.likelihood.arrays import Array

HALF = 0.5


def information_of(count: Array, dispersion: Array | float, informed: Array) -> Array:
    """Approximate how precisely each count tells the log of its mean.

    Parameters
    ----------
    count : tensor
        Shape (dyad,).
    dispersion : tensor or float
        Of the negative binomial; 0 of the Poisson.
    informed : tensor
        1 where a count certainly comes from the distribution of counts, else 0; shape (dyad,).
    """
    return informed / (dispersion + 1 / (count + HALF))


def residual_of(count: Array, expected: Array) -> Array:
    """Give the logs of counts less ``expected``, the logs of their means; shape (dyad,)."""
    return pt.log(count + HALF) - pt.log(pt.exp(expected) + HALF)


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
