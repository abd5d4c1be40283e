"""Which results of a study there are: fits under every prior set, and maximum likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.errors import ModelError, ResultsError
from data.study import Study
from models.frequentist.files import load_mle
from models.frequentist.result import MaximumLikelihood
from models.frequentist.table import frequentist_table
from models.name import named, parse_model
from models.priors.files import prior_sets
from models.priors.prior_set import Priors
from models.work import netcdf
from models.work.fits import MADE_FROM
from models.work.made_from import DRAWS, made_by
from models.work.workspace import maximum_likelihood_path


@dataclass(frozen=True)
class FitFile:
    """One fit on disk."""

    model: str
    priors: str
    path: Path

    @property
    def label(self) -> str:
        return f"{self.model} ({self.priors} priors)"


@dataclass(frozen=True)
class FoundFits:
    """The fits of a study that there are.

    Attributes
    ----------
    passed : tuple of FitFile
        Those that can be used; models in the study's order, `default` priors first.
    out_of_date : tuple of FitFile
        Those of another state of the study, of a prior set that comes with the package and has
        changed since, or that cannot be read.
    """

    passed: tuple[FitFile, ...]
    failed: tuple[FitFile, ...]
    out_of_date: tuple[FitFile, ...]


def find_fits(study: Study, results: Path) -> FoundFits:
    """Find the fits of a study under every prior set."""
    models, sets = list(study.declaration.models), ["default", *prior_sets()]

    def order(fit: FitFile) -> tuple[int, str, int, str]:
        return (
            *(models.index(fit.model) if fit.model in models else len(models), fit.model),
            *(sets.index(fit.priors) if fit.priors in sets else len(sets), fit.priors),
        )

    states: dict[str, list[FitFile]] = {"passed": [], "failed": [], "out_of_date": []}
    in_force: dict[str, str] = {}  # of the sets that come with the package
    for path in (results / study.name).glob("*/*.nc"):
        model = path.name.removesuffix(".nc").removesuffix(".failed")
        fit = FitFile(model, path.parent.name, path)
        if state := _state(fit, study, in_force):
            states[state].append(fit)
    return FoundFits(**{state: tuple(sorted(fits, key=order)) for state, fits in states.items()})


def maximum_likelihood_beside(
    study: Study, models: Sequence[str], results: Path
) -> tuple[pd.DataFrame, list[str]]:
    """Give what pooled maximum likelihood says, beside each model of its family.

    Returns
    -------
    table : pandas.DataFrame
        A row a coefficient: ``model``, ``part``, ``term``, ``ml_estimate``, ``p_<kind>``
        (two-sided, Wald) for each kind of standard error that the result holds and, where it has
        them, ``p_permutation``.
    """
    stale: dict[str, None] = {}
    tables = {}
    for model in models:
        twin = f"{named(model).family_name}_pooled"
        path = maximum_likelihood_path(results, study.name, twin)
        if not path.exists():
            continue
        try:
            fit = load_mle(path)
        except ResultsError:
            stale[f"{twin} (maximum likelihood)"] = None
            continue
        if fit.is_of(study):
            tables[model] = _every_p(fit)
        else:
            stale[f"{twin} (maximum likelihood)"] = None
    if not tables:
        return pd.DataFrame(columns=["model", "part", "term", "ml_estimate"]), list(stale)
    return pd.concat(tables, names=["model"]).reset_index(), list(stale)


def _every_p(fit: MaximumLikelihood) -> pd.DataFrame:
    by_kind = {kind: frequentist_table(fit, kind) for kind in fit.kinds}
    table = next(iter(by_kind.values()))
    columns = {"ml_estimate": table["estimate"]}
    columns |= {f"p_{kind}": one["p"] for kind, one in by_kind.items()}
    if "p_permutation" in table:
        columns["p_permutation"] = table["p_permutation"]
    return pd.DataFrame(columns)


def _state(fit: FitFile, study: Study, in_force: dict[str, str]) -> str:
    """Tell what a file is; nothing where it is no fit."""
    try:
        parse_model(fit.model)
    except ModelError:
        return ""
    attributes = netcdf.attributes(fit.path)
    if not attributes:
        return "out_of_date"
    if "priors" not in attributes:  # maximum likelihood has none
        return ""
    if fit.priors in prior_sets() and fit.priors not in in_force:
        in_force[fit.priors] = Priors.load(fit.priors).to_json()
    now = [study.digest, in_force.get(fit.priors, attributes["priors_in_force"]), made_by(DRAWS)]
    if [attributes.get(name) for name in (*MADE_FROM, "made_by")] != now:
        return "out_of_date"
    return "passed" if attributes["passed"] else "failed"
