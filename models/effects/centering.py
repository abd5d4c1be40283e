"""How far city effects are centered, decided from the data before sampling.

An effect with standard deviation sd can be sampled as itself (centered), as a multiple of sd
(non-centered), or in between: as effect / sd^(1 - share), centered for a share of 1 and
non-centered for 0. Best is the share of what is known of the effect that comes from its city's
data, information / (information + 1 / sd^2): then neither a funnel nor a ridge is left
(Papaspiliopoulos, Roberts and Skold 2007, Statistical Science 22(1); Gorinova, Moore and Hoffman
2020, ICML).

The information is that of the pooled model at its maximum. So is a first estimate of the
variance: a city's score S, the sum of its dyads' derivatives in the linear predictor, has the
variance I + sd^2 I^2 where its effects have the variance sd^2. The estimate less its standard
error is used, for a share that is too large for a variance near zero traps the sampler, and one
that is too small only slows it.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import xarray as xr

from data.roles import PARTS, Part, Role
from models.frequentist.derivatives import DEGREE, SELECTION
from models.frequentist.optimum import find_optimum
from models.frequentist.regression import regression_of
from models.name import ModelName
from models.predictor.linear import city_position

Derivatives = tuple[np.ndarray, np.ndarray]

LOW = 0.05  # quantile of a variance's draws


def shares_of(known: Mapping[str, np.ndarray], name: ModelName) -> dict[str, np.ndarray]:
    """Choose how far a model's effects are centered, of what `centering` knows of them.

    Beside factors none is, for chains begin at the highest of several modes
    (`models.inference.chains`), and a density is bounded in standardized values alone.
    """
    none = bool(name.factor_parts)
    return {label: np.zeros_like(share) if none else share for label, share in known.items()}


def centering(dyads: xr.Dataset, family: str, roles: Sequence[Role]) -> dict[str, np.ndarray]:
    """Choose how far effects are centered: shares (city,) by the names of the model's data."""
    return centering_by(pooled_derivatives(dyads, family), dyads, roles) if roles else {}


def centering_by(
    derivatives: Mapping[Part, Derivatives], dyads: xr.Dataset, roles: Sequence[Role]
) -> dict[str, np.ndarray]:
    """Do the same where the pooled model's derivatives are known."""
    shares = {}
    for role in roles:
        first, second = derivatives[role.part]
        city = np.concatenate([city_position(dyads, end) for end in role.ends])
        cities, times = dyads.sizes["city"], len(role.ends)  # how many cities each dyad is of
        score = np.bincount(city, np.tile(first, times), cities)
        information = np.bincount(city, np.tile(-second, times), cities)
        information = np.maximum(information, 0)
        shares[role.centering] = _shares(score, information)
    return shares


def pooled_derivatives(dyads: xr.Dataset, family: str) -> dict[Part, Derivatives]:
    """Give the derivatives of dyads' log-probabilities at the pooled model's maximum.

    Returns
    -------
    dict of Part to tuple of numpy.ndarray
        First and second derivative in each predictor, (dyad,) each.
    """
    problem = regression_of(dyads, family).problem
    found = problem.derivatives(find_optimum(problem, random_starts=0).point.at)
    rows = {Part.SELECTION: SELECTION, Part.DEGREE: DEGREE}
    return {part: (found.first[k], found.second[k, k]) for part, k in rows.items()}


def has_city_effects(names: Collection[str]) -> bool:
    """Tell whether any of a model's parameters are city effects."""
    return any(role.effect in names for part in PARTS for role in part.all_roles)


def informed_first(roles: Sequence[Role], shares: Mapping[str, np.ndarray]) -> list[Role]:
    """Put the roles of which the data say most first."""
    return sorted(roles, key=lambda role: -shares[role.centering].mean())


def centering_of_draws(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """Choose how far the effects of each role are centered, from draws of the model itself.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws (chain, draw, ...), of a first try for example.

    Returns
    -------
    dict of str to numpy.ndarray
        For each role, by the name of the model's data, a share between 0 and 1 for each city. The
        information is what the data have added to the precision of an effect; the variance is a
        low quantile of its draws, for the same reason for which `centering` takes its estimate less
        the error. Unlike what `centering` knows, this is of the model with city effects.
    """
    draws = ("chain", "draw")
    shares = {}
    for role in (role for part in PARTS for role in part.all_roles):
        if role.effect in posterior:
            variance = posterior[role.sd] ** 2
            left = posterior[role.effect].var(draws).to_numpy()
            prior = float(variance.mean())
            # information / (information + 1 / low), of the information 1 / left - 1 / prior
            known = float(variance.quantile(LOW, draws)) * np.maximum(prior - left, 0.0)
            shares[role.centering] = known / (prior * left + known)
    return shares


def _shares(score: np.ndarray, information: np.ndarray) -> np.ndarray:
    square = float((information**2).sum())
    if not square > 0:
        return np.zeros(len(score))
    variance = max(float((score**2 - information).sum()) / square, 0.0)
    spread = information + variance * information**2
    error = float(np.sqrt(2 * (spread**2).sum())) / square
    known = information * max(variance - error, 0.0)
    shares: np.ndarray = known / (1 + known)
    return shares
