"""The covariance of estimates from leaving each city out in turn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from models.frequentist.identification import determined
from models.frequentist.optimum import climb
from models.frequentist.regression import Regression
from models.frequentist.result import MaximumLikelihood

KIND = "jackknife"


def with_jackknife(fit: MaximumLikelihood, data: Regression) -> MaximumLikelihood:
    """Add standard errors of the kind ``jackknife`` to a fit.

    Returns
    -------
    MaximumLikelihood
        The fit with one more kind in its ``covariance``; the same fit where the data have no
        cities. NaN for a coefficient that the dyads without some city do not determine.

    Notes
    -----
    With n cities, (n - 1) / n times the sum of squared differences between the estimates without
    a city and their mean. A city's dyads make up 2 / n of all, as in a U-statistic of degree two
    (Arvesen 1969, Annals of Mathematical Statistics 40(6)): the figure is right where cities
    differ, and too large where dyads are independent.
    """
    if data.cities is None:
        return fit
    problem = data.problem
    best = fit.parameters.to_numpy() * data.scales
    code, cities = pd.factorize(np.concatenate(data.cities))
    sender, receiver = np.split(code, 2)
    without, known = [], fit.standard_errors().notna().to_numpy(copy=True)
    for city in range(len(cities)):
        kept = ((sender != city) & (receiver != city)).astype(float)
        point = climb(replace(problem, weight=kept), best)
        known &= determined(point)[1]
        without.append(point.at / data.scales)
    spread = np.array(without) - np.mean(without, axis=0)
    matrix = (len(cities) - 1) / len(cities) * spread.T @ spread
    matrix[~(known[:, None] & known)] = np.nan
    one = fit.covariance.isel(kind=[0]).assign_coords(kind=[KIND]).copy(data=matrix[None])
    return replace(fit, covariance=xr.concat([fit.covariance, one], "kind", join="exact"))
