"""Factors of cities, whose products are multiplicative effects, in coordinates without ridges.

The multiplicative effects of a part are U C V': U and V standard normal values of cities as senders
and as receivers, (city, rank), and C normal, (rank, rank). The singular values of C are the
standard deviations of the products, one a dimension. This is the general model of factors that are
independent over cities and know no direction: with u and v normal with one standard deviation a
dimension, the same matrix comes from U Q, Q' C W and V W for any rotations Q and W. Of undirected
dyads a city has one vector of factors, the effects are U C U', and C is symmetric: normal, with
half the variance off the diagonal, so that here too no rotation changes its density. Its
eigenvalues say what is alike (positive) and what complements (negative).

Such a rotation is a ridge of the posterior, flat all along, that a sampler would have to follow. So
rotations are taken out. City space is turned first, so that its first axes point along the singular
vectors of the pooled model's residuals, for U those of senders, for V those of receivers (a normal
U is normal in any orthonormal axes). There U is turned until its first rows are lower triangular.
Its other values stay standard normal, and the k-th on the diagonal becomes the root of a chi-square
with rank - k + 1 degrees of freedom (Bartlett's decomposition); the last may have either sign. So
the part of U that is known best, its length along the residuals' singular vectors, is a
coordinate, and the others are small where the data say much of the factors.

Products with the mean of the other side's factors cannot be told from city effects, and are moved
with these (`models.effects.city`).
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from data.roles import BOTH, Part, Role, sides_of
from models.effects.centering import Derivatives
from models.effects.reflections import Reflections
from models.likelihood.arrays import Array
from models.name import ModelName
from models.predictor.linear import city_position
from models.predictor.units import Units
from models.priors.prior_set import Priors

SWEEPS = 20  # that take the means of rows and columns off, where dyads are missing


@dataclass(frozen=True)
class Factors:
    """The factors of a part, in the priors' units.

    Attributes
    ----------
    roles : tuple of Role
        Whose they are: senders and receivers, or cities of undirected dyads twice.
    first, second : tensor
        Shape (city, rank), of each dyad's two cities: their product is the multiplicative effect.
    """

    roles: tuple[Role, Role]
    first: Array
    second: Array

    @property
    def sides(self) -> tuple[Array, Array]:
        """The factors of dyads' first cities, or senders, and of their second, or receivers."""
        return self.first, self.second

    @property
    def level(self) -> Array:
        """The product of both means, which the outcomes cannot tell from the intercept."""
        return (self.first.mean(axis=0) * self.second.mean(axis=0)).sum()

    @property
    def beside(self) -> dict[Role, Array]:
        """What outcomes cannot tell from a city's effects: products with the other end's mean."""
        means = self.first.mean(axis=0), self.second.mean(axis=0)
        both = (self.first - means[0]) @ means[1], (self.second - means[1]) @ means[0]
        return dict(zip(self.roles, both, strict=True))

    @property
    def centered(self) -> "Factors":
        """The factors less their means."""
        return Factors(self.roles, *(side - side.mean(axis=0) for side in self.sides))


def city_factors(
    part: Part,
    dyads: xr.Dataset,
    name: ModelName,
    priors: Priors,
    units: Units,
    derivatives: Derivatives,
) -> Factors:
    """Add a part's factors to the model in whose context it is called.

    Parameters
    ----------
    derivatives : tuple of numpy.ndarray
        Of the pooled model in the part's predictor, first and second, (dyad,) each.

    Returns
    -------
    Factors
        The model gains ``<part>_multiplicative`` (dyad), and, in coordinates that know no direction
        and for `models.effects.positions` to turn, ``<role>_factor`` (city, dimension) of each role
        and ``<part>_core`` (dimension, dimension).
    """
    rank, context = name.rank_of(part), pm.modelcontext(None)
    labels = [str(k + 1) for k in range(rank)]
    context.add_coords({part.dimension: labels, part.other_dimension: labels})
    roles = [role for role in name.roles if role.part == part]
    vectors, values = residual_directions(dyads, derivatives, rank)
    found = [_standard(role, along) for role, along in zip(roles, vectors, strict=False)]
    core = _core(part, priors.prior(part.factor_sd).sigma, values / dyads.sizes["city"], len(roles))
    for role, factor in zip(roles, found, strict=True):
        pm.Deterministic(role.factor, factor, dims=("city", part.dimension))
    pm.Deterministic(part.core, units.scaled(core), dims=(part.dimension, part.other_dimension))
    factors = Factors((roles[0], roles[-1]), found[0] @ core, found[-1])
    i, j = (city_position(dyads, end) for end in sides_of(dyads.coords))
    products = (factors.first[i] * factors.second[j]).sum(axis=1)
    pm.Deterministic(part.multiplicative, units.scaled(products), dims="dyad")
    return factors


