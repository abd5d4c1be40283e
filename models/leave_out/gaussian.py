"""Amounts left out of a normal model, all its effects of cities integrated out exactly.

Given coefficients, standard deviations and correlations, the amounts y are jointly normal: mean
X b, covariance V = R + Z S Z'. R is that of the residuals, whose two directions of a pair may
correlate; Z tells which effects enter a dyad, city effects and random slopes, and S is their
covariance. With Q the inverse of V and e = y - X b, the amounts of a unit u given all others are
normal with the precision Q_uu, and differ from their mean by the inverse of Q_uu times (Q e)_u
(Bürkner, Gabry and Vehtari 2021, Computational Statistics 36(2)). Q follows from matrices as large
as the number of effects:

    Q = A - A Z (S^-1 + Z' A Z)^-1 Z' A,   A = R^-1.

So importance sampling is over what all dyads inform, and its weights hardly vary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from data.roles import Part, sides_of
from models.effects.population import population_covariance
from models.likelihood.amounts import HALF_LOG_2PI, other_direction
from models.name import ModelName
from models.predictor.linear import city_position, linear_predictor

PART = Part.DEGREE
FEW = 2  # dyads of a unit, up to which only the effects that enter them are looked at


def has_exact_densities(name: ModelName) -> bool:
    """Tell whether a model's units are left out exactly, given what all dyads inform."""
    return name.family.kind == "amounts" and bool(name.roles or name.has_correlated_residuals)


@dataclass(frozen=True)
class Amounts:
    """Amounts in each draw: plain arrays, which travel to other processes.

    Attributes
    ----------
    error : numpy.ndarray
        Amounts less their means without effects, shape (draw, dyad).
    residual_sd, correlation : numpy.ndarray
        Shape (draw,).
    other : numpy.ndarray of int
        Position of each dyad's other direction, -1 where there is none; (dyad,).
    city : numpy.ndarray of int
        Positions of each dyad's two cities, (dyad, 2).
    weight : numpy.ndarray
        With what weight each effect of these two enters the dyad, (dyad, 2, effect).
    factor : numpy.ndarray
        Lower triangular factor of the covariance of a city's effects, (draw, effect, effect).
    cities : int
        How many cities there are.
    """

    error: np.ndarray
    residual_sd: np.ndarray
    correlation: np.ndarray
    other: np.ndarray
    city: np.ndarray
    weight: np.ndarray
    factor: np.ndarray
    cities: int

    @property
    def columns(self) -> np.ndarray:
        """Which effects of all cities enter each dyad, (dyad, entering)."""
        effects = self.weight.shape[-1]
        at = self.city[:, :, None] * effects + np.arange(effects)
        return np.asarray(at.reshape(len(at), -1))


def amounts_of(draws: xr.Dataset, dyads: xr.Dataset, name: ModelName) -> Amounts:
    """Put together what each draw (draw, ...) knows, but for effects of cities."""
    slopes = [role for role in name.roles if role.slope in draws]
    bare = draws.drop_vars([*(r.effect for r in name.roles), *(r.slope for r in slopes)])
    expected = linear_predictor(bare, dyads, PART).to_numpy()
    number, dyad = draws.sizes["draw"], dyads.sizes["dyad"]
    sides = sides_of(dyads.coords)
    entering = [(role.ends, np.ones(dyad)) for role in name.roles]
    factors = [np.linalg.cholesky(population_covariance(draws, name))] if name.roles else []
    design = dyads[PART.design] - dyads[PART.design].mean("dyad")
    for role in slopes:
        sds = draws[role.slope_sd].to_numpy()
        factors.append(np.eye(sds.shape[1]) * sds[:, None, :])
        terms = draws[role.slope_term].to_numpy()
        entering += [(role.ends, design.sel({PART.term: term}).to_numpy()) for term in terms]
    factor = np.zeros((number, len(entering), len(entering)))
    first = 0
    for one in factors:
        last = first + one.shape[-1]
        factor[:, first:last, first:last] = one
        first = last
    weight = np.zeros((dyad, len(sides), len(entering)))
    for k, (ends, values) in enumerate(entering):
        for end in ends:
            weight[:, sides.index(end), k] = values
    correlation = np.zeros(number)
    if name.has_correlated_residuals:
        correlation = draws[PART.dyadic_reciprocity].to_numpy()
    return Amounts(
        error=dyads["outcome"].to_numpy() - expected,
        residual_sd=draws[name.family.scale].to_numpy(),
        correlation=correlation,
        other=other_direction(*(dyads[side].to_numpy() for side in sides)),
        city=np.column_stack([city_position(dyads, side) for side in sides]),
        weight=weight,
        factor=factor,
        cities=dyads.sizes["city"],
    )


