"""Models as a user of PyMC writes them: its own distributions, effects non-centered.

The priors are those of `default`, the parameters' names those of `models.build`, with which these
models share no code for likelihood, effects or priors: both have the same posterior.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

INTERCEPT = {"selection": (0.0, 2.0), "degree": (-1.0, 2.5)}  # mean and sd
SIDES = ("sender", "receiver")


def plain_model(study, model="zinb_crossed"):
    """Write `zinb_crossed` or `zinb_srm`."""
    effects = {"zinb_crossed": crossed_effects, "zinb_srm": correlated_effects}[model]
    dyads = study.dyads
    cities = dyads["city"].to_numpy().tolist()
    at = [[cities.index(city) for city in dyads[side].to_numpy()] for side in SIDES]
    terms = {f"{part}_term": dyads[f"{part}_term"].to_numpy().tolist() for part in INTERCEPT}
    with pm.Model(coords={"city": cities, **terms}) as written:
        selection, degree = (
            population_predictor(dyads, part)
            + sum(effect[k] for effect, k in zip(effects(part, len(cities)), at, strict=True))
            for part in INTERCEPT
        )
        log_exposure = dyads["log_exposure"].to_numpy()
        dispersion = pm.HalfNormal("dispersion", 2.0)
        pm.ZeroInflatedNegativeBinomial(
            "outcome",
            psi=pm.math.sigmoid(selection),
            mu=pm.math.exp(degree + log_exposure - log_exposure.mean()),
            alpha=1 / dispersion,
            observed=dyads["outcome"].to_numpy(),
        )
    return written


def population_predictor(dyads, part):
    """Give intercept and predictors, whose coefficients have priors in units of one sd."""
    x = dyads[f"{part}_design"].to_numpy()
    binary = np.isin(x, (0, 1)).all(axis=0)
    scale = np.where(binary, 1, x.std(axis=0, ddof=1))
    intercept = pm.Normal(f"{part}_intercept", *INTERCEPT[part])
    coef = pm.Normal(f"{part}_coef", 0, 1 / scale, dims=f"{part}_term")
    return intercept + pt.dot(x - x.mean(axis=0), coef)


def crossed_effects(part, cities):
    """Give independent effects of senders and of receivers."""
    for side in SIDES:
        sd = pm.HalfNormal(f"{part}_{side}_sd", 1.0)
        z = pm.Normal(f"_{part}_{side}", shape=cities)
        yield pm.Deterministic(f"{part}_{side}", sd * z, dims="city")


def correlated_effects(part, cities):
    """Give a city's effects as sender and as receiver, correlated by LKJ(2)."""
    cholesky, correlation, sd = pm.LKJCholeskyCov(
        f"_{part}_cholesky",
        n=2,
        eta=2,
        sd_dist=pm.HalfNormal.dist(1.0, shape=2),
        store_in_trace=False,
    )
    pm.Deterministic(f"{part}_generalized_reciprocity", correlation[0, 1])
    both = pt.dot(cholesky, pm.Normal(f"_{part}", shape=(2, cities)))
    for k, side in enumerate(SIDES):
        pm.Deterministic(f"{part}_{side}_sd", sd[k])
        yield pm.Deterministic(f"{part}_{side}", both[k], dims="city")