def _core(part: Part, sigma: float, begin: np.ndarray, roles: int) -> Array:
    """Add the matrix between factors, symmetric where cities have one role, (rank, rank)."""
    own, rank = f"_{part.core}", len(begin)
    if roles > 1:
        return pm.Normal(own, 0, sigma, shape=(rank, rank), initval=np.diag(begin))
    row, column = np.tril_indices(rank)
    sds = np.where(row == column, sigma, sigma / np.sqrt(2))
    lower = pm.Normal(own, 0, sds, initval=np.diag(begin)[row, column])
    place = np.zeros((rank, rank), dtype=int)
    place[row, column] = place[column, row] = np.arange(row.size)
    return lower[place]


def _standard(role: Role, along: np.ndarray) -> Array:
    """Add a role's standard normal factors, (city, rank), without the rotation.

    Parameters
    ----------
    along : numpy.ndarray
        Orthonormal directions of city space, (city, rank), that lengths are taken along.
    """
    cities, rank = along.shape
    turned = Reflections.onto(along)
    others = pm.Normal(
        role.own("factor_others"), 0, 1, shape=(cities - rank, rank), initval="prior"
    )
    rows = []
    for k in range(rank):
        own = role.own(f"factor_{k}")
        if k == rank - 1:
            length = pm.Normal(own, 0, 1, initval=np.sqrt(cities))
        else:
            length = pt.sqrt(pm.ChiSquared(own, rank - k, initval=cities))
        before = [pm.Normal(role.own(f"factor_{k}_{m}"), 0, 1) for m in range(k)]
        rows.append(pt.stack([*before, length, *[pt.zeros(())] * (rank - k - 1)]))
    # an axis may be turned into the direction, or against it
    signs = np.sign(np.diagonal(turned.upper))
    values = pt.concatenate([pt.stack(rows) * signs[:, None], others])
    return values - turned.vectors @ (turned.triangle @ (turned.vectors.T @ values))


def residual_directions(
    dyads: xr.Dataset, derivatives: Derivatives, rank: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Find the largest singular vectors of what the pooled model leaves unexplained.

    Parameters
    ----------
    derivatives : tuple of numpy.ndarray
        Of the dyads' log-probability in the predictor, first and second, (dyad,) each.

    Returns
    -------
    vectors : list of numpy.ndarray
        Shape (city, rank): of senders and of receivers, or of cities in either place.
    values : numpy.ndarray
        Shape (rank,): singular values, or eigenvalues, the largest in size.

    Notes
    -----
    Of the matrix of working residuals, a dyad's score over its information, shrunk where it has
    little, less the means of rows and columns.
    """
    first, second = derivatives
    information = np.maximum(-second, 0)
    cities, ends = dyads.sizes["city"], sides_of(dyads.coords)
    i, j = (city_position(dyads, end) for end in ends)
    residual, there = np.zeros((2, cities, cities))
    # TINY for outcomes that say nothing at all
    shrunk = 2 * first / (information + information.mean() + np.finfo(float).tiny)
    np.add.at(there, (i, j), 1)
    np.add.at(residual, (i, j), shrunk)
    residual = residual / np.maximum(there, 1)  # of a panel, the mean over periods
    there = np.minimum(there, 1)
    if ends == BOTH:
        residual, there = residual + residual.T, there + there.T
    for _ in range(SWEEPS):
        for axis in (0, 1):
            count = np.maximum(there.sum(axis=axis, keepdims=True), 1)
            residual = there * (residual - residual.sum(axis=axis, keepdims=True) / count)
    if ends == BOTH:
        values, vectors = np.linalg.eigh((residual + residual.T) / 2)
        largest = np.argsort(-abs(values))[:rank]
        return [vectors[:, largest]] * 2, values[largest]
    senders, values, receivers = np.linalg.svd(residual)
    return [senders[:, :rank], receivers[:rank].T], values[:rank]
