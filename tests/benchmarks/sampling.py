"""Sampling beside PyMC's own graph: the same data and priors, both sides in one run.

`.venv/bin/python tests/benchmarks/sampling.py --cities 21 60` prints two tables. The first has the
median time of one gradient of the joint log-density. The second has the smallest bulk ESS over
intercepts, coefficients, standard deviations and dispersion for each second of sampling (1000 and
1000 draws, 4 chains, nutpie), and the largest difference of the posterior means in Monte Carlo
standard errors: a fast wrong answer is not an answer. PyMC's model is what its users write:
`pm.ZeroInflatedNegativeBinomial` with crossed, non-centered effects. The data are simulated.
"""

import argparse
import os
import platform
import time
import warnings
from importlib.metadata import version

import arviz as az
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor import tensor as pt
from threadpoolctl import threadpool_limits

from data.declaration import Declaration
from data.study import Study, study_from_table
from models.build import build
from models.chains import compiled_model
from models.predictor import city_position

PREDICTORS = [f"x{number}" for number in range(1, 7)]
SDS = {"selection": (0.6, 0.5), "degree": (0.7, 0.5)}
INTERCEPTS = {"selection": 0.2, "degree": 1.0}
ROUNDS = 15
CHAINS, DRAWS, SEED = 4, 1000, 20221


def made_study(cities: int, seed: int) -> Study:
    """Simulate counts of a zinb_crossed model with six predictors a part."""
    rng = np.random.default_rng(seed)
    names = [f"city {number:03d}" for number in range(cities)]
    table = pd.DataFrame(
        [(i, j) for i in names for j in names if i != j], columns=["sender", "receiver"]
    )
    x = rng.normal(size=(len(table), len(PREDICTORS))).round(4)
    table[PREDICTORS] = x
    at = [pd.Categorical(table[side], names).codes for side in ("sender", "receiver")]
    predictor = {
        part: intercept
        + x @ rng.normal(0, 0.3, len(PREDICTORS))
        + sum(rng.normal(0, sd, cities)[k] for sd, k in zip(SDS[part], at, strict=True))
        for part, intercept in INTERCEPTS.items()
    }
    rate = np.exp(predictor["degree"]) * rng.gamma(2, 0.5, len(table))
    eligible = rng.random(len(table)) < 1 / (1 + np.exp(-predictor["selection"]))
    table["count"] = np.where(eligible, rng.poisson(rate), 0)
    formula = " + ".join(PREDICTORS)
    declaration = Declaration.model_validate(
        {
            "title": "Benchmark",
            "synthetic": ["count"],
            "models": ["zinb_crossed"],
            "dyads": {"sender": "sender", "receiver": "receiver", "outcome": "count"},
            "formula": {"selection": formula, "degree": formula},
        }
    )
    return study_from_table(table, declaration, "benchmark")


def plain_model(study: Study) -> pm.Model:
    """Write the model as a user of PyMC would, under our default priors."""
    dyads = study.dyads
    x = dyads["degree_design"].to_numpy()
    x, scale = x - x.mean(axis=0), x.std(axis=0, ddof=1)
    at = {side: city_position(dyads, side) for side in ("sender", "receiver")}
    with pm.Model(coords={f"{part}_term": PREDICTORS for part in SDS}) as model:
        predictor = {}
        for part, sd in (("selection", 2.0), ("degree", 3.0)):
            standard = pm.Normal(f"_{part}_coef", 0, 1, shape=len(PREDICTORS))
            pm.Deterministic(f"{part}_coef", standard / scale, dims=f"{part}_term")
            total = pm.Normal(f"{part}_intercept", 0, sd) + pt.dot(x / scale, standard)
            for side, position in at.items():
                spread = pm.HalfNormal(f"{part}_{side}_sd", 1.0)
                z = pm.Normal(f"_{part}_{side}", 0, 1, shape=dyads.sizes["city"])
                total = total + (spread * z)[position]
            predictor[part] = total
        dispersion = pm.HalfNormal("dispersion", 2.0)
        pm.ZeroInflatedNegativeBinomial(
            "count",
            psi=pm.math.sigmoid(predictor["selection"]),
            mu=pt.exp(predictor["degree"]),
            alpha=1 / dispersion,
            observed=dyads["count"].to_numpy(),
        )
    return model


