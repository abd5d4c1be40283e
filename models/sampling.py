"""pm.Model -> checked draws."""

import json
import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr

from data.errors import ModelError
from data.study import Study
from models.build import build
from models.diagnostics import Diagnostics, diagnose
from models.names import ModelName, parse_model
from models.predictor import linear_predictor
from models.priors import Priors
from models.progress import Reporter, reporting
from models.settings import Settings

PACKAGES = ("interlocal", "pymc", "pytensor", "nutpie", "arviz", "numpy", "xarray")
PRIOR_DRAWS = 1000
LONGER = 4  # how much longer the second run is, where the first one is too short
BLOCK = 2**22  # draws x dyads held at once: 32 MiB an array


class ConvergenceWarning(UserWarning):
    """A fit failed its diagnostics."""


def sample(
    study: Study,
    model: str,
    priors: str | Priors = "default",
    *,
    progress: bool = True,
    **settings: Any,
) -> xr.DataTree:
    """Sample the posterior of a model.

    Parameters
    ----------
    study : Study
        The dyads.
    model : str
        Family and effects, for example ``zinb_srm``.
    priors : str or Priors
        A prior set, or its name or path.
    progress : bool
        Show progress on standard error.
    **settings : dict
        ``draws``, ``tune``, ``chains``, ``seed`` and ``target_accept``, as in `Settings`.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats`` (chain, draw), ``prior`` and
        ``prior_predictive`` (one chain, 1000 draws), ``posterior_predictive`` and
        ``log_likelihood`` (chain, draw, dyad; natural log), ``observed_data`` and
        ``constant_data``. Its attributes are the manifest: title, model, priors, settings,
        versions, synthetic columns, diagnostics, ``compile_seconds`` and ``sampling_seconds``.

    Raises
    ------
    ModelError
        There is no such model, or a setting is out of range.
    PriorError
        The prior set does not exist, or does not fit the study.

    Warns
    -----
    ConvergenceWarning
        The draws fail a diagnostic; the message names the parameter and the next thing to try.
    """
    name = parse_model(model)
    chosen = priors if isinstance(priors, Priors) else Priors.load(priors)
    how = Settings(**settings)
    label = f"{study.name} {model} ({chosen.name} priors)"
    with reporting(label) if progress else nullcontext(Reporter()) as reporter:
        return _sample(study, name, chosen, how, reporter)


def _sample(
    study: Study, name: ModelName, priors: Priors, how: Settings, reporter: Reporter
) -> xr.DataTree:
    reporter.stage("compiling")
    began = time.perf_counter()
    model = build(study, name.name, priors)
    public = [v.name for v in model.unobserved_RVs if not v.name.startswith("_")]
    compiled = nutpie.compile_pymc_model(model, var_names=public)
    compile_seconds = time.perf_counter() - began

    began = time.perf_counter()
    posterior, stats, diagnostics, thin = _draw_enough(compiled, public, how, reporter)
    sampling_seconds = time.perf_counter() - began

    reporter.stage("predicting")
    streams = np.random.SeedSequence(how.seed).spawn(3)
    prior = _prior(model, public, streams[0])
    likelihood, predictive = _per_draw(posterior, study.dyads, name, streams[1])
    _, prior_predictive = _per_draw(prior, study.dyads, name, streams[2])
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": stats,
            "prior": prior,
            "prior_predictive": prior_predictive.to_dataset(name="count"),
            "posterior_predictive": predictive.to_dataset(name="count"),
            "log_likelihood": likelihood.to_dataset(name="count"),
            "observed_data": study.dyads[["count"]],
            "constant_data": study.dyads.drop_vars("count"),
        }
    )
    tree.attrs = _manifest(study, name, priors, how, diagnostics)
    tree.attrs |= {
        "thin": thin,
        "compile_seconds": compile_seconds,
        "sampling_seconds": sampling_seconds,
    }
    if diagnostics.faults:
        text = f"{name.name}: {'; '.join(diagnostics.faults)}: {diagnostics.remedy}"
        warnings.warn(text, ConvergenceWarning, stacklevel=4)
    return tree


def _draw_enough(
    compiled: Any, public: list[str], how: Settings, reporter: Reporter
) -> tuple[xr.Dataset, xr.Dataset, Diagnostics, int]:
    """Draw; where nothing is wrong but the length of the chains, draw longer ones and thin them."""
    for thin in (1, LONGER):
        run = replace(how, draws=how.draws * thin, tune=how.tune * min(thin, 2))
        fit = _draw(compiled, run, reporter)
        posterior = _every(thin, fit["posterior"].to_dataset()[public])
        stats = fit["sample_stats"].to_dataset()
        diagnostics = diagnose(posterior, stats)
        if not diagnostics.is_too_short:
            break
        reporter.stage("chains are too short; longer ones follow")
    # a kept draw counts as diverging where any of those that it stands for did
    diverging = stats["diverging"].coarsen(draw=thin).max().to_numpy()
    kept = _every(thin, stats)
    return posterior, kept.assign(diverging=(("chain", "draw"), diverging)), diagnostics, thin


