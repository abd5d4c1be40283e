"""Amounts left out of a normal model with positions, those of the unit's cities integrated out too.

Given coefficients, sds and the positions of all other cities, the other amounts inform all city
effects and the positions of the unit's two cities by a linear model with normal errors: these are
jointly normal, exactly. The unit's own amounts have products of both cities' positions. Given those
of the first city they are normal again, so that what is left is a mean over as many dimensions as
the first city has positions, taken over points in two halves as in `models.leave_out.integrated`.
A city that is left out meets positions of others alone, and has no products: its density is exact.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from data.roles import sides_of
from models.effects.population import position_root
from models.leave_out.gaussian import PART, Amounts, amounts_of
from models.leave_out.importance import standard_points
from models.leave_out.own_effects import loadings_of
from models.leave_out.unit_in_fit import Product, cities_of, entered_by, products_of
from models.likelihood.amounts import HALF_LOG_2PI
from models.name import ModelName

POINTS = 64  # a half's, of the first city's positions


@dataclass(frozen=True)
class Placed:
    """Positions of one city, in units of their population's factor.

    Attributes
    ----------
    rows : numpy.ndarray of int
        The dyads whose other city's position they meet, (entered,).
    loading : numpy.ndarray
        How they enter these, (draw, entered, position).
    root : numpy.ndarray
        Lower triangular: positions are root times standard normal values, (draw, position,
        position).
    """

    rows: np.ndarray
    loading: np.ndarray
    root: np.ndarray


@dataclass(frozen=True)
class AmountsWithPositions:
    """A unit's amounts in each draw: plain arrays, which travel to other processes.

    Attributes
    ----------
    amounts : Amounts
        With the positions of the unit's cities at zero.
    rows : numpy.ndarray of int
        The unit's dyads.
    cities : tuple of Placed
        The city that is left out, or both cities of the dyad or the pair.
    products : tuple of Product
        What positions of both add to the unit's dyads; none where a city is left out.
    """

    amounts: Amounts
    rows: np.ndarray
    cities: tuple[Placed, ...]
    products: tuple[Product, ...]


def with_positions(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, unit: str, label: str, rows: np.ndarray
) -> AmountsWithPositions:
    """Put together what each draw (draw, ...) knows of a unit, a dyad, a pair or a city."""
    ends = {side: dyads[side].to_numpy() for side in sides_of(dyads.coords)}
    is_city = unit == "city"
    seen = {label: list(name.roles)} if is_city else cities_of(ends, name, unit, rows)
    cities, bare = [], draws
    for city, roles in seen.items():
        left_out = rows[:0] if is_city else rows  # of a city's own dyads they enter all
        entered = entered_by(ends, city, roles, left_out)
        root = position_root(draws, PART)
        root = np.kron(np.eye(len(roles)), root)
        loading = loadings_of(draws, ends, name, city, roles, entered)[PART]
        cities.append(Placed(entered, np.swapaxes(loading, 1, 2) @ root, root))
        placed = [role.position for role in roles]
        bare = bare.assign({of: bare[of].where(bare["city"] != city, 0.0) for of in placed})
    products = (
        () if is_city else tuple(products_of(draws, name, ends, seen, rows, after_effects=False))
    )
    return AmountsWithPositions(amounts_of(bare, dyads, name), rows, tuple(cities), products)


def densities_with_positions(unit: AmountsWithPositions, rng: np.random.Generator) -> np.ndarray:
    """Compute the log-density of a unit's amounts in each draw, given all other amounts.

    Returns
    -------
    numpy.ndarray
        Natural logs, shape (3, draw): from all points, and from each half of them.
    """
    draws = len(unit.amounts.error)
    size = unit.cities[0].root.shape[-1] if unit.products else 0
    points = [
        standard_points(rng, draws, POINTS, size) if size else np.zeros((draws, 1, 0))
        for _ in range(2)
    ]
    found = np.empty((3, draws))
    with threadpool_limits(1, "blas"):
        for draw in range(draws):
            informed = _informed(unit, draw)
            one, other = (_mean_over_points(unit, informed, draw, half[draw]) for half in points)
            found[:, draw] = np.logaddexp(one, other) - np.log(2), one, other
    return found


@dataclass(frozen=True)
class _Informed:
    """City effects and positions, as standard values, given the amounts beside the unit's.

    Attributes
    ----------
    mean, covariance : numpy.ndarray
        Of all: effects first, then positions of the first city, of the second.
    enters : numpy.ndarray
        How they enter the unit's amounts but for products, (left-out dyad, value).
    error : numpy.ndarray
        The unit's amounts less what is known, (left-out dyad,).
    noise : numpy.ndarray
        Covariance of their residuals, (left-out dyad, left-out dyad).
    effects : int
        How many city effects there are.
    """

    mean: np.ndarray
    covariance: np.ndarray
    enters: np.ndarray
    error: np.ndarray
    noise: np.ndarray
    effects: int


def _informed(unit: AmountsWithPositions, draw: int) -> _Informed:
    amounts, rows = unit.amounts, unit.rows
    error, variance = amounts.error[draw], amounts.residual_sd[draw] ** 2
    rho, other = amounts.correlation[draw], amounts.other
    enters = _design(unit, draw)
    left_out = np.isin(np.arange(len(error)), rows)
    kept = ~left_out
    paired = kept & (other >= 0) & kept[other]
    # the inverse of the residuals' covariance, of the amounts that are kept
    own = np.where(kept, np.where(paired, 1 / (1 - rho**2), 1.0), 0.0) / variance
    cross = np.where(paired, -rho / (1 - rho**2), 0.0) / variance
    weighted = own[:, None] * enters + cross[:, None] * enters[other]
    covariance = np.linalg.inv(np.eye(enters.shape[1]) + enters.T @ weighted)
    mean = covariance @ (weighted.T @ error)
    own_enters, own_error = enters[rows], error[rows]
    noise = variance * np.eye(len(rows))
    for k, row in enumerate(rows):
        partner = other[row]
        if partner < 0:
            continue
        if left_out[partner]:
            noise[k, np.flatnonzero(rows == partner)] = rho * variance
        else:  # the other direction's residual tells of this one
            own_enters[k] -= rho * enters[partner]
            own_error[k] -= rho * error[partner]
            noise[k, k] *= 1 - rho**2
    effects = amounts.cities * amounts.weight.shape[-1]
    return _Informed(mean, covariance, own_enters, own_error, noise, effects)


def _design(unit: AmountsWithPositions, draw: int) -> np.ndarray:
    """Give how effects of all cities and positions of the unit's enter every dyad."""
    amounts = unit.amounts
    dyads, effects = amounts.weight.shape[0], amounts.weight.shape[-1]
    found = np.zeros((dyads, amounts.cities, effects))
    uses = amounts.weight @ amounts.factor[draw]
    for end, cities in enumerate(amounts.city.T):
        found[np.arange(dyads), cities] += uses[:, end]
    columns = [found.reshape(dyads, -1)]
    for city in unit.cities:
        placed = np.zeros((dyads, city.root.shape[-1]))
        placed[city.rows] = city.loading[draw]
        columns.append(placed)
    return np.concatenate(columns, axis=1)


