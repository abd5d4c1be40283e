"""Maximum-likelihood results on disk: one netCDF each, not made twice."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd
import xarray as xr

from data.errors import ResultsError
from data.files import refuse_unwritable, replacing
from data.study import Study
from models.frequentist.fit import maximum_likelihood
from models.frequentist.jackknife import with_jackknife
from models.frequentist.permutations import permutation_test
from models.frequentist.ratios import likelihood_tests
from models.frequentist.regression import regression
from models.frequentist.result import MaximumLikelihood
from models.work.cluster import in_process, on_cluster
from models.work.fits import digest_of, is_current
from models.work.progress import reporting

SHORT = 200_000  # permutations times dyads that take no longer than starting processes does
FOLDER = "maximum_likelihood"  # beside the folders of prior sets


def fit_to_file(
    study: Study, model: str, permutations: int, results: Path, *, seed: int, force: bool = False
) -> tuple[MaximumLikelihood, Path, bool]:
    """Fit a pooled model into the results folder, unless the fit is there already.

    Parameters
    ----------
    permutations : int
        Permutations of the cities for p-values; 0 for none.
    """
    digest = digest_of([study.digest, model, permutations, seed])
    path = mle_path(results, study.name, model)
    if not force and is_current(path, digest):
        return load_mle(path), path, True
    refuse_unwritable(path.parent)
    fit = maximum_likelihood(study, model, seed=seed)
    data = regression(study, fit.family)
    fit = replace(fit, tests=likelihood_tests(data, fit.pointwise.to_numpy()))
    fit = with_jackknife(fit, data)
    if permutations:
        short = permutations * study.dyads.sizes["dyad"] < SHORT
        with (
            nullcontext(in_process) if short else on_cluster() as run,
            reporting(f"{study.name} {model}") as reporter,
        ):
            found = permutation_test(
                study, fit, permutations=permutations, seed=seed, run=run, reporter=reporter
            )
        fit = replace(fit, permutations=found)
    fit = replace(fit, attributes={**fit.attributes, "digest": digest})
    save_mle(fit, path)
    return fit, path, False


def mle_path(results: Path, study: str, model: str) -> Path:
    """Name the file of a result."""
    return results / study / FOLDER / f"{model}.nc"


def save_mle(fit: MaximumLikelihood, path: Path) -> None:
    """Write a result."""
    refuse_unwritable(path.parent)
    fitted = xr.Dataset(
        {
            "estimate": fit.parameters,
            "covariance": fit.covariance,
            "mean": fit.means,
            "log_likelihood": fit.pointwise,
        }
    )
    attributes = {
        **fit.attributes,
        "zeros": fit.zeros,
        "expected_zeros": fit.expected_zeros,
        "starts": fit.starts,
        "reached": fit.reached,
        "gradient_norm": fit.gradient_norm,
        "flags": json.dumps(fit.flags),
        "aic": fit.aic,
        "bic": fit.bic,
    }
    groups = {"tests": fit.tests, "permutations": fit.permutations}
    tables = {name: table.to_xarray() for name, table in groups.items()}
    with replacing(path) as temporary:
        tree = xr.DataTree.from_dict({"fit": fitted, **tables})
        tree.attrs = attributes
        tree.to_netcdf(temporary, engine="h5netcdf")


def load_mle(path: Path) -> MaximumLikelihood:
    """Read a result.

    Returns
    -------
    MaximumLikelihood
        The same as was written.
    """
    if not path.exists():
        raise ResultsError(f"{path}: no such result; run `make mle` first")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            root = tree["fit"].to_dataset().load()
            attrs = dict(tree.attrs)
            tests, permutations = (_table(tree, name) for name in ("tests", "permutations"))
        return MaximumLikelihood(
            parameters=root["estimate"],
            covariance=root["covariance"],
            means=root["mean"],
            pointwise=root["log_likelihood"],
            zeros=int(attrs.pop("zeros")),
            expected_zeros=float(attrs.pop("expected_zeros")),
            starts=int(attrs.pop("starts")),
            reached=int(attrs.pop("reached")),
            gradient_norm=float(attrs.pop("gradient_norm")),
            flags=tuple(json.loads(attrs.pop("flags"))),
            tests=tests,
            permutations=permutations,
            attributes={
                str(key): str(value) for key, value in attrs.items() if key not in ("aic", "bic")
            },
        )
    except (OSError, KeyError, ValueError):
        raise ResultsError(f"{path}: holds no maximum-likelihood result; make it again") from None


def _table(tree: xr.DataTree, name: str) -> pd.DataFrame:
    dataset = tree.children[name].to_dataset().load()
    return dataset.to_dataframe() if dataset.sizes else pd.DataFrame()
