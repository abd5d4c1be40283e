"""Effects that are a left-out unit's own, in each draw of a fit.

What the counts of a unit inform first are effects of its two cities: for a dyad the sender's as a
sender and the receiver's as a receiver, for a pair all effects of both; and the unit's pair
effects, where the model has them. No other count has these pair effects: given the rest of a
posterior draw they follow their population, of a single dyad given the pair effect of the other
direction. Where the model has positions, a city's own are those in the same roles. Other effects of
these cities and random slopes are those of the draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import xarray as xr

from data.roles import Part, Role
from models.effects.population import population_covariance, position_root
from models.name import ModelName
from models.predictor.linear import facing

Ends = Mapping[str, np.ndarray]  # the sender and the receiver of each dyad of the study


@dataclass(frozen=True)
class OwnEffects:
    """Effects whose population is normal: mean + factor z, with z standard normal.

    Attributes
    ----------
    mean, factor : numpy.ndarray
        Shapes (draw, effect) and, lower triangular, (draw, effect, effect).
    drawn : numpy.ndarray
        The effects in each draw, shape (draw, effect).
    enters : dict of str to numpy.ndarray
        For each part how each effect enters the left-out dyads, shape (effect, left-out dyad);
        zeros for positions, which enter as products.
    """

    mean: np.ndarray
    factor: np.ndarray
    drawn: np.ndarray
    enters: dict[str, np.ndarray]

    def beside(self, other: "OwnEffects") -> "OwnEffects":
        """Join effects with others that are independent of them."""
        size, more = self.mean.shape[1], other.mean.shape[1]
        factor = np.zeros((len(self.mean), size + more, size + more))
        factor[:, :size, :size], factor[:, size:, size:] = self.factor, other.factor
        return OwnEffects(
            np.concatenate([self.mean, other.mean], axis=1),
            factor,
            np.concatenate([self.drawn, other.drawn], axis=1),
            {part: np.concatenate([use, other.enters[part]]) for part, use in self.enters.items()},
        )


def effects_of(
    draws: xr.Dataset,
    ends: Ends,
    name: ModelName,
    city: str,
    roles: Sequence[Role],
    left_out: np.ndarray,
    others: np.ndarray,
) -> tuple[OwnEffects, dict[str, np.ndarray]]:
    """Take a city's effects and positions in some roles, given its effects in the others.

    Parameters
    ----------
    draws : xarray.Dataset
        Posterior draws (draw, ...).
    roles : sequence of Role
        The roles; there may be none.
    left_out, others : numpy.ndarray of int
        Dyads: those that are left out, and others that they enter.

    Returns
    -------
    own : OwnEffects
        The effects, then positions.
    uses : dict of str to numpy.ndarray
        For each part how they enter the others, shape (effect, dyad); with positions, which enter
        by those of the other cities, (draw, effect, dyad).
    """
    own = _city_effects_of(draws, name, city, roles, _uses_of(ends, name, city, roles, left_out))
    uses = _uses_of(ends, name, city, roles, others)
    positions = _positions_of(draws, name, city, roles, len(left_out))
    if positions is None:
        return own, uses
    loadings = loadings_of(draws, ends, name, city, roles, others)
    of_draws = {
        part: np.broadcast_to(use, (draws.sizes["draw"], *use.shape)) for part, use in uses.items()
    }
    return own.beside(positions), {
        part: np.concatenate([use, loadings[part]], axis=1) for part, use in of_draws.items()
    }


def own_variables(roles: Sequence[Role], name: ModelName) -> list[str]:
    """Name what draws have of roles: effects, and positions."""
    placed = [role.position for role in roles if name.rank_of(role.part)]
    return [*(role.effect for role in roles), *placed]


def _city_effects_of(
    draws: xr.Dataset,
    name: ModelName,
    city: str,
    roles: Sequence[Role],
    enters: dict[str, np.ndarray],
) -> OwnEffects:
    """Take a city's effects in some roles, given its effects in the others."""
    fixed = [role for role in name.roles if role not in roles]
    order = [name.roles.index(role) for role in [*fixed, *roles]]
    factor = np.linalg.cholesky(population_covariance(draws, name)[:, order][:, :, order])
    k = len(fixed)
    # with the others first, their standard values are known, and those of the roles are free
    known = np.linalg.solve(factor[:, :k, :k], _drawn(draws, city, fixed)[..., None])
    mean = (factor[:, k:, :k] @ known)[..., 0]
    return OwnEffects(mean, factor[:, k:, k:], _drawn(draws, city, roles), enters)