def exact_log_densities(amounts: Amounts, rows: Mapping[str, np.ndarray]) -> np.ndarray:
    """Compute the log-density of each unit's amounts in each draw, given all other amounts.

    Parameters
    ----------
    rows : mapping of str to numpy.ndarray
        Positions of each unit's dyads.

    Returns
    -------
    numpy.ndarray
        Natural logs, shape (draw, unit).
    """
    groups = _by_size(list(rows.values()))
    found = np.empty((len(amounts.error), len(rows)))
    with threadpool_limits(1, "blas"):
        for draw in range(len(found)):
            _of_draw(amounts, draw, groups, found[draw])
    return found


def halves_alike(amounts: Amounts, rows: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Give a unit's log-densities three times, (3, draw), as `models.leave_out.integrated` does."""
    return np.repeat(exact_log_densities(amounts, {"": rows}).T, 3, axis=0)


def _by_size(units: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Put units of as many dyads into one array: their positions, and their rows."""
    sizes = np.array([len(rows) for rows in units])
    return [
        (of := np.flatnonzero(sizes == size), np.stack([units[int(k)] for k in of]))
        for size in np.unique(sizes)
    ]


def _of_draw(
    amounts: Amounts, draw: int, groups: list[tuple[np.ndarray, np.ndarray]], out: np.ndarray
) -> None:
    other, there = amounts.other, amounts.other >= 0
    variance, rho = amounts.residual_sd[draw] ** 2, amounts.correlation[draw]
    error = amounts.error[draw]
    # A, the inverse of the residuals' covariance: of a dyad with itself, with its other direction
    own = np.where(there, 1 / (1 - rho**2), 1.0) / variance
    cross = np.where(there, -rho / (1 - rho**2), 0.0) / variance
    # effects = factor z with z standard normal: Z becomes Z factor, and S the identity
    uses = amounts.weight @ amounts.factor[draw]
    # the other direction's sender is this one's receiver
    known = own[:, None, None] * uses + cross[:, None, None] * uses[other][:, ::-1]
    columns, entering = amounts.columns, amounts.columns.shape[1]
    size = amounts.cities * uses.shape[-1]
    known = known.reshape(len(error), entering)
    Z, AZ = (
        csr_array(
            (values.ravel(), columns.ravel(), np.arange(0, columns.size + 1, max(entering, 1))),
            shape=(len(error), size),
        )
        if entering
        else csr_array((len(error), size))
        for values in (uses.reshape(len(error), entering), known)
    )
    inner = np.linalg.inv(np.eye(size) + (Z.T @ AZ).toarray())
    Qe = own * error + cross * error[other] - AZ @ (inner @ (AZ.T @ error))
    for of, rows in groups:
        precision = -_quadratic(AZ, known, columns, inner, rows)
        d = np.arange(rows.shape[1])
        precision[:, d, d] += own[rows]
        precision += cross[rows][:, :, None] * (other[rows][:, :, None] == rows[:, None, :])
        factor = np.linalg.cholesky(precision)
        pull = np.linalg.solve(factor, Qe[rows][..., None])[..., 0]
        log_root = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
        out[of] = log_root - (pull**2).sum(axis=1) / 2 - rows.shape[1] * HALF_LOG_2PI


def _quadratic(
    sparse: csr_array, known: np.ndarray, columns: np.ndarray, inner: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Give AZ inner (AZ)' of each unit's rows, shape (unit, row, row)."""
    if rows.shape[1] > FEW:
        dense = [sparse[some].toarray() for some in rows]
        return np.stack([some @ inner @ some.T for some in dense])
    at, values = columns[rows], known[rows]
    between = inner[at[:, :, None, :, None], at[:, None, :, None, :]]
    found: np.ndarray = np.einsum("uak,uabkl,ubl->uab", values, between, values, optimize=True)
    return found
