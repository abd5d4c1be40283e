"""A unit left out of a fit, the effects of its own cities integrated out.

With y_u the unit's counts, e its own effects (`models.leave_out.own_effects`) and theta everything
else,

    1 / p(y_u | y_-u) = E[1 / p(y_u | theta, y_-u)]   over theta of the posterior,
    p(y_u | theta, y_-u) = integral of p(y_u | e, theta) p(e | theta, y_-u) over e,

which is importance sampling whose weights vary less from draw to draw than 1 / p(y_u | e, theta),
since a unit says more about its own cities' effects than about anything else (integrated
importance sampling: Li, Qiu, Zhang and Feng 2016, Statistics and Computing 26(4); Vehtari et al.
2016, JMLR 17(103); Merkle, Furr and Rabe-Hesketh 2019, Psychometrika 84(3)).

The inner integral is importance sampling too. Of a dyad or a pair its points lie around the mode of
each city's effects, around their values in the draw, in which the left-out counts had their part,
and over their population. Of a city no other count has the effects, and e given theta follows its
population (`models.leave_out.new_city`). Points come in two halves, which say how large their
errors are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from models.compiled.log_prob_of_draws import log_prob_sums
from models.inference.gate import ENOUGH
from models.leave_out.city_density import CityDensity
from models.leave_out.importance import Component, mode_and_root, points_of, standard_points
from models.leave_out.psis import largest_k, reweighted
from models.leave_out.unit_in_fit import Informed, UnitInFit
from models.name import ModelName
from models.settings import seed_of

DRAWS = 1000  # posterior draws that are used, evenly spaced
NEAR, DRAWN, WIDE = 64, 16, 16  # a half's points: around the mode, the draw, the population
PARTNERS = 16  # points of the second city that each point of the first meets
AT_ONCE = 100  # draws whose meeting points are held at once
LARGEST_ERROR = 0.2  # of a draw's density, relative; the elpd is then biased by 0.04 at most


@dataclass(frozen=True)
class Points:
    """Points of a city's effects in each draw.

    Attributes
    ----------
    effects : numpy.ndarray
        Shape (draw, point, effect).
    log_weight : numpy.ndarray
        Shape (draw, point).
    """

    effects: np.ndarray
    log_weight: np.ndarray


def integrate(
    densities_by: Callable[[np.random.Generator], np.ndarray],
    unit: str,
    label: str,
    chains: int,
    digest: str,
    seed: int,
) -> xr.Dataset:
    """Leave a unit out of a fit, its own effects integrated out.

    Parameters
    ----------
    densities_by : callable
        Gives what `log_densities` does: the log-probability of the unit's counts in each draw.

    Returns
    -------
    xarray.Dataset
        Scalars: ``elpd``, the natural log of the joint predictive probability of the unit's
        counts; ``error``, its Monte Carlo standard error; ``pareto_k`` of the weights, and how many
        draws are ``effective``; ``points``, the relative standard error of a draw's inner integral
        (root mean square); ``passed``, 0 where Pareto k is above the threshold, fewer than 50 draws
        are effective, or ``points`` is above 0.2; ``bias``, what was taken off; ``influence``
        (draw) of the draws on ``elpd``, as in `models.leave_out.psis.Reweighted`. Attributes
        ``digest``, ``unit``, ``label``.

    Notes
    -----
    An error of the inner integrals makes the mean of their inverses too large, by about their
    relative variance. Each half has twice the variance of both: what they show is taken off, and
    added to the error.
    """
    rng = np.random.default_rng(seed_of(seed, label))
    with threadpool_limits(1, "blas"):
        both, *halves = densities_by(rng)
    found, *of_halves = (reweighted(densities.reshape(chains, -1)) for densities in (both, *halves))
    bias = found.elpd - np.mean([half.elpd for half in of_halves])
    squares = ((halves[0] - halves[1]) / 2) ** 2
    points = float(np.sqrt((found.weights.ravel() * squares).sum()))
    reached = (
        found.pareto_k <= largest_k(unit, both.size)
        and found.effective >= ENOUGH
        and points <= LARGEST_ERROR
    )
    return xr.Dataset(
        {
            "elpd": found.elpd + bias,
            "error": float(np.hypot(np.linalg.norm(found.influence), bias)),
            "pareto_k": found.pareto_k,
            "effective": found.effective,
            "points": points,
            "passed": int(reached),
            "bias": bias,
            "influence": ("draw", found.influence.ravel()),
        },
        attrs={"digest": digest, "unit": unit, "label": label},
    )


def log_densities(unit: UnitInFit, rng: np.random.Generator) -> np.ndarray:
    """Compute the log-probability of a unit's counts in each draw, given all other counts.

    Returns
    -------
    numpy.ndarray
        Natural logs, shape (3, draw): from all points, and from each half of them.
    """
    name = unit.name
    cities = [_points(city, name, unit.scale, rng) for city in unit.cities]
    sums = [_sums(unit, name, *pair) for pair in zip(*cities, strict=True)]
    both = np.logaddexp(*sums)
    return np.stack([above - below for above, below in (both, *sums)])


def _points(
    informed: Informed, name: ModelName, scale: np.ndarray | None, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Choose each draw's points of one city's effects, in two halves."""
    own = informed.own
    draws, size = own.mean.shape
    if not size:  # the unit has no effect of this city
        nothing = np.zeros((draws, NEAR + DRAWN + WIDE, 0))
        return (Points(nothing, nothing.sum(axis=-1)),) * 2
    density = CityDensity(
        name.family, informed.observed, informed.base, informed.uses, scale, own.mean, own.factor
    )
    drawn = np.linalg.solve(own.factor, (own.drawn - own.mean)[..., None])[..., 0]
    mode, root = mode_and_root(density.value_and_gradient, drawn)
    population = np.zeros_like(mode), np.broadcast_to(np.eye(size), root.shape)
    first, second = (
        _half(
            density,
            [
                Component(mode, root, standard_points(rng, draws, NEAR, size)),
                Component(drawn, root, standard_points(rng, draws, DRAWN, size)),
                Component(*population, standard_points(rng, draws, WIDE, size)),
            ],
            rng,
        )
        for _ in range(2)
    )
    return first, second


