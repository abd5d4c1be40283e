"""How well a maximum-likelihood fit predicts counts that it has not seen: exact refits."""

from dataclasses import replace

import numpy as np
import pandas as pd

from data.study import Study
from models.frequentist.optimum import climb, drawn_inward, find_optimum
from models.frequentist.regression import regression
from models.units import rows_of_units


def left_out_densities(study: Study, family: str, unit: str) -> pd.DataFrame:
    """Refit a pooled model without each unit, and predict that unit's counts.

    Parameters
    ----------
    study : Study
        The dyads.
    family : str
        A name in `models.families.FAMILIES`.
    unit : str
        ``dyad``, ``pair`` or ``city``.

    Returns
    -------
    pandas.DataFrame
        A row a unit: ``elpd``, the natural log of the joint probability of its counts at the
        estimates without them; ``lpd``, the same at the estimates from all counts. Predictors
        stay standardized over all dyads.

    Raises
    ------
    ModelError
        There is no such unit.
    """
    problem = regression(study, family).problem
    best = find_optimum(problem).point.at
    inward = drawn_inward(problem, best)
    starts = [best] if np.array_equal(best, inward) else [best, inward]
    whole = problem.derivatives(best).value
    found = {}
    for label, rows in rows_of_units(study.dyads, unit).items():
        weight = np.ones(problem.count.size)
        weight[rows] = 0
        without = replace(problem, weight=weight)
        point = max((climb(without, start) for start in starts), key=lambda end: end.value)
        value = problem.derivatives(point.at).value
        found[label] = {"elpd": value[rows].sum(), "lpd": whole[rows].sum()}
    return pd.DataFrame(found).T
