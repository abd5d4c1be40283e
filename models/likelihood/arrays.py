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
    where=np.where,
    cumsum=np.cumsum,
    concatenate=np.concatenate,
    zeros_like=np.zeros_like,
)


def pytensor_arrays() -> Arrays:
    """Give PyTensor's spelling; PyTensor is imported only when it is called."""
    from pytensor import tensor as pt  # noqa: PLC0415

    return Arrays(
        exp=pt.exp,
        log=pt.log,
        log1p=pt.log1p,
        expm1=pt.expm1,
        gammaln=pt.gammaln,
        softplus=pt.softplus,
        sigmoid=pt.sigmoid,
        where=pt.where,
        cumsum=pt.cumsum,
        concatenate=pt.concatenate,
        zeros_like=pt.zeros_like,
    )