def gradient_seconds(models: dict[str, pm.Model]) -> dict[str, np.ndarray]:
    """Time the gradients in turn; one thread for matrix products on both sides, as in sampling."""
    ready = {}
    for label, model in models.items():
        function = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
        function.set_extra_values({})
        start = np.concatenate([np.ravel(value) for value in model.initial_point().values()])
        compiled = function._pytensor_function
        point = start + np.random.default_rng(0).normal(0, 0.05, start.size)
        compiled(point)
        ready[label] = compiled, point
    seconds: dict[str, list[float]] = {label: [] for label in models}
    for _ in range(ROUNDS):
        for label, (compiled, point) in ready.items():
            began, calls = time.perf_counter(), 0
            while time.perf_counter() - began < 0.1:
                compiled(point)
                calls += 1
            seconds[label].append((time.perf_counter() - began) / calls)
    return {label: np.array(each) for label, each in seconds.items()}


def sampled(model: pm.Model) -> tuple[xr.Dataset, float]:
    """Draw as `interlocal sample` does; give the draws and the seconds, compilation left out."""
    compiled, names = compiled_model(model)
    began = time.perf_counter()
    fit = nutpie.sample(
        compiled,
        draws=DRAWS,
        tune=DRAWS,
        chains=CHAINS,
        cores=min(CHAINS, os.process_cpu_count() or 1),
        seed=SEED,
        progress_bar=False,
    )
    seconds = time.perf_counter() - began
    kept = [name for name in names if name.endswith(("intercept", "coef", "_sd", "dispersion"))]
    return fit["posterior"].to_dataset()[kept].load(), seconds


def smallest_ess(draws: xr.Dataset) -> float:
    """Give the smallest bulk ESS."""
    return min(float(each.min()) for each in az.ess(draws).data_vars.values())


def largest_z(one: xr.Dataset, other: xr.Dataset) -> float:
    """Give the largest difference of posterior means, in its Monte Carlo standard error."""
    errors = [az.mcse(each) for each in (one, other)]
    draws = ("chain", "draw")
    z = abs(one.mean(draws) - other.mean(draws)) / np.sqrt(errors[0] ** 2 + errors[1] ** 2)
    return max(float(each.max()) for each in z.data_vars.values())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, nargs="+", default=[21, 60])
    parser.add_argument("--gradients-only", action="store_true")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("interlocal", "pymc", "pytensor", "nutpie", "numba")
    )
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}; Python {platform.python_version()}, {packages}")
    gradients, samples = [], []
    for cities in chosen.cities:
        study = made_study(cities, SEED)
        models = {"ours": build(study, "zinb_crossed"), "PyMC": plain_model(study)}
        about = {"cities": cities, "dyads": study.dyads.sizes["dyad"]}
        with threadpool_limits(1, "blas"):
            seconds = gradient_seconds(models)
            gradients.append(
                about
                | {f"{label}, us": np.median(each) * 1e6 for label, each in seconds.items()}
                | {"ratio": np.median(seconds["PyMC"] / seconds["ours"])}
            )
            if chosen.gradients_only:
                continue
            found = {label: sampled(model) for label, model in models.items()}
        rates = {label: smallest_ess(draws) / took for label, (draws, took) in found.items()}
        samples.append(
            about
            | {f"{label}, ESS/s": rate for label, rate in rates.items()}
            | {f"{label}, s": took for label, (_, took) in found.items()}
            | {"ratio": rates["ours"] / rates["PyMC"]}
            | {"largest z": largest_z(found["ours"][0], found["PyMC"][0])}
        )
    for rows in (gradients, samples):
        print()
        print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))


if __name__ == "__main__":
    main()