def _every(thin: int, draws: xr.Dataset) -> xr.Dataset:
    kept = draws.isel(draw=slice(thin - 1, None, thin))
    return kept.assign_coords(draw=np.arange(kept.sizes["draw"]))


def _draw(compiled: Any, how: Settings, reporter: Reporter) -> xr.DataTree:
    reporter.stage("tuning and drawing")

    def report(chains: list[Any]) -> None:
        done = sum(chain.finished_draws for chain in chains)
        total = sum(chain.total_draws for chain in chains)
        divergences = sum(chain.divergences for chain in chains if not chain.tuning)
        reporter.advance(done, total, f"{divergences} divergences" if divergences else "")

    sampler = nutpie.sample(
        compiled,
        draws=how.draws,
        tune=how.tune,
        chains=how.chains,
        cores=min(how.chains, os.process_cpu_count() or 1),
        seed=how.seed,
        target_accept=how.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
        progress_rate=200,
        blocking=False,
    )
    try:
        fit: xr.DataTree = sampler.wait()
    except RuntimeError as error:
        raise ModelError(
            f"the sampler stopped: {' '.join(str(error).split())}; "
            "look for predictors of extreme size and for priors that exclude the data"
        ) from None
    except BaseException:  # an interrupt too: nutpie's threads must end with us
        sampler.cancel()
        raise
    return fit


def _prior(model: pm.Model, public: list[str], seed: np.random.SeedSequence) -> xr.Dataset:
    log = logging.getLogger("pymc")
    level = log.level
    log.setLevel(logging.WARNING)  # it would list every variable
    try:
        tree: xr.DataTree = pm.sample_prior_predictive(
            PRIOR_DRAWS,
            model=model,
            var_names=public,
            random_seed=int(seed.generate_state(1)[0]),
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
    finally:
        log.setLevel(level)
    return tree["prior"].to_dataset()


def _per_draw(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, seed: np.random.SeedSequence
) -> tuple[xr.DataArray, xr.DataArray]:
    """Compute the pointwise log-likelihood, and draw one replicate of the counts, per draw."""
    rng = np.random.default_rng(seed)
    count = dyads["count"].to_numpy()
    shape = {"chain": draws.sizes["chain"], "draw": draws.sizes["draw"], "dyad": len(count)}
    likelihood = np.empty(tuple(shape.values()))
    replicate = np.empty(tuple(shape.values()), dtype=np.int64)
    for chain, block in _blocks(shape):
        some = draws.isel(chain=chain, draw=block)
        values = {p: linear_predictor(some, dyads, p).to_numpy() for p in name.parts}
        arguments = (
            values["degree"],
            values.get("selection"),
            some["dispersion"].to_numpy()[:, None] if name.family.has_dispersion else None,
        )
        likelihood[chain, block] = name.family.log_prob(count, *arguments)
        replicate[chain, block] = name.family.draw(rng, *arguments)
    coords = {dim: draws[dim] for dim in ("chain", "draw")} | {"dyad": dyads["dyad"].to_numpy()}
    return (
        xr.DataArray(likelihood, coords, tuple(shape)),
        xr.DataArray(replicate, coords, tuple(shape)),
    )


def _blocks(shape: dict[str, int]) -> Iterator[tuple[int, slice]]:
    size = max(1, BLOCK // shape["dyad"])
    for chain in range(shape["chain"]):
        for first in range(0, shape["draw"], size):
            yield chain, slice(first, first + size)


def _manifest(
    study: Study, name: ModelName, priors: Priors, how: Settings, diagnostics: Diagnostics
) -> dict[str, Any]:
    diagnosed = asdict(diagnostics)
    return {
        "title": study.declaration.title,
        "study": study.name,
        "study_digest": study.digest,
        "declaration": study.declaration.model_dump_json(),
        "synthetic": json.dumps(study.declaration.synthetic),
        "missing_dyads": study.missing_dyads,
        "model": name.name,
        "priors": priors.name,
        "priors_in_force": priors.to_json(),
        **asdict(how),
        "versions": json.dumps({package: version(package) for package in PACKAGES}),
        **{key: value for key, value in diagnosed.items() if key != "faults"},
        "remedy": diagnostics.remedy,
        "faults": json.dumps(diagnosed["faults"]),
        "passed": int(not diagnostics.faults),
    }
