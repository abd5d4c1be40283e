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
from models.frequentist.optimum import find_optimum
from models.frequentist.ratios import COLUMNS
from models.frequentist.regression import Regression, regression
from models.frequentist.result import MaximumLikelihood
from models.likelihood.families import FAMILIES
from models.name import named


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
