"""How likely the counts of a city are that the model has never seen.

The city's effects are unknown: they are integrated out over their population distribution, once
for each posterior draw of everything else. With effects = L z, L the Cholesky factor of their
covariance and z standard normal, the integral over z is an importance-sampling mean. Most of its
points come from a normal distribution around the integrand's mode in that draw, and some from the
population itself (`models.leave_out.importance`).
"""

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from data.roles import sides_of
from models.leave_out.city_density import CityDensity
from models.leave_out.importance import Component, mode_and_root, points_of, standard_points
from models.leave_out.own_effects import effects_of, own_variables
from models.likelihood.observed import Observed
from models.name import ModelName
from models.predictor.linear import linear_predictor

AT_ONCE = 500  # draws that are held at once
NEAR, DEFENSIVE = 64, 16  # a half's points: around the mode, and from the population


def newcomer(draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, city: str) -> CityDensity:
    """Put together what each draw knows of a city whose effects it does not know.

    Parameters
    ----------
    draws : xarray.Dataset
        Draws (draw, ...) of everything else. The city's own effects in them are not used.

    Notes
    -----
    The city's positions follow their population as well, and enter by the positions of the others.
    Random slopes and pair effects of the city's dyads are those of the draws. In a fit without the
    city's counts these follow their population, and their part of the integral is a plain Monte
    Carlo mean; in a fit to all counts they are among what the city's counts have informed.
    """
    ends = {end: dyads[end].to_numpy() for end in sides_of(dyads.coords)}
    rows = np.flatnonzero(np.any([cities == city for cities in ends.values()], axis=0))
    own, uses = effects_of(draws, ends, name, city, name.roles, rows, rows)
    return CityDensity(
        family=name.family,
        observed=Observed.of(dyads)[rows],
        base=_without(draws, name, city, dyads, rows),
        uses=uses,
        scale=draws[name.family.scale].to_numpy() if name.family.scale else None,
        mean=own.mean,
        factor=own.factor,
    )


def log_densities_of_newcomer(city: CityDensity, rng: np.random.Generator) -> np.ndarray:
    """Compute, in each draw, the joint probability of the counts that a new city has.

    Returns
    -------
    numpy.ndarray
        Natural logs, shape (3, draw): from all points, and from each half of them.
    """
    draws = len(city.mean)
    halves = np.concatenate(
        [_of_halves(city.some(slice(k, k + AT_ONCE)), rng) for k in range(0, draws, AT_ONCE)],
        axis=1,
    )
    both = np.logaddexp(*halves) - np.log(2)
    return np.concatenate([both[None], halves])


def _of_halves(city: CityDensity, rng: np.random.Generator) -> np.ndarray:
    """Integrate over each half of the points; natural logs, shape (2, draw)."""
    draws, size = city.mean.shape
    mode, root = mode_and_root(city.value_and_gradient, np.zeros(city.mean.shape))
    population = np.zeros_like(mode), np.broadcast_to(np.eye(size), root.shape)
    found = []
    for _ in range(2):
        near, wide = (standard_points(rng, draws, points, size) for points in (NEAR, DEFENSIVE))
        z, log_proposed = points_of([Component(mode, root, near), Component(*population, wide)])
        found.append(logsumexp(city.value(z) - log_proposed, axis=1) - np.log(z.shape[1]))
    return np.stack(found)


def _without(
    draws: xr.Dataset, name: ModelName, city: str, dyads: xr.Dataset, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute the linear predictors with the city's own effects at zero."""
    labels = own_variables(name.roles, name)
    bare = draws.assign({label: draws[label].where(draws["city"] != city, 0.0) for label in labels})
    return {part: linear_predictor(bare, dyads, part, rows).to_numpy() for part in name.parts}
