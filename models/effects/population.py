"""The population that city effects and positions come from."""

import numpy as np
import xarray as xr

from data.roles import Part
from models.name import ModelName, correlation_name


def population_covariance(draws: xr.Dataset, name: ModelName) -> np.ndarray:
    """Give the covariance of a city's effects in each draw.

    Parameters
    ----------
    draws : xarray.Dataset
        Standard deviations and correlations (draw, ...).

    Returns
    -------
    numpy.ndarray
        Shape (draw, role, role).
    """
    place = {role: k for k, role in enumerate(name.roles)}
    correlation = np.tile(np.eye(len(place)), (draws.sizes["draw"], 1, 1))
    for block in name.blocks:
        if len(block) < 2:
            continue
        values = draws[correlation_name(block)].to_numpy().reshape(draws.sizes["draw"], -1)
        lower = [(place[block[i]], place[block[j]]) for i in range(len(block)) for j in range(i)]
        for (i, j), value in zip(lower, values.T, strict=True):
            correlation[:, i, j] = correlation[:, j, i] = value
    sds = np.stack([draws[role.sd].to_numpy() for role in name.roles], axis=-1)
    covariance: np.ndarray = correlation * sds[:, :, None] * sds[:, None, :]
    return covariance


def position_root(draws: xr.Dataset, part: Part) -> np.ndarray:
    """Give the lower triangular factor of the covariance of a city's position in each draw.

    Returns
    -------
    numpy.ndarray
        Shape (draw, dimension, dimension). Positions as a sender and as a receiver are independent,
        and so are those of the parts, and of city effects.
    """
    dims = "draw", part.dimension, part.other_dimension
    root: np.ndarray = np.linalg.cholesky(draws[part.factor_covariance].transpose(*dims).to_numpy())
    return root
