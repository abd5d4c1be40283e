"""How well a maximum-likelihood fit predicts counts that it has not seen: exact refits."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.study import Study
from models.frequentist.optimum import SEARCHED, drawn_inward, find_optimum, search_without
from models.frequentist.problem import Point, Problem, evaluate
from models.frequentist.regression import regression
from models.leave_out.units import rows_of_units

AGREED, SAME = 20, 1e-6  # refits in a row, and how far one Newton step ends from them


def left_out_densities(study: Study, family: str, unit: str) -> pd.DataFrame:
    """Refit a pooled model without each unit, and predict that unit's counts.

    Returns
    -------
    pandas.DataFrame
        A row a unit: ``elpd``, the natural log of the joint probability of its counts at the
        estimates without them; ``lpd``, the same at the estimates from all counts. Predictors
        stay standardized over all dyads. The units that move the estimates most are refitted
        first, and other maxima of the whole fit are tried too. Without a city the search is
        made anew, up to 200,000 dyads times cities. Once one Newton step from the whole fit has
        given what the refit gives, to 1e-6, for 20 units that follow each other, it stands for the
        refits of the rest.
    """
    problem = regression(study, family).problem
    whole = find_optimum(problem)
    best = whole.point
    on_boundary = not np.array_equal(best.at, drawn_inward(problem, best.at))
    units = [
        _LeftOut(label, problem.some(rows), rows, *_newton_step(best, problem.some(rows)))
        for label, rows in rows_of_units(study.dyads, unit).items()
    ]
    few = unit == "city" and len(units) * problem.outcome.size <= SEARCHED
    agreed, elpd = 0, {}
    for left in sorted(units, key=lambda left: -left.distance):
        elpd[left.label] = near = left.density(left.near)
        if agreed == AGREED and not on_boundary:
            continue
        weight = np.ones(problem.outcome.size)
        weight[left.rows] = 0
        start = best.at if on_boundary else left.near
        point, _ = search_without(problem, weight, whole, start, seed=0 if few else None)
        elpd[left.label] = left.density(point.at)
        agreed = agreed + 1 if abs(elpd[left.label] - near) < SAME else 0
    return pd.DataFrame(
        {left.label: {"elpd": elpd[left.label], "lpd": left.density(best.at)} for left in units}
    ).T


@dataclass(frozen=True)
class _LeftOut:
    """A unit, and where one Newton step leads without it: how far, in standard errors squared."""

    label: str
    problem: Problem
    rows: np.ndarray
    near: np.ndarray
    distance: float

    def density(self, at: np.ndarray) -> float:
        return float(self.problem.derivatives(at).value.sum())


def _newton_step(best: Point, unit: Problem) -> tuple[np.ndarray, float]:
    here = evaluate(unit, best.at)
    try:
        step = np.linalg.solve(best.hessian - here.hessian, here.gradient - best.gradient)
    except np.linalg.LinAlgError:  # the other counts do not determine every coefficient
        return best.at, np.inf
    distance = -float(step @ (best.hessian - here.hessian) @ step)
    # uphill without the unit, or it is no step towards a maximum
    return (best.at + step, distance) if distance >= 0 else (best.at, np.inf)
