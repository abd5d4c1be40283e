"""A first look at a posterior: a normal approximation, quick to fit, and not a sample.

Independent normal distributions in the sampler's coordinates, which suit it (ARCHITECTURE.md), are
fitted by automatic differentiation variational inference, its Monte Carlo objective at fixed points
(Giordano, Ingram and Broderick 2024, JMLR 25(18)): a plain function, which L-BFGS brings to its
maximum. Dependence is lost: standard deviations come out too small. Pareto k of the weights that
would correct the draws says how far the approximation is from the posterior (Yao, Vehtari, Simpson
and Gelman 2018, ICML).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import xarray as xr
from arviz_stats.base.array import array_stats
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from data.errors import ModelError
from models.inference.flat_model import FlatModel
from models.inference.gate import good_k
from models.inference.samplers.starts import ADVICE
from models.settings import Settings
from models.work.progress import Reporter

HALF = 32  # fixed points, each with its mirror image
STEPS = 2000  # of the search, at the most
START_SD = np.exp(-1.0)
MEMORY = 30  # steps that L-BFGS learns the curvature from
CHECKED = 1000  # draws that Pareto k is taken from
LOST = 1e12  # minus the objective where the density is zero or not a number

Gradient = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class FirstLook:
    """Draws of an approximation.

    Attributes
    ----------
    posterior : xarray.Dataset
        Independent draws of the parameters (chain, draw, ...), in as many chains as are asked for.
    pareto_k : float
        Of the importance weights from the approximation to the posterior.
    """

    posterior: xr.Dataset
    pareto_k: float
    steps: int
    converged: bool

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fit's manifest says of it; it passes no gate."""
        most = good_k(CHECKED)
        far = f", above {most:.2f}: far from it" * (self.pareto_k > most)
        faults = [
            "an approximation by ADVI, not a sample of the posterior",
            f"Pareto k {self.pareto_k:.2f}{far}",
        ]
        if not self.converged:
            faults.append(f"ADVI did not converge in {self.steps} steps")
        return {
            "pareto_k": self.pareto_k,
            "steps": self.steps,
            "faults": json.dumps(faults),
            "remedy": "take means for a first guess and intervals for too narrow, and sample with "
            "METHOD=nuts before you conclude anything",
            "passed": 0,
        }


def first_look(model: FlatModel, settings: Settings, reporter: Reporter) -> FirstLook:
    """Approximate a posterior, and draw from the approximation."""
    reporter.stage("approximating")
    rng = np.random.default_rng(settings.seed)
    with threadpool_limits(1, "blas"):
        mean, sd, steps, converged = fitted(model.gradient, model.middle, rng, reporter)
        z = rng.normal(size=(settings.chains * settings.draws, mean.size))
        k = pareto_k_of(model.gradient, mean, sd, z[:: max(1, len(z) // CHECKED)])
    points = (mean + sd * z).reshape(settings.chains, settings.draws, -1)
    return FirstLook(model.labelled(points), k, steps, converged)


def fitted(
    gradient: Gradient, start: np.ndarray, rng: np.random.Generator, reporter: Reporter
) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """Fit independent normal distributions to a density, their means searched for from a start.

    Gives means and sds (coordinate,), the number of steps, and whether they were enough.
    """
    size, steps = start.size, count(1)
    z = rng.normal(size=(HALF, size))
    z /= np.sqrt((z**2).mean(axis=0))  # with their mirror images, exact for normal coordinates
    z = np.concatenate([z, -z])

    def minus_elbo(at: np.ndarray) -> tuple[float, np.ndarray]:
        mean, log_sd = at[:size], at[size:]
        sd = np.exp(log_sd)
        values, slopes = zip(*(gradient(mean + sd * point) for point in z), strict=True)
        value, slope = np.mean(values), np.array(slopes)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return LOST, np.zeros_like(at)
        by_log_sd = (slope * z).mean(axis=0) * sd + 1  # of the entropy, the sum of log_sd, 1
        return -value - log_sd.sum(), -np.concatenate([slope.mean(axis=0), by_log_sd])

    begin = np.concatenate([start, np.full(size, np.log(START_SD))])
    if minus_elbo(begin)[0] == LOST:
        raise ModelError(f"the approximation found no point to start from; {ADVICE}")
    end = minimize(
        minus_elbo,
        begin,
        jac=True,
        method="L-BFGS-B",
        callback=lambda _: reporter.advance(next(steps), STEPS),
        options={"maxiter": STEPS, "maxfun": 2 * STEPS, "maxcor": MEMORY},
    )
    return end.x[:size], np.exp(end.x[size:]), int(end.nit), bool(end.success)


def pareto_k_of(gradient: Gradient, mean: np.ndarray, sd: np.ndarray, z: np.ndarray) -> float:
    """Tell how far normal distributions are from a density, by standard normal draws of them."""
    log_density = np.array([gradient(point)[0] for point in mean + sd * z])
    if not np.isfinite(log_density).all():
        return np.inf
    log_ratio = log_density + (z**2).sum(axis=1) / 2
    # psislw smooths the ratios of densities whose minus log it is given
    _, k = array_stats.psislw(-log_ratio)  # type: ignore[no-untyped-call]
    return float(k)
