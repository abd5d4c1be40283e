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
from scipy.stats import norm, qmc

from models.effects.population import population_covariance
from models.inference.predictive import thinned
from models.leave_out.city_density import CityDensity
from models.leave_out.importance import Component, mode_and_root, points_of
from models.name import ModelName
from models.predictor.linear import linear_predictor

AT_ONCE = 500  # draws that are held at once
NEAR, DEFENSIVE = 128, 32  # points around the mode, and from the population


def log_densities_of_newcomer(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, city: str, seed: int
) -> tuple[np.ndarray, float]:
    """Compute, in each draw, the joint probability of the counts that a new city has.

    Parameters
    ----------
    draws : xarray.Dataset
        Draws (chain, draw, ...) of everything else. The city's own effects in them are not used.

    Returns
    -------
    log_densities : numpy.ndarray
        Natural logs, shape (chain, draw).
    error : float
        Relative standard error that the mean density has from the points, which all draws share.

    Notes
    -----
    Random slopes and pair effects of the city's dyads are those of the draws, where they follow
    their population distributions; their part of the integral is a plain Monte Carlo mean.
    """
    shape = draws.sizes["chain"], draws.sizes["draw"]
    rng = np.random.default_rng(seed)
    near, defensive = (
        norm.ppf(qmc.Sobol(len(name.roles), rng=rng).random(points))[None]
        for points in (NEAR, DEFENSIVE)
    )
    every = thinned(draws, shape[0] * shape[1])
    log_weights = np.concatenate(
        [
            _of_points(every.isel(draw=slice(k, k + AT_ONCE)), dyads, name, city, near, defensive)
            for k in range(0, every.sizes["draw"], AT_ONCE)
        ]
    )
    of_draw = logsumexp(log_weights, axis=1) - np.log(log_weights.shape[1])
    of_point = logsumexp(log_weights, axis=0)
    relative = np.exp(of_point - of_point.max())
    error = relative.std(ddof=1) / relative.mean() / np.sqrt(relative.size)
    return of_draw.reshape(shape), float(error)


def _of_points(
    draws: xr.Dataset,
    dyads: xr.Dataset,
    name: ModelName,
    city: str,
    near: np.ndarray,
    defensive: np.ndarray,
) -> np.ndarray:
    """Weigh the density at each draw's points by what they come from; logs, (draw, point)."""
    rows, uses = _rows_of(dyads, name, city)
    factor = np.linalg.cholesky(population_covariance(draws, name))
    density = CityDensity(
        family=name.family,
        count=dyads["count"].to_numpy()[rows],
        base=_without(draws, name, city, dyads, rows),
        uses=uses,
        dispersion=draws["dispersion"].to_numpy() if name.family.has_dispersion else None,
        mean=np.zeros(factor.shape[:2]),
        factor=factor,
    )
    mode, root = mode_and_root(density.value_and_gradient, np.zeros(factor.shape[:2]))
    population = np.zeros_like(mode), np.broadcast_to(np.eye(len(name.roles)), root.shape)
    z, log_proposed = points_of([Component(mode, root, near), Component(*population, defensive)])
    found: np.ndarray = density.value(z) - log_proposed
    return found


def _rows_of(
    dyads: xr.Dataset, name: ModelName, city: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the city's dyads, and for each part which of them each role's effect enters."""
    side = {end: dyads[end].to_numpy() == city for end in ("sender", "receiver")}
    rows = np.flatnonzero(side["sender"] | side["receiver"])
    uses: dict[str, np.ndarray] = {}
    for part in name.parts:
        use = np.zeros((len(name.roles), len(rows)))
        for k, role in enumerate(name.roles):
            if role.part == part:
                use[k] = side[role.side][rows]
        uses[part] = use
    return rows, uses


def _without(
    draws: xr.Dataset, name: ModelName, city: str, dyads: xr.Dataset, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute the linear predictors with the city's own effects at zero."""
    bare = draws.assign(
        {role.effect: draws[role.effect].where(draws["city"] != city, 0.0) for role in name.roles}
    )
    return {part: linear_predictor(bare, dyads, part, rows).to_numpy() for part in name.parts}
