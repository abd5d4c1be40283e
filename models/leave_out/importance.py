"""Importance sampling around a density's mode, for many draws at once.

Points come from a mixture of normal distributions; one of them wide enough that no weight is
large where the others do not reach (a defensive mixture: Hesterberg 1995, Technometrics 37(2)).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm, qmc

WIDER = 1.2  # sd of the points around a mode, in units of the density's
NEWTON_STEPS, LONGEST = 5, 2.0  # of the search for the mode
LEAST_CURVATURE = 0.3  # of the density; that of the population alone is 1
STEP = 1e-3  # of differences

# z (draw, point, effect) to the log density (draw, point) and its derivatives, of z's shape
WithGradient = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Component:
    """A normal distribution that points come from.

    Attributes
    ----------
    center : numpy.ndarray
        Shape (draw, effect).
    root : numpy.ndarray
        Its points are center + root u for standard normal u; lower triangular, shape
        (draw, effect, effect).
    standard : numpy.ndarray
        The points u, shape (draw, point, effect).
    """

    center: np.ndarray
    root: np.ndarray
    standard: np.ndarray


def standard_points(rng: np.random.Generator, draws: int, points: int, size: int) -> np.ndarray:
    """Give standard normal points, shape (draw, point, effect).

    They are Sobol's, shifted at random in each draw: what they are off is independent from draw to
    draw, and the spread over draws holds it already.
    """
    shifted = (qmc.Sobol(size, rng=rng).random(points) + rng.random((draws, 1, size))) % 1
    values: np.ndarray = norm.ppf(np.clip(shifted, 1e-12, 1 - 1e-12))
    return values


def points_of(components: Sequence[Component]) -> tuple[np.ndarray, np.ndarray]:
    """Give the points of a mixture, with the log of the density that they come from.

    Returns
    -------
    z : numpy.ndarray
        Shape (draw, point, effect), those of the first component first.
    log_density : numpy.ndarray
        Shape (draw, point).
    """
    z = np.concatenate(
        [
            component.center[:, None] + component.standard @ np.swapaxes(component.root, 1, 2)
            for component in components
        ],
        axis=1,
    )
    log_densities = []
    for component in components:
        standard = np.linalg.solve(component.root, np.swapaxes(z - component.center[:, None], 1, 2))
        log_scale = np.log(np.diagonal(component.root, axis1=1, axis2=2)).sum(axis=1)[:, None]
        log_normal = -(standard**2).sum(axis=1) / 2 - log_scale
        log_densities.append(log_normal + np.log(component.standard.shape[1]))
    log_mixture: np.ndarray = logsumexp(np.stack(log_densities), axis=0)
    size = z.shape[-1] * np.log(2 * np.pi) / 2
    return z, log_mixture - np.log(z.shape[1]) - size


def mode_and_root(density: WithGradient, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Climb to each draw's mode by Newton steps, and measure the density's width there.

    Parameters
    ----------
    start : numpy.ndarray
        Where the search begins, shape (draw, effect).

    Returns
    -------
    mode : numpy.ndarray
        Shape (draw, effect).
    root : numpy.ndarray
        Lower triangular factor of the covariance of the points around it: that of a normal
        distribution with the density's curvature, somewhat widened; shape (draw, effect, effect).
    """
    z = start
    for _ in range(NEWTON_STEPS):
        gradient, curvature = _derivatives(density, z)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        z = z + step * np.minimum(1, LONGEST / np.maximum(length, 1e-12))
    curvature = _derivatives(density, z)[1]
    return z, np.linalg.cholesky(np.linalg.inv(curvature)) * WIDER


def _derivatives(density: WithGradient, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the gradient, and the negative Hessian made positive definite."""
    moves = STEP * np.eye(z.shape[-1])
    gradients = density(z[:, None] + np.concatenate([moves, -moves]))[1]
    up, down = np.split(gradients, 2, axis=1)
    hessian = (up - down) / (2 * STEP)
    eigenvalues, vectors = np.linalg.eigh(-(hessian + np.swapaxes(hessian, 1, 2)) / 2)
    bounded = np.maximum(eigenvalues, LEAST_CURVATURE)
    curvature = (vectors * bounded[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    # the mean of the two sides is the gradient here, to the square of the step
    return gradients.mean(axis=1), curvature
