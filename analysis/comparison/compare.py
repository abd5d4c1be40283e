"""Models compared by how well they predict a dyad, a pair or a city that they have not seen."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO

from analysis.comparison.errors import cities_of_units, errors_of_sum, ruling
from analysis.comparison.file import ML
from analysis.fits.in_memory import results_of
from data.errors import ResultsError
from data.study import Study
from models.inference.fit import Fit
from models.inference.gate import ENOUGH
from models.inference.sample_to_files import sample_to_files
from models.leave_out.loo import container, high_k, in_sample, psis, with_others
from models.leave_out.maximum_likelihood import left_out_densities
from models.leave_out.refit import refits_of
from models.leave_out.treatment import Treatment
from models.leave_out.units import UNITS, suited_units
from models.priors.prior_set import Priors
from models.settings import Settings
from models.work.cluster import in_process, on_cluster
from models.work.pieces import Bench
from models.work.progress import reporting
from models.work.workspace import Workspace


@dataclass(frozen=True)
class Row:
    """One model's score at one unit.

    Attributes
    ----------
    estimate : arviz_stats.utils.ELPDDataLOO
        Pointwise; Pareto k is that of the integration where the unit's own effects were
        integrated out, and 0 where the unit was left out exactly.
    high_k : int
        Units that importance sampling over the draws did not reach, by city each where the model
        has city effects; all were treated.
    refits, failed : int
        How many exact refits there were, and how many of them failed the gate.
    error : float
        Monte Carlo standard error of the elpd that comes from the treated units.
    effective : pandas.Series
        By unit how many draws its density rests on, of those that were integrated or refitted.
    not_reached : int
        Units that were to be refitted, and were not: their densities are what importance sampling
        gives, with the effects of their cities integrated out where they have any.
    """

    estimate: ELPDDataLOO
    high_k: int
    integrated: int
    refits: int
    failed: int
    error: float
    effective: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    not_reached: int = 0


@dataclass(frozen=True)
class Comparison:
    """Tables of models, one a unit.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        By unit. A row a model, the best first; columns as `compare` describes.
    """

    tables: dict[str, pd.DataFrame]
    rows: dict[str, dict[str, Row]]


def compare(
    study: Study,
    models: Sequence[str] = (),
    *,
    priors: str | Priors = "default",
    units: Sequence[str] = UNITS,
    fits: Sequence[xr.DataTree] = (),
    results: str | Path | None = None,
    scheduler: str = "",
    refits: bool = True,
) -> pd.DataFrame:
    """Compare the fits of a study, and the maximum-likelihood fit, at each unit.

    Parameters
    ----------
    study : Study
        The study.
    models : sequence of str
        Models that have been fitted; by default those of `fits`, else those that the study names.
    priors : str or Priors
        The prior set.
    units : sequence of str
        What is left out: ``dyad``, ``pair`` (of directed dyads), ``city``.
    fits : sequence of xarray.DataTree
        Fits of the study in memory, as `models.sample` gives them.
    results : str or pathlib.Path, optional
        The results folder: fits are read from it, treated units kept in it. By default
        ``results``; of a study or of fits in memory a folder that is removed at the end, and
        models that have no fit are sampled first.
    scheduler : str
        The address of a dask scheduler; a cluster on this machine where it is empty.
    refits : bool
        Whether to refit what importance sampling does not reach.

    Returns
    -------
    pandas.DataFrame
        Rows (unit, model), the best first. ``elpd`` (log predictive density of all units) and
        ``se`` as `arviz.compare` has it; ``elpd_diff`` to the best, with its standard errors
        ``dse``, for new outcomes of the same cities (by city of other cities), and ``dse_others``,
        for other cities (`analysis.comparison.errors`), and ``ruling``, the share of its squared
        deviations that one unit makes up; ``diag_diff`` and ``diag_elpd`` as `arviz.compare` has
        them; ``p_loo``; stacking ``weight``; ``high_k`` (units beyond importance sampling over
        the draws), ``integrated`` (how many of them were
        scored with their cities' effects integrated out), ``refits`` (how many were left out
        exactly), ``failed`` (refits that failed the gate), ``few`` (units whose density rests on
        fewer than 50 effective draws of its refit), ``not_reached`` (units that were not refitted,
        though they should be) and ``mc_error`` (of the elpd, from these units). A pooled family's
        row ``zinb_pooled (ML)`` is scored by exact maximum-likelihood refits.

    Raises
    ------
    ModelError
        There is no such model or unit.
    ResultsError
        A fit is missing, or was made from another study or other priors.
    SchedulerError
        The scheduler cannot be reached.
    """
    chosen = priors if isinstance(priors, Priors) else Priors.load(priors)
    given = [Fit(tree).model for tree in fits]
    names = list(models) or given or list(study.declaration.models)
    with results_of(study, results, fits, chosen) as folder:
        place = Workspace(folder, study, chosen)
        if results is None and study.folder is None:
            missing = [(place, model) for model in names if not place.fit(model).exists()]
            for _ in sample_to_files(missing, Settings()):
                pass
        found = comparison(place, names, units, scheduler, refits=refits)
    return pd.concat(found.tables, names=["unit", "model"])


def comparison(
    workspace: Workspace,
    models: Sequence[str],
    units: Sequence[str],
    scheduler: str = "",
    *,
    refits: bool = True,
) -> Comparison:
    """Do the work of `compare`, and keep the pointwise estimates.

    Parameters
    ----------
    scheduler : str
        The address of a dask scheduler; a cluster on this machine where it is empty.
    """
    units = suited_units(units, directed=workspace.study.declaration.dyads.directed)
    wanted: dict[tuple[str, str], tuple[Treatment, ELPDDataLOO]] = {}
    families: dict[str, None] = {}
    for model in models:
        with fit_of(workspace, model) as fit:
            families[fit.name.family_name] = None
            for unit in units:
                estimate = _first_estimate(fit, unit)
                how = _treatment(fit, workspace, unit, estimate, refits)
                wanted[unit, model] = how, estimate
    plans = [plan for how, _ in wanted.values() if (plan := how.plan)]
    rows: dict[str, dict[str, Row]] = {unit: {} for unit in units}
    with (
        on_cluster(scheduler) if plans else nullcontext(in_process) as run,
        reporting(f"compare {workspace.study.name}") as reporter,
    ):
        for plan in plans:
            reporter.tell(plan)
        for (unit, model), (treatment, estimate) in wanted.items():
            with fit_of(workspace, model) as fit:
                scores, error = treatment.scores(fit.posterior, Bench(run, reporter))
            rows[unit][model] = _row(estimate, scores, error)
    for family in families:
        for unit in units:
            scored = left_out_densities(workspace.study, family, unit).assign(pareto_k=0.0)
            estimate = container(scored, unit, 1)
            rows[unit][f"{family}_pooled {ML}"] = Row(estimate, 0, 0, len(scored), 0, 0.0)
    dyads = workspace.study.dyads
    return Comparison(
        {unit: _table(rows[unit], cities_of_units(dyads, unit)) for unit in units}, rows
    )


def fit_of(workspace: Workspace, model: str, *, nearly: bool = False) -> Fit:
    """Open the fit of a model, and refuse one that was made from something else.

    Parameters
    ----------
    nearly : bool
        Whether one that failed the gate by little will do.
    """
    path = workspace.fit(model)
    if nearly and not path.exists():
        path = workspace.failed(model)
    again = f"run `interlocal sample` on it with --model {model} first"
    if not path.exists():
        failed = workspace.failed(model).exists()
        why = "the fit failed its diagnostics" if failed else "no such fit"
        raise ResultsError(f"{path}: {why}; {again}")
    fit = Fit.of(path, workspace.study, workspace.priors)
    if not (fit.passed or fit.diagnostics.nearly):
        fit.tree.close()
        raise ResultsError(f"{path}: the fit failed its diagnostics; {again}")
    return fit


def _first_estimate(fit: Fit, unit: str) -> ELPDDataLOO:
    if unit != "city" or not fit.name.roles:
        return psis(fit.tree, unit)
    # a city's own effects are integrated out: what the draws know of them is from its own outcomes
    lpd = in_sample(fit.tree, unit)
    unknown = pd.DataFrame({"elpd": 0.0, "pareto_k": np.inf, "lpd": lpd})
    return container(unknown, unit, fit.draws)


def _treatment(
    fit: Fit, workspace: Workspace, unit: str, estimate: ELPDDataLOO, refitting: bool
) -> Treatment:
    refits = refits_of(fit, workspace.study, workspace.priors, unit)
    # of a model without city effects nothing is integrated out
    digest = fit.digest if fit.name.roles else ""
    return Treatment(refits, digest, high_k(estimate), workspace.results, refitting)


def _row(estimate: ELPDDataLOO, scores: pd.DataFrame, error: float) -> Row:
    reached = scores[scores["reached"]]
    refitted = reached[~reached["integrated"]]
    return Row(
        with_others(estimate, scores["elpd"], scores["pareto_k"]),
        high_k=len(high_k(estimate)),
        integrated=int(scores["integrated"].sum()),
        refits=len(refitted),
        failed=int((refitted["passed"] == 0).sum()),
        error=error,
        effective=reached["effective"],
        not_reached=len(high_k(estimate)) - len(reached),
    )


def _table(rows: Mapping[str, Row], cities: np.ndarray) -> pd.DataFrame:
    table: pd.DataFrame = az.compare(
        {model: row.estimate for model, row in rows.items()}, round_to="none"
    )
    # `arviz.compare` takes units for independent
    table = table.rename(columns={"p": "p_loo"}).drop(columns="p_worse")
    of = [rows[str(model)] for model in table.index]
    elpd = [row.estimate.elpd_i.to_numpy() for row in of]
    differences = [errors_of_sum(elpd[0] - own, cities) for own in elpd]
    table["dse"] = [errors.these for errors in differences]
    table["dse_others"] = [errors.others for errors in differences]
    table["ruling"] = [ruling(elpd[0] - own) for own in elpd]
    for column in ("high_k", "integrated", "refits", "failed", "not_reached"):
        table[column] = [getattr(row, column) for row in of]
    table["few"] = [int((row.effective < ENOUGH).sum()) for row in of]
    table["mc_error"] = [row.error for row in of]
    table.attrs["units"] = of[0].estimate.n_data_points
    return table