def _half(density: CityDensity, components: list[Component], rng: np.random.Generator) -> Points:
    z, log_proposed = points_of(components)
    # in any order, so that those of two cities meet at random
    order = rng.permuted(np.tile(np.arange(z.shape[1]), (len(z), 1)), axis=1)
    z = np.take_along_axis(z, order[..., None], axis=1)
    log_proposed = np.take_along_axis(log_proposed, order, axis=1)
    return Points(density.effects(z), density.value(z) - log_proposed)


def _sums(unit: UnitInFit, name: ModelName, first: Points, second: Points) -> np.ndarray:
    """Sum weights times densities, and weights, over points that meet; logs, shape (2, draw)."""
    draws, number = first.log_weight.shape
    met = (np.arange(number)[:, None] + np.arange(PARTNERS)) % number
    sums = np.empty((2, draws))
    for start in range(0, draws, AT_ONCE):
        some = slice(start, start + AT_ONCE)
        weight = first.log_weight[some, :, None] + second.log_weight[some][:, met]
        ours, theirs = first.effects[some, :, None], second.effects[some][:, met]
        added = [each.of(ours, theirs, some)[..., None] for each in unit.products]
        ours = np.broadcast_to(ours, (*weight.shape, ours.shape[-1]))
        log_prob, _ = log_prob_sums(
            name.family,
            unit.observed,
            {part: base[some] for part, base in unit.base.items()},
            unit.enters,
            None if unit.scale is None else unit.scale[some],
            np.concatenate([ours, theirs, *added], axis=-1).reshape(len(weight), met.size, -1),
        )
        weight = weight.reshape(len(weight), met.size)
        sums[0, some] = logsumexp(log_prob + weight, axis=1)
        sums[1, some] = logsumexp(weight, axis=1)
    return sums
