"""Maximum-likelihood results on disk: one netCDF each, not made twice."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from data.errors import ResultsError
from data.files import refuse_unwritable
from data.study import Study
from models.frequentist.fit import maximum_likelihood, with_jackknife
from models.frequentist.permutations import permutation_test
from models.frequentist.ratios import likelihood_tests
from models.frequentist.regression import regression
from models.frequentist.result import MaximumLikelihood
from models.work import netcdf
from models.work.cluster import in_process, on_cluster
from models.work.fits import decoded, digest_of, is_current
from models.work.made_from import MAXIMA
from models.work.progress import reporting
from models.work.workspace import claim, maximum_likelihood_path, refuse_other_study

AGAIN = "`interlocal mle`"  # makes a result again
SHORT = 200_000  # permutations times dyads that take no longer than starting processes does

# what a file holds of a result: arrays under their names there, tables, numbers
ARRAYS = {
    "estimate": "parameters",
    "covariance": "covariance",
    "mean": "means",
    "log_likelihood": "pointwise",
}
TABLES = ("tests", "permutations")
FIGURES = {
    "zeros": int,
    "expected_zeros": float,
    "starts": int,
    "reached": int,
    "maxima": int,
    "gradient_norm": float,
}
LISTS = ("flags", "cautions")
CRITERIA = ("aic", "bic")  # for readers of the file; a result computes them


def fit_to_file(
    study: Study, model: str, permutations: int, results: Path, *, seed: int, force: bool = False
) -> tuple[MaximumLikelihood, Path, bool]:
    """Fit a pooled model into the results folder, unless the fit is there already.

    Parameters
    ----------
    permutations : int
        Permutations of the cities for p-values; 0 for none.
    """
    digest = digest_of([study.digest, model, permutations, seed], MAXIMA)
    path = maximum_likelihood_path(results, study.name, model)
    refuse_other_study(results, study)
    if not force and is_current(path, digest):
        claim(results, study)
        return load_mle(path).as_told_by(study), path, True
    refuse_unwritable(path.parent)
    fit = maximum_likelihood(study, model, seed=seed)
    data = regression(study, fit.family)
    found = pd.DataFrame()
    if permutations:
        short = permutations * study.dyads.sizes["dyad"] < SHORT
        with (
            nullcontext(in_process) if short else on_cluster() as run,
            reporting(f"{study.name} {model}") as reporter,
        ):
            found = permutation_test(
                study, fit, permutations=permutations, seed=seed, run=run, reporter=reporter
            )
    fit = replace(
        with_jackknife(fit, data),
        tests=likelihood_tests(data, fit.pointwise.to_numpy()),
        permutations=found,
        attributes={**fit.attributes, "digest": digest},
    )
    claim(results, study)
    save_mle(fit, path)
    return fit, path, False


def save_mle(fit: MaximumLikelihood, path: Path) -> None:
    """Write a result."""
    refuse_unwritable(path.parent)
    fitted = xr.Dataset({name: getattr(fit, attribute) for name, attribute in ARRAYS.items()})
    tables = {name: getattr(fit, name).to_xarray() for name in TABLES}
    tree = xr.DataTree.from_dict({"fit": fitted, **tables})
    figures = {name: getattr(fit, name) for name in FIGURES}
    criteria = {name: getattr(fit, name) for name in CRITERIA}
    tree.attrs = {**fit.attributes, **figures, **criteria}
    tree.attrs |= {name: json.dumps(getattr(fit, name)) for name in LISTS}
    netcdf.write(tree, path)


def load_mle(path: Path) -> MaximumLikelihood:
    """Read a result."""
    if not path.exists():
        raise ResultsError(f"{path}: no such result; run `make mle` first")
    try:
        with netcdf.open_tree(path, AGAIN) as tree:
            fitted = tree["fit"].to_dataset().load()
            attributes = dict(tree.attrs)
            parts: dict[str, Any] = {name: _table(tree, name) for name in TABLES}
        parts |= {attribute: fitted[name] for name, attribute in ARRAYS.items()}
        parts |= {name: number(attributes.pop(name)) for name, number in FIGURES.items()}
        parts |= {name: tuple(decoded(attributes, name)) for name in LISTS}
    except (KeyError, ValueError) as error:  # of another version
        raise netcdf.refuse(path, f"it lacks {error}", AGAIN) from None
    known = {
        str(key): str(value) for key, value in attributes.items() if key not in (*CRITERIA, *LISTS)
    }
    return MaximumLikelihood(**parts, attributes=known)


def _table(tree: xr.DataTree, name: str) -> pd.DataFrame:
    dataset = tree.children[name].to_dataset().load()
    return dataset.to_dataframe() if dataset.sizes else pd.DataFrame()
