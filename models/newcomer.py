"""How likely the counts of a city are that the model has never seen.

The city's effects are unknown: they are integrated out over their population distribution, once
for each posterior draw of everything else. With effects = L z, L the Cholesky factor of their
covariance and z standard normal, the integral over z is an importance-sampling mean. Most of its
points come from a normal distribution around the integrand's mode in that draw, and some from the
population itself, so that no weight is large where the first ones do not reach (a defensive
mixture: Hesterberg 1995, Technometrics 37(2)).
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm, qmc

from models.names import ModelName, correlation_name
from models.predictive import thinned
from models.predictor import linear_predictor

DRAWS = 500  # posterior draws that are used, evenly spaced
NEAR, DEFENSIVE = 128, 32  # points around the mode, and from the population
WIDER = 1.2  # sd of the points around the mode, in units of the integrand's
NEWTON_STEPS, LONGEST = 5, 2.0  # of the search for the mode
LEAST_CURVATURE = 0.3  # of the integrand; that of the population alone is 1
STEP = 1e-3  # of differences

LogDensity = Callable[[np.ndarray], np.ndarray]  # z (draw, point, role) to (draw, point)


def log_density_of_newcomer(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, city: str, seed: int
) -> tuple[float, float]:
    """Compute the joint log-probability of the counts that a new city sends and receives.

    Parameters
    ----------
    draws : xarray.Dataset
        Posterior draws (chain, draw, ...) of a fit from which the city's counts were left out.
        The city's own effects in it are not used.
    dyads : xarray.Dataset
        The dyads of the study.
    name : ModelName
        The model; it has city effects.
    city : str
        The city.
    seed : int
        Seed of the points.

    Returns
    -------
    log_density : float
        Natural log.
    error : float
        Its Monte Carlo standard error, from the points and from the draws.

    Notes
    -----
    Random slopes and pair effects of the city's dyads are those of the draws, where they follow
    their population distributions; their part of the integral is a plain Monte Carlo mean.
    """
    used = thinned(draws, DRAWS)
    rows, uses = _rows_of(dyads, name, city)
    base = _without(used, name, city, dyads, rows)
    factor = np.linalg.cholesky(population_covariance(used, name))
    dispersion = (
        used["dispersion"].to_numpy()[:, None, None] if name.family.has_dispersion else None
    )
    count = dyads["count"].to_numpy()[rows]

    def log_likelihood(z: np.ndarray) -> np.ndarray:
        effects = z @ np.swapaxes(factor, 1, 2)
        predictors = {part: base[part][:, None] + effects @ uses[part] for part in name.parts}
        pointwise = name.family.log_prob(
            count, predictors["degree"], predictors.get("selection"), dispersion
        )
        total: np.ndarray = pointwise.sum(axis=-1)
        return total

    size = len(name.roles)

    def joint(z: np.ndarray) -> np.ndarray:
        population = -(z**2).sum(axis=-1) / 2 - size * np.log(2 * np.pi) / 2
        total: np.ndarray = log_likelihood(z) + population
        return total

    z, log_proposed = _points(joint, len(factor), size, seed)
    return _log_mean(joint(z) - log_proposed)


def _rows_of(
    dyads: xr.Dataset, name: ModelName, city: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the city's dyads, and for each part which of them each role's effect enters."""
    side = {each: dyads[each].to_numpy() == city for each in ("sender", "receiver")}
    rows = np.flatnonzero(side["sender"] | side["receiver"])
    uses: dict[str, np.ndarray] = {}
    for part in name.parts:
        use = np.zeros((len(name.roles), len(rows)))
        for k, role in enumerate(name.roles):
            of, which = role.split("_")
            if of == part:
                use[k] = side[which][rows]
        uses[part] = use
    return rows, uses


