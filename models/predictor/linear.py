"""The linear predictors of a study's dyads, from parameters on their plain scale."""

import numpy as np
import pandas as pd
import xarray as xr

from data.roles import BOTH, DYAD_PERIOD, PERIOD, SIDES, Part, Role, sides_of

EVERY = slice(None)


def column_scale(dyads: xr.Dataset, part: Part) -> xr.DataArray:
    """Give the unit in which the prior of each coefficient speaks.

    Returns
    -------
    xarray.DataArray
        Dims (<part>_term,): the column's standard deviation, 1 for a column of zeros and ones.
    """
    design = dyads[part.design]
    binary = ((design == 0) | (design == 1)).all("dyad")
    return design.std("dyad", ddof=1).where(~binary, 1.0)


def period_position(dyads: xr.Dataset) -> np.ndarray:
    """Find the position of each dyad's period, (dyad,), of a panel."""
    return dyads.get_index(PERIOD).get_indexer(pd.Index(dyads[DYAD_PERIOD].to_numpy()))


def city_position(dyads: xr.Dataset, side: str) -> np.ndarray:
    """Give the position of each dyad's city among the cities.

    Returns
    -------
    numpy.ndarray
        Whole numbers, shape (dyad,).
    """
    return dyads.get_index("city").get_indexer(pd.Index(dyads[side].to_numpy()))


def offset(dyads: xr.Dataset, part: Part, reference: xr.Dataset | None = None) -> xr.DataArray:
    """Give what enters a linear predictor with a coefficient of one.

    Returns
    -------
    xarray.DataArray
        Dims (dyad,): for degree, log exposure less its mean, so that the intercept speaks of a
        dyad with the geometric mean of the exposure; zero for selection.
    """
    log_exposure = dyads["log_exposure"]
    if part == "selection":
        return xr.zeros_like(log_exposure)
    return log_exposure - (dyads if reference is None else reference)["log_exposure"].mean()


def linear_predictor(
    parameters: xr.Dataset,
    dyads: xr.Dataset,
    part: Part,
    rows: np.ndarray | slice = EVERY,
    reference: xr.Dataset | None = None,
) -> xr.DataArray:
    """Compute a linear predictor for every dyad, or for some.

    Parameters
    ----------
    parameters : xarray.Dataset
        Draws (or one set) of ``<part>_intercept``, ``<part>_coef`` and, where the model has
        them, ``<part>_sender`` and ``<part>_receiver`` (city), ``<part>_<side>_slope`` (city,
        term), ``<part>_<side>_position`` (city, dimension) with ``<part>_factor_covariance``
        and, of undirected dyads, ``<part>_factor_sign``, and ``<part>_pair`` (dyad).
    reference : xarray.Dataset, optional
        The study's dyads, where ``dyads`` are others: predictors and exposure are held against
        their means.

    Returns
    -------
    xarray.DataArray
        The dims of the draws, then dyad: what goes through the link to P(eligible) or the chance
        of a success, or the log of the mean count; of amounts the mean.
    """
    # in NumPy, and in place: the arrays are large, and each copy of one takes as long as the rest
    draws = parameters[part.intercept].dims

    def values(name: str, *dims: str) -> np.ndarray:
        return parameters[name].transpose(*draws, *dims).to_numpy()

    design = dyads[part.design]
    center = (dyads if reference is None else reference)[part.design].mean("dyad")
    centered = (design - center).isel(dyad=rows)
    shift = offset(dyads, part, reference).to_numpy()[rows]
    intercept = parameters[part.intercept]
    total = np.zeros((*intercept.shape, len(shift)))
    if part.coef in parameters:
        transposed = centered.transpose(part.term, "dyad").to_numpy()
        np.matmul(values(part.coef, part.term), transposed, out=total)
    total += intercept.to_numpy()[..., None]
    total += shift
    for role in part.all_roles:
        if role.effect in parameters:
            effect = values(role.effect, "city")
            for end in role.ends:
                total += effect.take(city_position(dyads, end)[rows], axis=-1)
    if part.factor_covariance in parameters:
        role = next(role for role in part.all_roles if role.position in parameters)
        where = [city_position(dyads, end)[rows] for end in sides_of(dyads.coords)]
        own = values(role.position, "city", part.dimension)
        for k, of_other in enumerate(np.moveaxis(facing(parameters, role), -1, 0)):
            total += own[..., k].take(where[0], axis=-1) * of_other.take(where[1], axis=-1)
    if part.pair.effect in parameters:
        total += values(part.pair.effect, "dyad")[..., rows]
    found = xr.DataArray(
        total, {d: intercept[d] for d in draws if d in intercept.coords}, (*draws, "dyad")
    )
    slopes = _slope_predictor(parameters, dyads, part, centered, rows)
    return found if slopes is None else (found + slopes).transpose(*draws, "dyad")


def facing(parameters: xr.Dataset, role: Role) -> np.ndarray:
    """Give what a role's positions are multiplied with: the cities' positions at the other end.

    Returns
    -------
    numpy.ndarray
        The dims of the draws, then city and dimension.
    """
    draws, dims = parameters[role.part.intercept].dims, ("city", role.part.dimension)
    positions = parameters[role.other.position].transpose(*draws, *dims).to_numpy()
    sign = sign_of(parameters, role.part)
    return positions if sign is None else positions @ sign


def sign_of(parameters: xr.Dataset, part: Part) -> np.ndarray | None:
    """Give what stands between the positions of undirected dyads' cities; None of directed ones.

    Returns
    -------
    numpy.ndarray
        Symmetric: the dims of the draws, then dimension twice.
    """
    if part.factor_sign not in parameters:
        return None
    draws = parameters[part.intercept].dims
    sign = parameters[part.factor_sign].transpose(*draws, part.dimension, part.other_dimension)
    return sign.to_numpy()


def _slope_predictor(
    parameters: xr.Dataset,
    dyads: xr.Dataset,
    part: Part,
    design: xr.DataArray,
    rows: np.ndarray | slice,
) -> xr.DataArray | None:
    total = None
    for role in part.all_roles:
        if role.slope not in parameters:
            continue
        dim = role.slope_term
        slope = parameters[role.slope]
        column = design.sel({part.term: slope[dim].to_numpy()}).drop_vars(
            [*SIDES, *BOTH, "dyad_pair", "dyad"], errors="ignore"
        )
        column = column.rename({part.term: dim})
        for end in role.ends:
            position = xr.DataArray(city_position(dyads, end)[rows], dims="dyad")
            effect = xr.dot(slope.isel(city=position).drop_vars("city"), column, dim=dim)
            total = effect if total is None else total + effect
    return total
