"""Random slopes: how a predictor's coefficient varies from city to city."""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from data.roles import Part, Role
from data.study import Study
from models.effects.evidence import effects_given, summed
from models.likelihood.arrays import Array
from models.name import ModelName
from models.predictor.linear import city_position, column_scale
from models.predictor.units import OWN, Units
from models.priors.prior_set import Priors


def slope_terms(study: Study, name: ModelName, role: Role) -> list[str]:
    """List the terms whose coefficients vary by city."""
    declared = study.declaration.slopes.of(role.part).of(role.side)
    return list(declared) if role in name.roles else []


def random_slopes(
    study: Study,
    name: ModelName,
    part: Part,
    priors: Priors,
    information: Array,
    units: Units = OWN,
) -> Array:
    """Add a part's random slopes to the model in whose context it is called.

    Parameters
    ----------
    priors : Priors
        Priors of the slopes' standard deviations, in units of one standard deviation of the
        predictor's column.
    information : tensor
        How precisely each count tells its linear predictor (`models.effects.evidence`), (dyad,).

    units : Units
        In which the model reports slopes and their standard deviations.

    Returns
    -------
    tensor
        What the slopes add to the linear predictor, shape (dyad,), or 0. For each side that has
        slopes the model gains ``<part>_<side>_slope`` (city, <part>_<side>_slope_term) and their
        standard deviations ``<part>_<side>_slope_sd``, both on the formula's own scale.
    """
    total: Array = 0.0
    design, scale = study.dyads[part.design], column_scale(study.dyads, part)
    for role in part.all_roles:
        terms = slope_terms(study, name, role)
        if not terms:
            continue
        pm.modelcontext(None).add_coord(role.slope_term, terms)
        chosen = {part.term: terms}
        unit = scale.sel(chosen).to_numpy()
        column = ((design - design.mean("dyad")).sel(chosen) / scale.sel(chosen)).to_numpy()
        prior = priors.prior(role.slope_sd)
        sd = prior.variable(role.own("slope_sd"), shape=len(terms))
        positions = [city_position(study.dyads, end) for end in role.ends]
        position, cities = np.concatenate(positions), study.dyads.sizes["city"]
        slopes = []
        for k, values in enumerate(column.T):
            told = information * values**2
            told = told if len(positions) == 1 else pt.concatenate([told] * len(positions))
            said = summed(told, position, cities)
            slopes.append(effects_given(f"{role.own('slope')}_{k}", sd[k], said))
            for place in positions:
                total = total + slopes[k][place] * values
        pm.Deterministic(role.slope_sd, units.scaled(sd / unit), dims=role.slope_term)
        slope = units.scaled(pt.stack(slopes, axis=1) / unit)
        pm.Deterministic(role.slope, slope, dims=("city", role.slope_term))
    return total
