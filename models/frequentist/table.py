"""Estimates, their standard errors, z, p and intervals, as a table."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from data.roles import PARTS, Part
from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.regression import log_name
from models.frequentist.result import MaximumLikelihood
from models.likelihood.families import FAMILIES
from models.likelihood.trials import PROBIT

CONFIDENCE = 0.95
SIGN = "Stata's sign"  # of the inflation part, which models P(extra zero)


def frequentist_table(fit: MaximumLikelihood, errors: str = "dyadic") -> pd.DataFrame:
    """Tabulate a maximum-likelihood fit.

    Parameters
    ----------
    errors : str
        Which standard errors ``z``, ``p``, ``lower`` and ``upper`` rest on: a key of
        `models.frequentist.covariances.KINDS`.

    Returns
    -------
    pandas.DataFrame
        Rows (part, term): each part's ``intercept`` (at the predictors' means), its terms and its
        ``constant`` (the intercept of Stata and R: all predictors, and log exposure, at zero);
        last the log of the dispersion or of the residual sd. Columns: ``estimate``, ``se_<kind>``
        for each kind of standard
        error, ``z``, ``p`` (two-sided, Wald), ``lower`` and ``upper`` (95 % interval), ``ratio``
        (odds ratio of being eligible, of a tie or of a success, or ratio of expected counts; NaN
        through the probit link and of amounts), ``Stata's sign`` (selection
        of a zero-inflated family only: the coefficient of an extra zero) and, where they were
        asked for, ``p_permutation``. NaN where the data do not determine a figure.
    """
    fit.standard_errors(errors)  # refuses an unknown kind
    units = dict(zip(fit.names, np.eye(fit.free), strict=True))
    means = fit.means.to_series()
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for part in FAMILIES[fit.family].parts:
        intercept, terms = part.intercept, fit.terms(part)
        shift = sum(float(means[name]) * units[name] for name in terms.values())
        rows[part, "intercept"] = _row(fit, units[intercept])
        rows |= {(part, term): _row(fit, units[name]) for term, name in terms.items()}
        rows[part, "constant"] = _row(fit, units[intercept] - shift)
        # 0 for selection; for degree the mean log exposure, which the intercept includes
        rows[part, "constant"]["estimate"] -= float(means[intercept])
    family = FAMILIES[fit.family]
    if family.scale:
        row = family.scale, f"log {family.scale.replace('_', ' ')}"
        rows[row] = _row(fit, units[log_name(family.scale)])
    table = pd.DataFrame(rows).T.rename_axis(["part", "term"])
    reach = norm.ppf((1 + CONFIDENCE) / 2) * table[f"se_{errors}"]
    table["z"] = table["estimate"] / table[f"se_{errors}"]
    table["p"] = 2 * norm.sf(table["z"].abs())
    table["lower"], table["upper"] = table["estimate"] - reach, table["estimate"] + reach
    table["ratio"] = np.exp(table["estimate"])
    selection = table.index.get_level_values("part") == "selection"
    selection &= LIKELIHOODS[fit.family].kind == "inflated"  # a hurdle has the same sign everywhere
    table[SIGN] = (-table["estimate"]).where(selection)
    of_scale = ~table.index.get_level_values("part").isin(PARTS)
    table.loc[of_scale, ["z", "p"]] = np.nan  # zero is no null value of a logarithm
    if family.link is PROBIT or family.kind == "amounts":
        table.loc[~of_scale, "ratio"] = np.nan  # a step is no factor there
    unknown = table["se_information"].isna()
    table.loc[unknown, ["ratio"]] = np.nan
    if len(fit.permutations):
        named = [Part(part).coef_of(term) if part in PARTS else part for part, term in table.index]
        table["p_permutation"] = fit.permutations["p"].reindex(named).to_numpy()
    return table


def _row(fit: MaximumLikelihood, weights: np.ndarray) -> dict[str, float]:
    """Give a sum of parameters, weighted (parameter,), and its standard errors."""
    used = np.flatnonzero(weights)
    row = {"estimate": float(weights @ fit.parameters.to_numpy())}
    for kind, matrix in zip(fit.kinds, fit.covariance.to_numpy(), strict=True):
        variance = float(weights[used] @ matrix[np.ix_(used, used)] @ weights[used])
        row[f"se_{kind}"] = float(np.sqrt(variance)) if variance >= 0 else np.nan
    return row
