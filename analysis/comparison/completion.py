"""What a comparison needs beside its table: missing fits, what they are, verdicts on inflation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from analysis.comparison.compare import Row, fit_of
from analysis.comparison.file import About
from analysis.comparison.inflation import Verdict, overlap, twin_of
from data.errors import ConvergenceError
from data.study import Study
from models.frequentist.fit import maximum_likelihood
from models.frequentist.identification import NOT_IDENTIFIED
from models.inference.sample_to_files import sample_to_files
from models.leave_out.loo import psis
from models.name import parse_model
from models.priors.prior_set import Priors
from models.settings import Settings
from models.work.fits import fit_path


def complete_fits(study: Study, models: Sequence[str], priors: Priors, results: Path) -> None:
    """Fit the models that are not there, and the twin of each zero-inflated one."""
    missing = [
        each for each in _with_twins(models) if not fit_path(results, study, priors, each).exists()
    ]
    wanted = [(model, priors) for model in missing]
    made = sample_to_files(study, wanted, Settings(), results)
    for model, (path, _) in zip(missing, made, strict=True):
        if path.name.endswith(".failed.nc"):
            raise ConvergenceError(
                f"{model} failed its diagnostics ({path}), and cannot be compared; "
                f"`interlocal sample --model {model}` says why"
            )


def about_comparison(study: Study, models: Sequence[str], priors: Priors, results: Path) -> About:
    """Say what is to be compared."""
    fits = {}
    for name in _with_twins(models):
        with fit_of(study, name, priors, results) as fit:
            fits[name] = fit.attrs["digest"]
    declared = study.declaration
    return About(declared.title, declared.synthetic, priors.name, study.digest, fits)


def verdicts_on(
    study: Study,
    models: Sequence[str],
    priors: Priors,
    results: Path,
    compared: Mapping[str, Row],
) -> list[Verdict]:
    """Judge whether the inflation of each zero-inflated model is identified."""
    inflated = [model for model in models if twin_of(model)]
    at_boundary = {
        family: any(
            flag.startswith(NOT_IDENTIFIED)
            for flag in maximum_likelihood(study, f"{family}_pooled").flags
        )
        for family in {parse_model(model).family_name for model in inflated}
    }
    verdicts = []
    for model in inflated:
        twin = twin_of(model)
        with (
            fit_of(study, model, priors, results) as fit,
            fit_of(study, twin, priors, results) as other,
        ):
            difference = _by_dyad(fit, compared) - _by_dyad(other, compared)
            prior, posterior = (
                fit[group].to_dataset()["selection_intercept"].load()
                for group in ("prior", "posterior")
            )
        verdicts.append(
            Verdict(
                model=model,
                twin=twin,
                gain=float(difference.sum()),
                error=float((difference.size * difference.var(ddof=1)) ** 0.5),
                overlap=overlap(prior, posterior),
                at_boundary=at_boundary[parse_model(model).family_name],
            )
        )
    return verdicts


def _with_twins(models: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*models, *filter(None, map(twin_of, models))]))


def _by_dyad(fit: xr.DataTree, compared: Mapping[str, Row]) -> xr.DataArray:
    model = fit.attrs["model"]
    return compared[model].estimate.elpd_i if model in compared else psis(fit, "dyad").elpd_i
