"""Parameters of dyads that a fit has not seen: known effects as they are, others drawn.

An effect that the fit does not know follows its population distribution, given each posterior
draw's standard deviations and correlations. It is drawn once for each posterior draw, the standard
normal values behind it stratified over the draws (a Latin hypercube), so that means over draws
carry little Monte Carlo error of theirs. The seed of a city's or a pair's effects follows from its
name: a dyad is predicted the same, whatever is predicted beside it.
"""

import numpy as np
import xarray as xr
from scipy.stats import norm, qmc

from data.roles import SIDES, Part
from models.effects.population import population_covariance, position_root
from models.name import ModelName
from models.settings import seed_of


def known_or_drawn(draws: xr.Dataset, asked: xr.Dataset, name: ModelName, seed: int) -> xr.Dataset:
    """Give the parameters of other dyads than those of the study.

    Parameters
    ----------
    draws : xarray.Dataset
        Posterior draws (draw, ...) on the study's coordinates; of pair effects, those of the
        asked dyads and of their other directions suffice.
    asked : xarray.Dataset
        The dyads that are asked for: coordinates ``sender`` and ``receiver`` along ``dyad``, and
        ``city`` (sorted).

    Returns
    -------
    xarray.Dataset
        The parameters that `models.predictor.linear.linear_predictor` takes (draw, ...), on the
        coordinates ``city`` and ``dyad`` of ``asked``.
    """
    names = [label for part in name.parts for label in (part.intercept, part.coef)]
    plain = [label for label in (*names, name.family.scale) if label in draws]
    found = draws[plain].assign_coords(city=asked["city"].to_numpy())
    found = found.assign(_city_effects(draws, asked, name, seed))
    for part in name.factor_parts:
        found = found.assign(_positions(draws, asked, part, seed))
    if name.has_pairs:
        for part in name.parts:
            effects = _pair_effects(draws, asked, part, seed)
            found[part.pair.effect] = xr.DataArray(
                effects, {"dyad": asked["dyad"].to_numpy()}, ("draw", "dyad")
            )
    return found


def _city_effects(
    draws: xr.Dataset, asked: xr.Dataset, name: ModelName, seed: int
) -> dict[str, xr.DataArray]:
    """Give city effects and random slopes of the asked cities."""
    slopes = [role for role in name.roles if role.slope in draws]
    effects = [*(role.effect for role in name.roles), *(role.slope for role in slopes)]
    if not effects:
        return {}
    known = draws.get_index("city")
    position = known.get_indexer(asked.get_index("city"))
    new = np.flatnonzero(position < 0)
    values = {name: draws[name].isel(city=np.maximum(position, 0)).copy() for name in effects}
    if len(new):
        factor = np.linalg.cholesky(population_covariance(draws, name))
    for k in new:
        size = len(name.roles) + sum(draws[role.slope].shape[-1] for role in slopes)
        z = _standard(draws.sizes["draw"], size, seed_of(seed, str(asked["city"].values[k])))
        own, rest = z[:, : len(name.roles)], z[:, len(name.roles) :]
        for role, drawn in zip(name.roles, np.einsum("drs,ds->rd", factor, own), strict=True):
            values[role.effect][{"city": k}] = drawn
        for role in slopes:
            sd = draws[role.slope_sd].to_numpy()
            values[role.slope][{"city": k}] = sd * rest[:, : sd.shape[1]]
            rest = rest[:, sd.shape[1] :]
    return {name: value.drop_vars("city") for name, value in values.items()}


def _positions(
    draws: xr.Dataset, asked: xr.Dataset, part: Part, seed: int
) -> dict[str, xr.DataArray]:
    """Give the positions of the asked cities."""
    known = draws.get_index("city").get_indexer(asked.get_index("city"))
    names = [role.position for role in part.all_roles if role.position in draws]
    values = {
        name: draws[name].isel(city=np.maximum(known, 0)).drop_vars("city").copy() for name in names
    }
    new, rank = np.flatnonzero(known < 0), draws.sizes[part.dimension]
    if len(new):
        root = position_root(draws, part)
    for k in new:
        own = seed_of(seed, f"{part} position of {asked['city'].values[k]}")
        z = _standard(draws.sizes["draw"], len(names) * rank, own)
        for name, side in zip(names, np.split(z, len(names), axis=1), strict=True):
            drawn = np.einsum("drs,ds->dr", root, side)
            values[name][{"city": k}] = xr.DataArray(drawn, dims=("draw", part.dimension))
    matrices = [label for label in (part.factor_covariance, part.factor_sign) if label in draws]
    return values | {label: draws[label] for label in matrices}


def _pair_effects(draws: xr.Dataset, asked: xr.Dataset, part: Part, seed: int) -> np.ndarray:
    """Give the pair effects of the asked directed dyads, shape (draw, dyad)."""
    sd = draws[part.pair.sd].to_numpy()
    rho = draws[part.dyadic_reciprocity].to_numpy()
    known = draws.get_index("dyad")
    effects = np.empty((draws.sizes["draw"], asked.sizes["dyad"]))
    for column, ends in enumerate(zip(*(asked[side].to_numpy() for side in SIDES), strict=True)):
        here, back = " -> ".join(ends), " -> ".join(reversed(ends))
        if here in known:
            effects[:, column] = draws[part.pair.effect].sel(dyad=here)
            continue
        first, second = sorted(ends)
        z = _standard(len(sd), 2, seed_of(seed, f"{part} {first} & {second}"))
        if back in known:  # it follows the other direction, whose effect the data inform
            mean = rho * draws[part.pair.effect].sel(dyad=back).to_numpy()
            effects[:, column] = mean + sd * np.sqrt(1 - rho**2) * z[:, 0]
        elif ends[0] == first:
            effects[:, column] = sd * z[:, 0]
        else:
            effects[:, column] = sd * (rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1])
    return effects


def _standard(draws: int, size: int, seed: int) -> np.ndarray:
    """Draw standard normal values, stratified in each column."""
    sampler = qmc.LatinHypercube(size, rng=np.random.default_rng(seed))
    values: np.ndarray = norm.ppf(sampler.random(draws))
    return values
