"""Maximum-likelihood results as the tables that their readers know."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from data.roles import PARTS, Part
from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.regression import LOG_DISPERSION
from models.frequentist.result import MaximumLikelihood

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
        last the dispersion. Columns: ``estimate``, ``se_<kind>`` for each kind of standard
        error, ``z``, ``p`` (two-sided, Wald), ``lower`` and ``upper`` (95 % interval), ``ratio``
        (odds ratio of being eligible, or ratio of expected counts), ``Stata's sign`` (selection
        of a zero-inflated family only: the coefficient of an extra zero) and, where they were
        asked for, ``p_permutation``. NaN where the data do not determine a figure.
    """
    fit.standard_errors(errors)  # refuses an unknown kind
    kinds = fit.covariance["kind"].to_numpy().tolist()
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for part in (part for part in PARTS if part.intercept in fit.parameters["parameter"]):
        for term, weights in _combinations(fit, part).items():
            rows[part, term] = _row(fit, weights, kinds)
        # 0 for selection; for degree the mean log exposure, which the intercept includes
        rows[part, "constant"]["estimate"] -= float(fit.means.sel(parameter=part.intercept))
    if LOG_DISPERSION in fit.parameters["parameter"]:
        unit = (fit.parameters["parameter"] == LOG_DISPERSION).to_numpy().astype(float)
        rows["dispersion", "log dispersion"] = _row(fit, unit, kinds)
    table = pd.DataFrame(rows).T.rename_axis(["part", "term"])
    reach = norm.ppf((1 + CONFIDENCE) / 2) * table[f"se_{errors}"]
    table["z"] = table["estimate"] / table[f"se_{errors}"]
    table["p"] = 2 * norm.sf(table["z"].abs())
    table["lower"], table["upper"] = table["estimate"] - reach, table["estimate"] + reach
    table["ratio"] = np.exp(table["estimate"])
    selection = table.index.get_level_values("part") == "selection"
    selection &= LIKELIHOODS[fit.family].kind == "inflated"  # a hurdle has the same sign everywhere
    table[SIGN] = (-table["estimate"]).where(selection)
    dispersion = table.index.get_level_values("part") == "dispersion"
    table.loc[dispersion, ["z", "p"]] = np.nan  # zero is no null value of a logarithm
    unknown = table["se_information"].isna()
    table.loc[unknown, ["ratio"]] = np.nan
    if len(fit.permutations):
        named = [
            Part(part).coef_of(term) if part != "dispersion" else part for part, term in table.index
        ]
        table["p_permutation"] = fit.permutations["p"].reindex(named).to_numpy()
    return table


def inflation_state(fit: MaximumLikelihood) -> str:
    """Say in words whether the counts show zero inflation.

    Returns
    -------
    str
        One sentence; empty for a family without inflation.
    """
    likelihood = LIKELIHOODS[fit.family]
    if likelihood.kind != "inflated":
        return ""
    plain = likelihood.plain
    told = [flag for flag in fit.flags if "inflation" in flag]
    if told:
        return f"{told[0]}."
    against = ""
    if "Vuong raw" in fit.tests.index:
        statistic = fit.tests["statistic"]
        raw, bic = statistic["Vuong raw"], statistic["Vuong BIC"]
        against = f" (Vuong against {plain}: {raw:.2f} raw, {bic:.2f} with Schwarz's correction)"
    return (
        f"Inflation is identified at the maximum{against}. A pooled model cannot tell extra zeros "
        "from differences between cities: hold it against models with city effects."
    )


def _combinations(fit: MaximumLikelihood, part: Part) -> dict[str, np.ndarray]:
    """Give each row's weights on the parameters; the constant is a sum of several."""
    names = fit.parameters["parameter"].to_numpy().tolist()
    units = dict(zip(names, np.eye(len(names)), strict=True))
    means = fit.means.to_series()
    start = part.coef_of("").removesuffix("]")
    terms = {
        name.removeprefix(start).removesuffix("]"): name for name in names if name.startswith(start)
    }
    intercept = units[part.intercept]
    constant = intercept - sum(float(means[name]) * units[name] for name in terms.values())
    return {
        "intercept": intercept,
        **{term: units[name] for term, name in terms.items()},
        "constant": constant,
    }


def _row(fit: MaximumLikelihood, weights: np.ndarray, kinds: list[str]) -> dict[str, float]:
    used = np.flatnonzero(weights)
    estimate = float(weights @ fit.parameters.to_numpy())
    row = {"estimate": estimate}
    for kind in kinds:
        covariance = fit.covariance.sel(kind=kind).to_numpy()[np.ix_(used, used)]
        variance = float(weights[used] @ covariance @ weights[used])
        row[f"se_{kind}"] = float(np.sqrt(variance)) if variance >= 0 else np.nan
    return row
