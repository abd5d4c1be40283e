"""Study + model name -> maximum-likelihood estimates with their covariances."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pandas as pd
import xarray as xr

from data.dyads import extent
from data.errors import ModelError
from data.study import Study
from models.frequentist.covariances import covariances
from models.frequentist.identification import determined, undetermined
from models.frequentist.optimum import SEARCHED, Optimum, find_optimum, search_without
from models.frequentist.problem import Problem
from models.frequentist.ratios import COLUMNS
from models.frequentist.regression import Regression, regression
from models.frequentist.result import IN_PLACE, JACKKNIFE, MaximumLikelihood
from models.likelihood.families import FAMILIES
from models.name import named, refuse_misfit
from models.work.made_from import MAXIMA, made_by

FEW_REACHED = 0.25  # of the searches: where no more end at the maximum, it may not be the highest


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
        There is no such model, it has city effects, or it explains zeros where no count is zero.
    """
    name = named(model, study)
    if name.roles or name.has_pairs or name.has_correlated_residuals:
        raise ModelError(
            f"{model}: maximum likelihood fits pooled models, one of "
            f"{', '.join(f'{family}_pooled' for family in FAMILIES)}"
        )
    refuse_misfit(name, study)
    attributes = {
        "model": name.name,
        "study": study.name,
        **study.words,
        "study_digest": study.digest,
        "made_by": made_by(MAXIMA),
        "cities": str(study.dyads.sizes["city"]),
        "extent": extent(study.dyads),
        "seed": str(seed),
        "version": version("interlocal"),
    }
    return fit_regression(regression(study, name.family_name), attributes, seed=seed)


def fit_regression(
    data: Regression, attributes: Mapping[str, str], *, seed: int = 0
) -> MaximumLikelihood:
    """Fit outcomes that need not be those of dyads."""
    problem = data.problem
    optimum = find_optimum(problem, seed=seed)
    point = optimum.point
    found = problem.derivatives(point.at)
    bread, identified = determined(point)
    which = {"directed": data.directed, "panel": data.periods is not None}
    kinds = covariances(bread, problem.scores(found), data.cities, **which)
    scales, names = data.scales, {"parameter": data.names}
    matrices = np.stack(list(kinds.values())) / (scales[:, None] * scales)
    matrices[:, ~(identified[:, None] & identified)] = np.nan
    return MaximumLikelihood(
        parameters=xr.DataArray(data.reported(point.at), names, "parameter", name="estimate"),
        covariance=xr.DataArray(
            matrices,
            {"kind": list(kinds), **names, "other": data.names},
            ("kind", "parameter", "other"),
        ),
        means=xr.DataArray(data.means.to_numpy(), names, "parameter"),
        pointwise=xr.DataArray(found.value, dims="dyad", name="log_likelihood"),
        expected_zeros=_expected_zeros(problem, point.at),
        starts=optimum.starts,
        reached=optimum.reached,
        maxima=len(optimum.maxima),
        gradient_norm=float(np.linalg.norm(point.gradient)),
        flags=undetermined(problem, point, data.terms),
        tests=pd.DataFrame(columns=COLUMNS, index=pd.Index([], dtype="str")),
        permutations=pd.DataFrame(),
        zeros=int((data.outcome == 0).sum()),
        attributes={**attributes, "family": data.family},
        cautions=_of_search(optimum),
    )


def _expected_zeros(problem: Problem, at: np.ndarray) -> float:
    if not FAMILIES[problem.family].outcome.is_whole:
        return float("nan")
    zeros = replace(problem, outcome=np.zeros_like(problem.outcome))
    return float(np.exp(zeros.derivatives(at).value).sum())


def _of_search(optimum: Optimum) -> tuple[str, ...]:
    if len(optimum.maxima) == 1:
        if optimum.reached > FEW_REACHED * optimum.starts:
            return ()
        return (
            (
                f"Only {optimum.reached} of {optimum.starts} searches ended at this maximum, and "
                "none at another: there may be a higher one."
            ),
        )
    best, second = optimum.maxima[:2]
    return (
        (
            f"The likelihood has {len(optimum.maxima)} distinct maxima or more: {optimum.reached} "
            f"of {optimum.starts} searches ended at the best one, and the next is "
            f"{best.value - second.value:.2f} lower."
        ),
    )


def with_jackknife(fit: MaximumLikelihood, data: Regression) -> MaximumLikelihood:
    """Add standard errors of the kind ``jackknife`` to a fit.

    Returns
    -------
    MaximumLikelihood
        The fit with one more kind in its ``covariance``; the same fit where the data have no
        cities. NaN for a coefficient that the dyads without some city do not determine. Its
        ``cautions`` say so, and where the best maximum without a city is another one.

    Notes
    -----
    Each fit without a city is searched as the whole one is, up to 200,000 cities times dyads; of
    more it begins at the estimates, at these drawn inward, and at every other maximum of the whole.
    With n cities, (n - 1) / n times the sum of squared differences between the estimates without
    a city and their mean. A city's dyads make up 2 / n of all, as in a U-statistic of degree two
    (Arvesen 1969, Annals of Mathematical Statistics 40(6)): the figure is right where cities
    differ, and too large where dyads are independent.
    """
    if data.cities is None:
        return fit
    problem = data.problem
    best = data.standardized(fit.parameters.to_numpy())
    seed = int(fit.attributes.get("seed", 0))
    whole = find_optimum(problem, seed=seed)
    code, cities = pd.factorize(np.concatenate(data.cities))
    anew = seed if len(cities) * problem.outcome.size <= SEARCHED else None
    sender, receiver = np.split(code, 2)
    without, known = [], fit.standard_errors().notna().to_numpy(copy=True)
    elsewhere, undetermined_without = [], []
    for city, label in enumerate(cities):
        weight = ((sender != city) & (receiver != city)).astype(float)
        point, is_another = search_without(problem, weight, whole, best, seed=anew)
        if is_another:
            elsewhere.append(str(label))
        there = determined(point)[1]
        if (known & ~there).any():
            undetermined_without.append(str(label))
        known &= there
        without.append(data.reported(point.at))
    spread = np.array(without) - np.mean(without, axis=0)
    matrix = (len(cities) - 1) / len(cities) * spread.T @ spread
    matrix[~(known[:, None] & known)] = np.nan
    one = fit.covariance.isel(kind=[0]).assign_coords(kind=[JACKKNIFE]).copy(data=matrix[None])
    cautions = list(fit.cautions)
    if elsewhere:
        cautions.append(
            f"Without {_listed(elsewhere)} the best maximum is another one, and the {JACKKNIFE}'s "
            "errors hold the way there too."
        )
    if undetermined_without:
        cautions.append(
            f"Without {_listed(undetermined_without)} the data do not determine all coefficients: "
            f"these have no {JACKKNIFE} error, and '{IN_PLACE}' errors stand in its place."
        )
    covariance = xr.concat([fit.covariance, one], "kind", join="exact")
    return replace(fit, covariance=covariance, cautions=tuple(cautions))


def _listed(cities: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(cities[:most])
    return shown if len(cities) <= most else f"{shown} and {len(cities) - most} others"
