"""Pareto smoothed importance sampling of one unit: Vehtari et al. (2017, 2024)."""

from dataclasses import dataclass

import arviz as az
import numpy as np
from arviz_stats.base.array import array_stats
from scipy.special import logsumexp


@dataclass(frozen=True)
class Reweighted:
    """The density of a unit that is left out, from draws of a fit to all units.

    Attributes
    ----------
    elpd : float
        Natural log of the density.
    influence : numpy.ndarray
        What each draw adds to the error of ``elpd``, by the delta method; shape (chain, draw).
        The root of the sum of its squares is the Monte Carlo standard error; of a sum over units
        it is that of the sum of their influences, for the units share the draws.
    weights : numpy.ndarray
        The draws' weights, which add up to one; shape (chain, draw).
    """

    elpd: float
    influence: np.ndarray
    pareto_k: float
    weights: np.ndarray


def reweighted(log_densities: np.ndarray) -> Reweighted:
    """Leave a unit out by weighing each draw with the inverse of the unit's density in it.

    Parameters
    ----------
    log_densities : numpy.ndarray
        Natural logs, shape (chain, draw).
    """
    flat = log_densities.ravel()
    inverse = np.exp(log_densities.min() - log_densities)
    efficiency = 1.0
    if np.ptp(inverse):
        efficiency = min(1.0, float(az.ess(inverse, method="mean")) / flat.size)
    try:
        log_weights, k = array_stats.psislw(flat, r_eff=efficiency)  # type: ignore[no-untyped-call]
    except ValueError:  # the largest weights are all the same: there is no tail to smooth
        log_weights, k = -flat, 0.0
    log_weights = log_weights - logsumexp(log_weights)
    elpd = float(logsumexp(log_weights + flat))
    weights = np.exp(log_weights)
    influence = -weights * np.expm1(flat - elpd) / np.sqrt(efficiency)
    shape = log_densities.shape
    return Reweighted(elpd, influence.reshape(shape), float(k), weights.reshape(shape))
