"""Points that chains start from, for samplers that do not look for them by themselves."""

from collections.abc import Callable

import numpy as np

from data.errors import ModelError
from models.settings import Settings, seed_of

TRIES = 20  # a chain
ADVICE = "look for predictors of extreme size and for priors that exclude the data"
Point = dict[str, np.ndarray]  # the sampler's coordinates by name


def starting_points(
    jittered: Callable[[int], Point], is_finite: Callable[[Point], bool], how: Settings
) -> list[Point]:
    """Find a point for each chain where the density and its gradient are finite.

    Parameters
    ----------
    jittered : callable
        A seed to a point: `pymc.initial_point.make_initial_point_fn` gives it.
    is_finite : callable
        A point to whether the density and its gradient are finite there.
    how : Settings
        The seed and the number of chains.

    Returns
    -------
    list of dict of str to numpy.ndarray
        One a chain.

    Raises
    ------
    ModelError
        A chain found none.
    """
    found = []
    for chain in range(how.chains):
        tried = (jittered(seed_of(how.seed, f"start {chain} {k}")) for k in range(TRIES))
        point = next(filter(is_finite, tried), None)
        if point is None:
            raise ModelError(f"the sampler found no point to start from in {TRIES} tries; {ADVICE}")
        found.append(point)
    return found
