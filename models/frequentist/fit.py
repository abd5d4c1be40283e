"""Study + model name -> maximum-likelihood estimates with their covariances."""

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pandas as pd
import xarray as xr

from data.errors import ModelError
from data.study import Study
from models.frequentist.covariances import covariances
from models.frequentist.identification import determined, undetermined
from models.frequentist.optimum import climb, find_optimum
from models.frequentist.ratios import COLUMNS
from models.frequentist.regression import Regression, regression
from models.frequentist.result import MaximumLikelihood
from models.likelihood.families import FAMILIES
from models.name import named

JACKKNIFE = "jackknife"  # the kind of standard errors that leaves each city out in turn


def maximum_likelihood(
    study: Study, model: str = "zinb_pooled", *, seed: int = 20221
) -> MaximumLikelihood:
    """Fit a pooled model by maximum likelihood.

    Parameters
    ----------
    study : Study
        The dyads.
    model : str
        A family with ``pooled`` effects, for example ``zinb_pooled``.
    seed : int
        Seed of the random starts of the search.

    Returns
    -------
    MaximumLikelihood
        The best maximum that several starts reached, with covariances under each reading of
        what is independent of what, and in words what the data do not determine.

    Raises
    ------
    ModelError
        There is no such model, or it has city effects.
    """
    name = named(model)
    if name.roles or name.has_pairs:
        raise ModelError(
            f"{model}: maximum likelihood fits pooled models, one of "
            f"{', '.join(f'{family}_pooled' for family in FAMILIES)}"
        )
    attributes = {
        "model": model,
        "study": study.name,
        "title": study.declaration.title,
        "study_digest": study.digest,
        "synthetic": json.dumps(study.declaration.synthetic),
        "cities": str(study.dyads.sizes["city"]),
        "seed": str(seed),
        "version": version("interlocal"),
    }
    return fit_regression(regression(study, name.family_name), attributes, seed=seed)


def fit_regression(
    data: Regression, attributes: Mapping[str, str], *, seed: int = 0
) -> MaximumLikelihood:
    """Fit counts that need not be dyads."""
    problem = data.problem
    optimum = find_optimum(problem, seed=seed)
    point = optimum.point
    found = problem.derivatives(point.at)
    bread, identified = determined(point)
    kinds = covariances(bread, problem.scores(found), data.cities)
    scales, names = data.scales, {"parameter": data.names}
    matrices = np.stack(list(kinds.values())) / (scales[:, None] * scales)
    matrices[:, ~(identified[:, None] & identified)] = np.nan
    zeros = replace(problem, count=np.zeros_like(data.count))
    return MaximumLikelihood(
        parameters=xr.DataArray(point.at / scales, names, "parameter", name="estimate"),
        covariance=xr.DataArray(
            matrices,
            {"kind": list(kinds), **names, "other": data.names},
            ("kind", "parameter", "other"),
        ),
        means=xr.DataArray(data.means.to_numpy(), names, "parameter"),
        pointwise=xr.DataArray(found.value, dims="dyad", name="log_likelihood"),
        expected_zeros=float(np.exp(zeros.derivatives(point.at).value).sum()),
        starts=optimum.starts,
        reached=optimum.reached,
        gradient_norm=float(np.linalg.norm(point.gradient)),
        flags=undetermined(problem, point, data.terms),
        tests=pd.DataFrame(columns=COLUMNS),
        permutations=pd.DataFrame(),
        zeros=int((data.count == 0).sum()),
        attributes={**attributes, "family": data.family},
    )


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
    one = fit.covariance.isel(kind=[0]).assign_coords(kind=[JACKKNIFE]).copy(data=matrix[None])
    return replace(fit, covariance=xr.concat([fit.covariance, one], "kind", join="exact"))