def _positions_of(
    draws: xr.Dataset, name: ModelName, city: str, roles: Sequence[Role], left_out: int
) -> OwnEffects | None:
    """Take a city's positions in some roles, one role after the other; None without any."""
    found = []
    for role in roles:
        rank = name.rank_of(role.part)
        if not rank:
            continue
        drawn = draws[role.position].sel(city=city).transpose("draw", role.part.dimension)
        enters: dict[str, np.ndarray] = {part: np.zeros((rank, left_out)) for part in name.parts}
        root = position_root(draws, role.part)
        found.append(OwnEffects(np.zeros(drawn.shape), root, drawn.to_numpy(), enters))
    return reduce(OwnEffects.beside, found) if found else None


def loadings_of(
    draws: xr.Dataset,
    ends: Ends,
    name: ModelName,
    city: str,
    roles: Sequence[Role],
    rows: np.ndarray,
) -> dict[str, np.ndarray]:
    """Give what a city's positions are multiplied with: those of the other cities.

    Returns
    -------
    dict of str to numpy.ndarray
        For each part shape (draw, dimension of each role, dyad that is asked for).
    """
    index, number = draws.get_index("city"), draws.sizes["draw"]
    found: dict[str, list[np.ndarray]] = {part: [] for part in name.parts}
    for role in roles:
        rank = name.rank_of(role.part)
        if not rank:
            continue
        sides = tuple(ends)
        others = np.zeros((number, rank, len(rows)))
        positions = facing(draws, role)
        for end, other in zip(sides, reversed(sides), strict=True):
            here = np.flatnonzero((ends[end][rows] == city) & (end in role.ends))
            at = index.get_indexer(ends[other][rows[here]])
            others[:, :, here] = np.swapaxes(positions[:, at], 1, 2)
        for part, of_part in found.items():
            of_part.append(others if part == role.part else np.zeros_like(others))
    nothing = [np.zeros((number, 0, len(rows)))]
    return {part: np.concatenate(of_part or nothing, axis=1) for part, of_part in found.items()}


def pair_effects_of(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, rows: np.ndarray
) -> OwnEffects:
    """Take the pair effects of left-out dyads.

    Parameters
    ----------
    draws : xarray.Dataset
        Posterior draws (draw, ...).
    """
    parts = [
        OwnEffects(
            *_pair_population(draws, dyads, part, rows),
            draws[part.pair.effect].isel(dyad=rows).to_numpy(),
            {other: np.eye(len(rows)) * (other == part) for other in name.parts},
        )
        for part in name.parts
    ]
    return reduce(OwnEffects.beside, parts)


def _uses_of(
    ends: Ends, name: ModelName, city: str, roles: Sequence[Role], rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Tell which dyads a city's effects enter.

    Returns
    -------
    dict of str to numpy.ndarray
        For each part ones and zeros, shape (role, dyad that is asked for).
    """
    uses: dict[str, np.ndarray] = {part: np.zeros((len(roles), len(rows))) for part in name.parts}
    for k, role in enumerate(roles):
        uses[role.part][k] = np.any([ends[end][rows] == city for end in role.ends], axis=0)
    return uses


def _pair_population(
    draws: xr.Dataset, dyads: xr.Dataset, part: Part, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and factor of left-out dyads' pair effects in one part."""
    sd = draws[part.pair.sd].to_numpy()
    rho = draws[part.dyadic_reciprocity].to_numpy()
    pair = dyads["dyad_pair"].to_numpy()
    others = np.setdiff1d(np.flatnonzero(pair == pair[rows[0]]), rows)
    mean, factor = np.zeros((len(sd), len(rows))), np.zeros((len(sd), len(rows), len(rows)))
    factor[:, 0, 0] = sd
    if len(rows) == 2:
        factor[:, 1, 0], factor[:, 1, 1] = sd * rho, sd * np.sqrt(1 - rho**2)
    elif len(others):
        mean[:, 0] = rho * draws[part.pair.effect].isel(dyad=others[0]).to_numpy()
        factor[:, 0, 0] = sd * np.sqrt(1 - rho**2)
    return mean, factor


def _drawn(draws: xr.Dataset, city: str, roles: Sequence[Role]) -> np.ndarray:
    """Put a city's effects in some roles side by side, shape (draw, effect); there may be none."""
    effects = [draws[role.effect].sel(city=city).to_numpy() for role in roles]
    return np.stack(effects, axis=1) if effects else np.empty((draws.sizes["draw"], 0))
