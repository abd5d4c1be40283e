"""The crossed model as a formula of Bambi, under the priors of `default`."""

from typing import Any

import bambi
import pymc as pm
import xarray as xr
from studies import PREDICTORS, standardised

from data.study import Study
from models.settings import Settings
from peers.drawn import Drawn, compared, cores

SIDES = ("sender", "receiver")
FORMULA = " + ".join([*PREDICTORS, *(f"(1|{side})" for side in SIDES)])


def draw(study: Study, model: str, how: Settings, sampler: str) -> Drawn:
    """Sample; effects are non-centered, which is Bambi's default."""
    table, scales = standardised(study)
    written = bambi.Model(
        bambi.Formula(f"count ~ {FORMULA}", f"psi ~ {FORMULA}"),
        table,
        family="zero_inflated_negativebinomial",
        priors={
            **_priors(3.0),
            "psi": _priors(2.0),
            "alpha": bambi.Prior("HalfNormal", dist=_reciprocal),
        },
    )
    fit = written.fit(
        draws=how.draws,
        tune=how.tune,
        chains=how.chains,
        cores=cores(how),
        random_seed=how.seed,
        inference_method=sampler,
        nuts={"target_accept": how.target_accept},
        progressbar=False,
        compute_convergence_checks=False,
    )
    found = fit["posterior"].to_dataset()
    divergences = int(fit["sample_stats"]["diverging"].sum())
    posterior = compared(_renamed(found, xr.DataArray(scales, {"term": PREDICTORS})))
    return Drawn(posterior, found.attrs["sampling_time"], divergences)


def _priors(intercept_sd: float) -> dict[str, Any]:
    effects = bambi.Prior("Normal", mu=0, sigma=bambi.Prior("HalfNormal", sigma=1))
    return {
        "Intercept": bambi.Prior("Normal", mu=0, sigma=intercept_sd),
        "common": bambi.Prior("Normal", mu=0, sigma=1),
        "group_specific": effects,
    }


def _reciprocal(name: str, **arguments: Any) -> Any:
    # NB's alpha is 1 / dispersion, and the prior is one of the dispersion
    return pm.Deterministic(name, 1 / pm.HalfNormal("dispersion", 2.0))


def _renamed(found: xr.Dataset, scales: xr.DataArray) -> xr.Dataset:
    posterior = found[["dispersion"]]
    for part, prefix in (("selection", "psi_"), ("degree", "")):
        coefs = xr.concat([found[f"{prefix}{term}"] for term in PREDICTORS], scales["term"])
        posterior[f"{part}_intercept"] = found[f"{prefix}Intercept"]
        posterior[f"{part}_coef"] = (coefs / scales).rename(term=f"{part}_term")
        for side in SIDES:
            posterior[f"{part}_{side}_sd"] = found[f"{prefix}1|{side}_sigma"]
    return posterior
