"""Pareto smoothed importance sampling of one unit: Vehtari et al. (2017, 2024)."""

from dataclasses import dataclass

import arviz as az
import numpy as np
from arviz_stats.base.array import array_stats
from scipy.special import logsumexp

from models.inference.gate import good_k

ROUNDING = 1e-10  # log densities that differ by less are one


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
    effective : float
        How many independent draws of equal weight are worth as much.
    """

    elpd: float
    influence: np.ndarray
    pareto_k: float
    weights: np.ndarray
    effective: float


def largest_k(unit: str, draws: int) -> float:
    """Give the Pareto k up to which importance sampling reaches a unit.

    Notes
    -----
    Of a dyad or a pair it is `models.inference.gate.good_k`. The log density of a city's counts has
    a standard deviation of 1 to 2 over draws, and few cities make up the sum. There it is 0.5, up
    to which the weights' variance is finite, so that a central limit theorem holds for their mean
    and its error can be trusted (Vehtari, Gelman and Gabry 2017, section 2.1).
    """
    return min(good_k(draws), 0.5) if unit == "city" else good_k(draws)


def reweighted(log_densities: np.ndarray) -> Reweighted:
    """Leave a unit out by weighing each draw with the inverse of the unit's density in it.

    Parameters
    ----------
    log_densities : numpy.ndarray
        Natural logs, shape (chain, draw).
    """
    flat = log_densities.ravel()
    efficiency = 1.0
    if not _is_constant(flat):
        inverse = np.exp(flat.min() - log_densities)
        efficiency = min(1.0, float(az.ess(inverse, method="mean")) / flat.size)
    log_weights, k = smoothed(flat, efficiency)
    elpd = float(logsumexp(log_weights + flat))
    weights = np.exp(log_weights)
    influence = -weights * np.expm1(flat - elpd) / np.sqrt(efficiency)
    shape = log_densities.shape
    effective = efficiency / float((weights**2).sum())
    return Reweighted(elpd, influence.reshape(shape), k, weights.reshape(shape), effective)


def smoothed(log_densities: np.ndarray, efficiency: float) -> tuple[np.ndarray, float]:
    """Smooth the tail of the weights that leave a unit out.

    Parameters
    ----------
    log_densities : numpy.ndarray
        Natural logs, shape (draw,).
    efficiency : float
        Effective draws, relative to draws.

    Returns
    -------
    log_weights : numpy.ndarray
        Natural logs of weights that add up to one, shape (draw,).
    k : float
        Pareto k: 0 where all draws give the unit one density, inf where the tail cannot be fitted
        (fewer than 25 draws, or hardly any of the largest weights differ); the weights are then as
        they are.
    """
    if _is_constant(log_densities):
        log_weights, k = np.zeros(log_densities.size), 0.0
    else:
        try:
            log_weights, k = array_stats.psislw(log_densities, r_eff=efficiency)  # type: ignore[no-untyped-call]
        except (ValueError, IndexError):  # the largest weights are the same, or too few
            log_weights, k = -log_densities, np.nan
    return log_weights - logsumexp(log_weights), float(np.nan_to_num(k, nan=np.inf))


def _is_constant(log_densities: np.ndarray) -> bool:
    return bool(np.ptp(log_densities) < ROUNDING)