def _without(
    draws: xr.Dataset, name: ModelName, city: str, dyads: xr.Dataset, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute the linear predictors with the city's own effects at zero."""
    bare = draws.assign(
        {role: draws[role].where(draws["city"] != city, 0.0) for role in name.roles}
    )
    return {part: linear_predictor(bare, dyads, part, rows).to_numpy() for part in name.parts}


def population_covariance(draws: xr.Dataset, name: ModelName) -> np.ndarray:
    """Give the covariance of a city's effects in each draw.

    Parameters
    ----------
    draws : xarray.Dataset
        Standard deviations and correlations (draw, ...).
    name : ModelName
        The model; its ``roles`` are the order of rows and columns.

    Returns
    -------
    numpy.ndarray
        Shape (draw, role, role).
    """
    place = {role: k for k, role in enumerate(name.roles)}
    correlation = np.tile(np.eye(len(place)), (draws.sizes["draw"], 1, 1))
    for block in name.blocks:
        if len(block) < 2:
            continue
        values = draws[correlation_name(block)].to_numpy().reshape(draws.sizes["draw"], -1)
        lower = [(place[block[i]], place[block[j]]) for i in range(len(block)) for j in range(i)]
        for (i, j), value in zip(lower, values.T, strict=True):
            correlation[:, i, j] = correlation[:, j, i] = value
    sds = np.stack([draws[f"{role}_sd"].to_numpy() for role in name.roles], axis=-1)
    covariance: np.ndarray = correlation * sds[:, :, None] * sds[:, None, :]
    return covariance


def _points(joint: LogDensity, draws: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose each draw's points, with the log of the density that they come from."""
    mode, curvature = _mode(joint, draws, size)
    root = np.linalg.cholesky(np.linalg.inv(curvature)) * WIDER
    rng = np.random.default_rng(seed)
    near, defensive = (
        norm.ppf(qmc.Sobol(size, rng=rng).random(points)) for points in (NEAR, DEFENSIVE)
    )
    z = np.concatenate(
        [mode + near @ np.swapaxes(root, 1, 2), np.tile(defensive, (draws, 1, 1))], axis=1
    )
    standard = np.linalg.solve(root, np.swapaxes(z - mode, 1, 2))
    log_near = -(standard**2).sum(axis=1) / 2
    log_near -= np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)[:, None]
    log_population = -(z**2).sum(axis=-1) / 2
    log_mixture = np.logaddexp(log_near + np.log(NEAR), log_population + np.log(DEFENSIVE))
    return z, log_mixture - np.log(NEAR + DEFENSIVE) - size * np.log(2 * np.pi) / 2


def _mode(joint: LogDensity, draws: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Climb to each draw's mode by Newton steps; give it with the curvature there."""
    z = np.zeros((draws, 1, size))
    for _ in range(NEWTON_STEPS):
        gradient, curvature = _differences(joint, z)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        z = z + (step * np.minimum(1, LONGEST / np.maximum(length, 1e-12)))[:, None]
    return z, _differences(joint, z)[1]


def _differences(joint: LogDensity, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the gradient, and the negative Hessian made positive definite."""
    size = z.shape[-1]
    moves = STEP * np.eye(size)
    upper = np.triu_indices(size, 1)
    both = moves[upper[0]] + moves[upper[1]]
    values = joint(z + np.concatenate([np.zeros((1, size)), moves, -moves, both, -both]))
    here, up, down, more, less = np.split(values, np.cumsum([1, size, size, len(both)]), axis=1)
    gradient = (up - down) / (2 * STEP)
    bend = (up + down - 2 * here) / STEP**2
    # f(+i+j) + f(-i-j) - 2 f has the bends of i and of j, and twice the mixed derivative
    mixed = ((more + less - 2 * here) / STEP**2 - bend[:, upper[0]] - bend[:, upper[1]]) / 2
    hessian = np.zeros((len(z), size, size))
    hessian[:, upper[0], upper[1]] = hessian[:, upper[1], upper[0]] = mixed
    hessian[:, range(size), range(size)] = bend
    eigenvalues, vectors = np.linalg.eigh(-hessian)
    bounded = np.maximum(eigenvalues, LEAST_CURVATURE)
    return gradient, (vectors * bounded[:, None, :]) @ np.swapaxes(vectors, 1, 2)


def _log_mean(log_weights: np.ndarray) -> tuple[float, float]:
    """Average weights (draw, point); the draws are independent, and share their points."""
    log_mean = float(logsumexp(log_weights) - np.log(log_weights.size))
    relative = np.exp(log_weights - log_mean)
    of_draw, of_point = relative.mean(axis=1), relative.mean(axis=0)
    variance = of_draw.var(ddof=1) / of_draw.size + of_point.var(ddof=1) / of_point.size
    return log_mean, float(np.sqrt(variance))
