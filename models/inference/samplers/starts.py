"""Points that chains start from, and a search for those that have a density."""

from collections.abc import Callable, Sequence

import numpy as np
import pymc as pm
from pymc.initial_point import make_initial_point_fn
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from data.errors import ModelError
from models.settings import Settings, seed_of

STEPS = 300  # of a climb at most
TRIES = 20  # a chain
ADVICE = "look for predictors of extreme size and for priors that exclude the data"
Point = dict[str, np.ndarray]  # the sampler's coordinates by name


def jittered(model: pm.Model) -> Callable[[int], Point]:
    """Give what makes points to start from, as every sampler here does."""
    points: Callable[[int], Point] = make_initial_point_fn(
        model=model, jitter_rvs=set(model.free_RVs)
    )
    return points


def highest(
    gradient: Callable[[np.ndarray], tuple[float, np.ndarray]], starts: Sequence[np.ndarray]
) -> np.ndarray:
    """Climb from each start, and give the highest point that is reached.

    Parameters
    ----------
    gradient : callable
        A point (coordinate,) to the log-density and its gradient.
    """

    def downhill(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = gradient(point)
        if not (np.isfinite(value) and np.isfinite(slopes).all()):
            return np.inf, np.zeros_like(point)
        return -value, -slopes

    with threadpool_limits(1, "blas"):
        tops = [
            minimize(downhill, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
            for start in starts
        ]
    found: np.ndarray = min(tops, key=lambda top: top.fun).x
    return found


def starting_points(
    points: Callable[[int], Point], is_finite: Callable[[Point], bool], settings: Settings
) -> list[Point]:
    """Find a point for each chain where the density and its gradient are finite."""
    found = []
    for chain in range(settings.chains):
        tried = (points(seed_of(settings.seed, f"start {chain} {k}")) for k in range(TRIES))
        point = next(filter(is_finite, tried), None)
        if point is None:
            raise ModelError(f"the sampler found no point to start from in {TRIES} tries; {ADVICE}")
        found.append(point)
    return found
