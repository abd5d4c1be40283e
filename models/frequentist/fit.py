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
from models.frequentist.covariances import SANDWICHES, covariances
from models.frequentist.identification import identify
from models.frequentist.optimum import Optimum, find_optimum
from models.frequentist.problem import Problem
from models.frequentist.ratios import COLUMNS
from models.frequentist.regression import Regression, regression
from models.frequentist.result import MaximumLikelihood
from models.likelihood.families import FAMILIES
from models.name import parse_model

RANDOM_STARTS = 3


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
    name = parse_model(model)
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
    optimum = find_optimum(problem, random_starts=RANDOM_STARTS, seed=seed)
    return _result(data, problem, optimum, attributes)


def _result(
    data: Regression, problem: Problem, optimum: Optimum, attributes: Mapping[str, str]
) -> MaximumLikelihood:
    point = optimum.point
    found = problem.derivatives(point.at)
    identification = identify(problem, optimum, data.terms)
    covariance = covariances(identification.bread, problem.scores(found), data.cities)
    unknown = ~identification.identified
    scales, names = data.scales, data.names
    matrices = np.stack([covariance[kind] for kind in SANDWICHES if kind in covariance])
    matrices = matrices / (scales[:, None] * scales)
    matrices[:, unknown] = np.nan
    matrices[:, :, unknown] = np.nan
    zeros = replace(problem, count=np.zeros_like(data.count))
    log_zero = zeros.derivatives(point.at).value
    return MaximumLikelihood(
        parameters=xr.DataArray(
            point.at / scales, dims="parameter", coords={"parameter": names}, name="estimate"
        ),
        covariance=xr.DataArray(
            matrices,
            dims=("kind", "parameter", "other"),
            coords={
                "kind": [kind for kind in SANDWICHES if kind in covariance],
                "parameter": names,
                "other": names,
            },
        ),
        means=xr.DataArray(data.means.to_numpy(), dims="parameter", coords={"parameter": names}),
        pointwise=xr.DataArray(found.value, dims="dyad", name="log_likelihood"),
        expected_zeros=float(np.exp(log_zero).sum()),
        starts=optimum.starts,
        reached=optimum.reached,
        gradient_norm=float(np.linalg.norm(point.gradient)),
        flags=identification.flags,
        tests=pd.DataFrame(columns=COLUMNS),
        permutations=pd.DataFrame(),
        zeros=int((data.count == 0).sum()),
        attributes={**attributes, "family": data.family},
    )
