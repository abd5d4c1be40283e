"""Effects that are a left-out unit's own, in each draw of a fit.

What the counts of a unit inform first are effects of its two cities: for a dyad the sender's as a
sender and the receiver's as a receiver, for a pair all effects of both; and the unit's pair
effects, where the model has them. No other count has these pair effects: given the rest of a
posterior draw they follow their population, of a single dyad given the pair effect of the other
direction. Other effects of these cities and random slopes are those of the draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import xarray as xr

from data.roles import Part, Role
from models.effects.population import population_covariance
from models.name import ModelName

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
        For each part how each effect enters the left-out dyads, shape (effect, left-out dyad).
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


def city_effects_of(
    draws: xr.Dataset,
    name: ModelName,
    city: str,
    roles: Sequence[Role],
    enters: dict[str, np.ndarray],
) -> OwnEffects:
    """Take a city's effects in some roles, given its effects in the others.

    Parameters
    ----------
    draws : xarray.Dataset
        Posterior draws (draw, ...).
    roles : sequence of Role
        The roles; there may be none.
    """
    fixed = [role for role in name.roles if role not in roles]
    order = [name.roles.index(role) for role in [*fixed, *roles]]
    factor = np.linalg.cholesky(population_covariance(draws, name)[:, order][:, :, order])
    k = len(fixed)
    # with the others first, their standard values are known, and those of the roles are free
    known = np.linalg.solve(factor[:, :k, :k], _drawn(draws, city, fixed)[..., None])
    mean = (factor[:, k:, :k] @ known)[..., 0]
    return OwnEffects(mean, factor[:, k:, k:], _drawn(draws, city, roles), enters)


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


def uses_of(
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
