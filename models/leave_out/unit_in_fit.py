"""A dyad or a pair as each posterior draw of a fit to all counts sees it.

Given everything but a unit's own effects, the other counts inform the effects of its two cities
separately: a count between the two cities belongs to the unit or, in the other direction of a
dyad, has none of these effects. Each city's effects keep the counts that they enter beside them.
Positions enter other counts by the other city's position in the draw, and the unit's own by the
products of both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from data.roles import Part, Role, sides_of
from models.leave_out.own_effects import OwnEffects, effects_of, own_variables, pair_effects_of
from models.likelihood.observed import Observed
from models.name import ModelName
from models.predictor.linear import linear_predictor, sign_of


@dataclass(frozen=True)
class Informed:
    """Effects of one city, and the counts beside the unit's that they enter.

    Attributes
    ----------
    own : OwnEffects
        The effects; pair effects of the unit come last, and enter no other count.
    observed : Observed
        These outcomes, of (dyad,).
    base : dict of str to numpy.ndarray
        For each part their linear predictor without the effects, shape (draw, dyad).
    uses : dict of str to numpy.ndarray
        For each part how each effect enters it, shape (effect, dyad), with positions (draw, effect,
        dyad).
    """

    own: OwnEffects
    observed: Observed
    base: dict[str, np.ndarray]
    uses: dict[str, np.ndarray]


@dataclass(frozen=True)
class Product:
    """What the positions of both cities add to a left-out dyad.

    Attributes
    ----------
    row : int
        Which of the left-out dyads.
    first, second : slice
        Where the positions stand among the effects of the first city and of the second.
    sign : numpy.ndarray or None
        Of an undirected dyad shape (draw, dimension, dimension), between both positions.
    """

    part: Part
    row: int
    first: slice
    second: slice
    sign: np.ndarray | None

    def of(self, first: np.ndarray, second: np.ndarray, draws: slice) -> np.ndarray:
        """Give it at points of effects, (draw, point, partner, effect), in some draws."""
        ours, theirs = first[..., self.first], second[..., self.second]
        if self.sign is not None:
            ours = ours @ self.sign[draws, None]
        added: np.ndarray = (ours * theirs).sum(axis=-1)
        return added


@dataclass(frozen=True)
class UnitInFit:
    """A unit in each draw: plain arrays, which travel to other processes.

    Attributes
    ----------
    observed : Observed
        The unit's outcomes, of (left-out dyad,).
    base : dict of str to numpy.ndarray
        For each part their linear predictor without the unit's own effects, shape
        (draw, left-out dyad).
    scale : numpy.ndarray or None
        Shape (draw,); None where the family has none.
    cities : tuple of Informed
        The effects of the first dyad's sender, and of its receiver.
    products : tuple of Product
        What their positions add.
    """

    name: ModelName
    observed: Observed
    base: dict[str, np.ndarray]
    scale: np.ndarray | None
    cities: tuple[Informed, Informed]
    products: tuple[Product, ...] = ()

    @property
    def enters(self) -> dict[str, np.ndarray]:
        """How effects of the first city, the second, then products enter, (effect, dyad)."""
        found = {}
        for part in self.name.parts:
            added = np.zeros((len(self.products), self.observed.size))
            for k, product in enumerate(self.products):
                added[k, product.row] = product.part == part
            of_cities = [city.own.enters[part] for city in self.cities]
            found[str(part)] = np.concatenate([*of_cities, added])
        return found


def unit_in_fit(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, unit: str, rows: np.ndarray
) -> UnitInFit:
    """Put together what each draw knows of a dyad or a pair.

    Parameters
    ----------
    draws : xarray.Dataset
        Posterior draws (draw, ...) of a fit to all counts.
    rows : numpy.ndarray of int
        Positions of the unit's dyads.
    """
    ends = {side: dyads[side].to_numpy() for side in sides_of(dyads.coords)}
    seen = cities_of(ends, name, unit, rows)
    entered = [entered_by(ends, city, roles, rows) for city, roles in seen.items()]
    base = _without(draws, dyads, name, seen, [rows, *entered])
    observed = Observed.of(dyads)
    cities = []
    for (city, roles), others, without in zip(seen.items(), entered, base[1:], strict=True):
        own, uses = effects_of(draws, ends, name, city, roles, rows, others)
        cities.append(Informed(own, observed[others], without, uses))
    first, second = cities
    if name.has_pairs:
        second = _with_pair_effects(second, pair_effects_of(draws, dyads, name, rows))
        for part in name.parts:
            base[0][part] = base[0][part] - draws[part.pair.effect].isel(dyad=rows).to_numpy()
    scale = draws[name.family.scale].to_numpy() if name.family.scale else None
    products = tuple(products_of(draws, name, ends, seen, rows))
    return UnitInFit(name, observed[rows], base[0], scale, (first, second), products)


def cities_of(
    ends: Mapping[str, np.ndarray], name: ModelName, unit: str, rows: np.ndarray
) -> dict[str, list[Role]]:
    """Give the two cities of a dyad or a pair, with the roles in which the unit sees them."""
    return {
        str(cities[rows[0]]): [role for role in name.roles if unit == "pair" or side in role.ends]
        for side, cities in ends.items()
    }


def products_of(
    draws: xr.Dataset,
    name: ModelName,
    ends: Mapping[str, np.ndarray],
    seen: Mapping[str, list[Role]],
    rows: np.ndarray,
    *,
    after_effects: bool = True,
) -> Iterator[Product]:
    """Find what positions add to left-out dyads, whose cities stand in the order of ``seen``.

    Parameters
    ----------
    after_effects : bool
        Whether a city's effects stand before its positions.
    """
    places: list[dict[Role, slice]] = []
    for roles in seen.values():
        at, place = len(roles) * after_effects, {}
        for role in roles:
            place[role] = slice(at, at := at + name.rank_of(role.part))
        places.append(place)
    order = list(seen)
    for row, dyad in enumerate(rows):
        first, second = (order.index(str(ends[side][dyad])) for side in ends)
        for part in name.parts:
            if not name.rank_of(part):
                continue
            sides = [role for role in name.roles if role.part == part]
            sign = sign_of(draws, part)
            # a dyad's sender may be the unit's second city: of a pair's second dyad it is
            of_city = {first: places[first][sides[0]], second: places[second][sides[-1]]}
            yield Product(part, row, of_city[0], of_city[1], sign)


def entered_by(
    ends: Mapping[str, np.ndarray], city: str, roles: list[Role], left_out: np.ndarray
) -> np.ndarray:
    """Give the positions of the dyads that a city's roles enter, but for those left out."""
    of_city = np.zeros(len(next(iter(ends.values()))), dtype=bool)
    for end in {end for role in roles for end in role.ends}:
        of_city |= ends[end] == city
    of_city[left_out] = False
    return np.flatnonzero(of_city)


def _without(
    draws: xr.Dataset,
    dyads: xr.Dataset,
    name: ModelName,
    seen: dict[str, list[Role]],
    groups: list[np.ndarray],
) -> list[dict[str, np.ndarray]]:
    """Give the linear predictors of groups of dyads, the cities' own effects at zero."""
    zeroed = {}
    for role in name.roles:
        owners = [city for city, roles in seen.items() if role in roles]
        for label in own_variables([role], name):
            zeroed[label] = draws[label].where(~draws["city"].isin(owners), 0.0)
    bare, every = draws.assign(zeroed), np.concatenate(groups)
    ends = np.cumsum([len(group) for group in groups])[:-1]
    split = {
        part: np.split(linear_predictor(bare, dyads, part, every).to_numpy(), ends, axis=1)
        for part in name.parts
    }
    return [{part: split[part][k] for part in name.parts} for k in range(len(groups))]


def _with_pair_effects(informed: Informed, pairs: OwnEffects) -> Informed:
    unused = np.zeros((pairs.mean.shape[1], informed.observed.size))
    uses = {part: np.concatenate([use, unused]) for part, use in informed.uses.items()}
    return Informed(informed.own.beside(pairs), informed.observed, informed.base, uses)
