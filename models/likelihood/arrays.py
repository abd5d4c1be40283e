"""The few array functions that a formula needs, in NumPy and in PyTensor.

A family is written once against this set: called with `NUMPY` it works on draws, called with
`pytensor_arrays()` it becomes the graph that is sampled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

Array = Any  # a NumPy array or a PyTensor variable


@dataclass(frozen=True)
class Arrays:
    """One library's spelling of the functions that families use."""

    exp: Callable[[Array], Array]
    log: Callable[[Array], Array]
    log1p: Callable[[Array], Array]
    expm1: Callable[[Array], Array]
    gammaln: Callable[[Array], Array]
    softplus: Callable[[Array], Array]  # log(1 + exp(x)), without overflow
    sigmoid: Callable[[Array], Array]
    log_ndtr: Callable[[Array], Array]  # log of the standard normal distribution function
    where: Callable[[Array, Array, Array], Array]
    cumsum: Callable[..., Array]
    concatenate: Callable[..., Array]
    zeros_like: Callable[[Array], Array]


NUMPY = Arrays(
    exp=np.exp,
    log=np.log,
    log1p=np.log1p,
    expm1=np.expm1,
    gammaln=special.gammaln,
    softplus=lambda x: np.logaddexp(0.0, x),
    sigmoid=special.expit,
    log_ndtr=special.log_ndtr,
    where=np.where,
    cumsum=np.cumsum,
    concatenate=np.concatenate,
    zeros_like=np.zeros_like,
)


def pytensor_arrays() -> Arrays:
    """Give PyTensor's spelling; PyTensor is imported only when it is called."""
    from pytensor import tensor as pt  # noqa: PLC0415

    def log_ndtr(x: Array) -> Array:
        # constants as arrays, because PyTensor would take plain numbers in single precision; each
        # side of the switch is kept from what is infinite on the other
        root, low, high = np.asarray(np.sqrt(2.0)), pt.minimum(x, -1.0), pt.maximum(x, -1.0)
        tail = pt.log(pt.erfcx(-low / root) / 2) - low**2 / 2
        return pt.switch(pt.lt(x, -1.0), tail, pt.log1p(-pt.erfc(high / root) / 2))

    return Arrays(
        exp=pt.exp,
        log=pt.log,
        log1p=pt.log1p,
        expm1=pt.expm1,
        gammaln=pt.gammaln,
        softplus=pt.softplus,
        sigmoid=pt.sigmoid,
        log_ndtr=log_ndtr,
        where=pt.where,
        cumsum=pt.cumsum,
        concatenate=pt.concatenate,
        zeros_like=pt.zeros_like,
    )