def _mean_over_points(
    unit: AmountsWithPositions, informed: _Informed, draw: int, standard: np.ndarray
) -> float:
    """Average the density over points of the first city's positions; its natural log."""
    first = slice(informed.effects, informed.effects + standard.shape[1])
    others = np.delete(np.arange(len(informed.mean)), first)
    mean, covariance = informed.mean, informed.covariance
    points = standard @ np.linalg.cholesky(covariance[first, first]).T
    gain = np.linalg.solve(covariance[first, first], covariance[first][:, others]).T
    left = covariance[np.ix_(others, others)] - gain @ covariance[first][:, others]
    means = mean[others] + points @ gain.T
    enters = np.repeat(informed.enters[None][..., others], len(points), axis=0)
    for product in unit.products:
        ours, theirs = (city.root[draw] for city in unit.cities)
        loading = (mean[first] + points) @ ours[product.first].T
        if product.sign is not None:
            loading = loading @ product.sign[draw]
        enters[:, product.row, informed.effects :] += loading @ theirs[product.second]
    spread = enters @ left @ np.swapaxes(enters, 1, 2) + informed.noise
    factor = np.linalg.cholesky(spread)
    away = informed.error - np.einsum("puv,pv->pu", enters, means)
    away = np.linalg.solve(factor, away[..., None])[..., 0]
    log_root = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    logs = -(away**2).sum(axis=1) / 2 - log_root - away.shape[1] * HALF_LOG_2PI
    return float(logsumexp(logs) - np.log(len(points)))
