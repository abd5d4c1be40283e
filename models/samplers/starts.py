"""Points that chains start from, and a search for those that have a density."""

from collections.abc import Callable

import numpy as np
import pymc as pm
from pymc.initial_point import make_initial_point_fn

from data.errors import ModelError
from models.settings import Settings, seed_of

TRIES = 20  # a chain
ADVICE = "look for predictors of extreme size and for priors that exclude the data"
Point = dict[str, np.ndarray]  # the sampler's coordinates by name


def jittered(model: pm.Model) -> Callable[[int], Point]:
    """Give what makes points to start from, as every sampler here does.

    Parameters
    ----------
    model : pymc.Model
        The model.

    Returns
    -------
    callable
        A seed to a point, each coordinate moved from PyMC's own by at most 1.
    """
    points: Callable[[int], Point] = make_initial_point_fn(
        model=model, jitter_rvs=set(model.free_RVs)
    )
    return points


def starting_points(
    points: Callable[[int], Point], is_finite: Callable[[Point], bool], how: Settings
) -> list[Point]:
    """Find a point for each chain where the density and its gradient are finite.

    Parameters
    ----------
    points : callable
        A seed to a point: `jittered` gives it.
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
        tried = (points(seed_of(how.seed, f"start {chain} {k}")) for k in range(TRIES))
        point = next(filter(is_finite, tried), None)
        if point is None:
            raise ModelError(f"the sampler found no point to start from in {TRIES} tries; {ADVICE}")
        found.append(point)
    return found
