"""A model sampled, checked, predicted from, and described by a manifest."""

import json
import time
import warnings
from contextlib import nullcontext
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from data.study import Study
from models.inference.chains import kept_names
from models.inference.fit import UNOBSERVED
from models.inference.predictive import log_likelihood, replicated
from models.inference.prepare import COMPILING, Prepared, prepared
from models.inference.prior_predictive import draw_prior
from models.inference.samplers import PACKAGES as SAMPLER_PACKAGES
from models.name import ModelName, named, refuse_misfit
from models.predictor.variance_shares import variance_shares
from models.priors.absurd import far_share
from models.priors.density import log_prior
from models.priors.prior_set import Priors
from models.settings import Settings
from models.work.fits import decoded
from models.work.made_from import DRAWS, made_by
from models.work.progress import Reporter, reporting

PACKAGES = ("interlocal", "pymc", "pytensor", "arviz", "numpy", "xarray")
KEPT = 2**27  # values of the pointwise log-likelihood that a fit keeps: 1 GiB


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
        ``draws``, ``tune``, ``chains``, ``seed``, ``target_accept``, and ``sampler``,
        as in `Settings`.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats`` (chain, draw), ``prior`` and
        ``prior_predictive`` (one chain, 1000 draws), ``posterior_predictive`` and
        ``log_likelihood`` (chain, draw, dyad; natural log), ``log_prior`` (chain, draw; natural
        log, a variable a parameter), ``observed_data`` and ``constant_data``; where outcomes are
        missing, ``unobserved_data``. Its attributes are the manifest: title, model, priors,
        settings, versions, synthetic columns, diagnostics, what a first try showed that failed
        (``first_try``), ``compile_seconds`` and ``sampling_seconds``. Of more than 2^27 values
        ``log_likelihood`` is not kept, for computing it again takes less time than reading it
        (`models.inference.pointwise`); of counts see `models.inference.predictive.replicated`.

    Raises
    ------
    ModelError
        There is no such model, it explains zeros where no count is zero, or a setting is out of
        range.
    PriorError
        The prior set does not exist, or does not fit the study.

    Warns
    -----
    ConvergenceWarning
        The draws fail a diagnostic; the message names the parameter and the next thing to try.
    """
    chosen = priors if isinstance(priors, Priors) else Priors.load(priors)
    checked = Settings(**settings)
    refuse_misfit(model, study)
    label = label_of(study, model, chosen)
    with reporting(label) if progress else nullcontext(Reporter()) as reporter:
        reporter.stage("compiling")
        fit = sampled(prepared(study, model, chosen, checked), reporter)
    if not fit.attrs["passed"]:
        faults = "; ".join(decoded(fit.attrs, "faults"))
        text = f"{fit.attrs['model']}: {faults}: {fit.attrs['remedy']}"
        warnings.warn(text, ConvergenceWarning, stacklevel=2)
    return fit


def label_of(study: Study, model: str, priors: Priors) -> str:
    """Give the words that progress is shown under."""
    return f"{study.name} {named(model, study).name} ({priors.name} priors)"


def sampled(ready: Prepared, reporter: Reporter) -> xr.DataTree:
    """Sample the posterior of a model, and predict from it."""
    study, name, settings = ready.study, ready.name, ready.settings
    began = time.perf_counter()
    drawn = ready.draw(reporter)
    sampling_seconds = time.perf_counter() - began

    reporter.stage("predicting")
    streams = np.random.SeedSequence(settings.seed).spawn(3)
    with COMPILING:
        prior = draw_prior(ready.model, kept_names(ready.model), streams[0])
        prior_density = log_prior(drawn.posterior, study, name, ready.priors)
    counts = {
        "prior_predictive": replicated(prior, study.dyads, name, streams[2]),
        "posterior_predictive": replicated(drawn.posterior, study.dyads, name, streams[1]),
    }
    if settings.chains * settings.draws * study.dyads.sizes["dyad"] <= KEPT:
        counts["log_likelihood"] = log_likelihood(drawn.posterior, study.dyads, name)
    tree = xr.DataTree.from_dict(
        {
            "posterior": drawn.posterior.assign(
                variance_share=variance_shares(drawn.posterior, study.dyads, name)
            ),
            "sample_stats": drawn.stats,
            "log_prior": prior_density,
            "prior": prior,
            **{group: values.to_dataset(name="outcome") for group, values in counts.items()},
            "observed_data": study.dyads[["outcome"]],
            "constant_data": study.dyads.drop_vars("outcome"),
            **({} if study.unobserved is None else {UNOBSERVED: study.unobserved}),
        }
    )
    tree.attrs = _manifest(study, name, ready.priors, settings) | drawn.attributes
    tree.attrs |= {"compile_seconds": ready.seconds, "sampling_seconds": sampling_seconds}
    observed = study.dyads["outcome"].to_numpy()
    tree.attrs["prior_far"] = far_share(counts["prior_predictive"], observed)
    return tree


def _manifest(study: Study, name: ModelName, priors: Priors, settings: Settings) -> dict[str, Any]:
    packages = dict.fromkeys([*PACKAGES, *SAMPLER_PACKAGES[settings.sampler]])
    return {
        **study.words,
        "study": study.name,
        "study_digest": study.digest,
        "made_by": made_by(DRAWS),
        "missing_dyads": study.missing_dyads,
        "model": name.name,
        "cautions": json.dumps(name.cautions),
        "priors": priors.name,
        "priors_in_force": priors.to_json(),
        **asdict(settings),
        "versions": json.dumps({package: version(package) for package in packages}),
    }
