"""What a comparison needs beside its table: missing fits, what they are, verdicts on inflation."""

from collections.abc import Mapping, Sequence

import xarray as xr

from analysis.comparison.compare import Row, fit_of
from analysis.comparison.errors import cities_of_units, errors_of_sum
from analysis.comparison.file import Compared
from analysis.comparison.inflation import Verdict, overlap, twin_of
from data.errors import ConvergenceError
from data.roles import Part
from models.frequentist.fit import maximum_likelihood
from models.frequentist.identification import NOT_IDENTIFIED
from models.inference.fit import Fit
from models.inference.sample_to_files import sample_to_files
from models.leave_out.loo import psis
from models.settings import Settings
from models.work.netcdf import attributes
from models.work.workspace import Workspace, refuse_other_study


def complete_fits(workspace: Workspace, models: Sequence[str]) -> None:
    """Fit the models that are not there, and the twin of each zero-inflated one.

    A twin that was not asked for, and fails the gate by little, serves: it is named with the
    verdict.
    """
    refuse_other_study(workspace.results, workspace.study)
    missing = [model for model in _with_twins(models) if not attributes(workspace.fit(model))]
    settings = _settings_there(workspace, models)
    made = sample_to_files([(workspace, model) for model in missing], settings)
    for model, (path, _) in zip(missing, made, strict=True):
        if path.name.endswith(".failed.nc"):
            with Fit.open(path) as fit:
                if model not in models and fit.diagnostics.nearly:
                    continue
            raise ConvergenceError(
                f"{model} failed its diagnostics ({path}), and cannot be compared; "
                f"`interlocal sample --model {model}` says why"
            )


def _settings_there(workspace: Workspace, models: Sequence[str]) -> Settings:
    """Give how the first of the fits that are there was sampled; defaults where there is none."""
    for model in models:
        if attributes(workspace.fit(model)):
            with fit_of(workspace, model) as fit:
                return fit.settings
    return Settings()


def compared_fits(workspace: Workspace, models: Sequence[str]) -> Compared:
    """Say what is to be compared."""
    fits = {}
    for model in _with_twins(models):
        with fit_of(workspace, model, nearly=model not in models) as fit:
            fits[model] = fit.digest
    study = workspace.study
    declared, cities = study.declaration, study.dyads.sizes["city"]
    return Compared(
        *(declared.title, declared.synthetic, workspace.priors.name, study.digest, fits, cities)
    )


def verdicts_on(
    workspace: Workspace, models: Sequence[str], compared: Mapping[str, Row]
) -> list[Verdict]:
    """Judge whether the inflation of each zero-inflated model is identified."""
    inflated = [model for model in models if twin_of(model)]
    at_boundary: dict[str, bool] = {}
    cities = cities_of_units(workspace.study.dyads, "dyad")
    verdicts = []
    for model in inflated:
        twin = twin_of(model)
        with (
            fit_of(workspace, model) as fit,
            fit_of(workspace, twin, nearly=twin not in models) as other,
        ):
            family = fit.name.family_name
            difference = (_by_dyad(fit, compared) - _by_dyad(other, compared)).to_numpy()
            prior, posterior = (
                fit.tree[group].to_dataset()[Part.SELECTION.intercept].load()
                for group in ("prior", "posterior")
            )
        if family not in at_boundary:
            flags = maximum_likelihood(workspace.study, f"{family}_pooled").flags
            at_boundary[family] = any(flag.startswith(NOT_IDENTIFIED) for flag in flags)
        verdicts.append(
            Verdict(
                model=model,
                twin=twin,
                gain=float(difference.sum()),
                errors=errors_of_sum(difference, cities),
                overlap=overlap(prior, posterior),
                at_boundary=at_boundary[family],
                faults=other.faults,
            )
        )
    return verdicts


def _with_twins(models: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*models, *filter(None, map(twin_of, models))]))


def _by_dyad(fit: Fit, compared: Mapping[str, Row]) -> xr.DataArray:
    if fit.model in compared:
        return compared[fit.model].estimate.elpd_i
    return psis(fit.tree, "dyad").elpd_i
