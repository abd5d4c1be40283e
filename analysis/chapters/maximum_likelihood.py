"""Pooled models by maximum likelihood, in words and tables."""

from collections.abc import Iterable

import pandas as pd

from analysis.chapters.data_words import with_data
from analysis.chapters.material import Material
from analysis.figures.coefficients import errors_of
from analysis.tables.blocks import Block, Fold, P, Page, Section, Table, Text, intervals
from analysis.tables.words import SPREADS, Unit, scale_words, unit_of
from data.outcomes import COUNT
from data.roles import PARTS, Part
from models.frequentist.covariances import CITY_KINDS, KINDS
from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.optimum import DISTINCT
from models.frequentist.ratios import VUONG_CAUTION
from models.frequentist.result import MaximumLikelihood
from models.frequentist.table import CONFIDENCE, SIGN, frequentist_table
from models.inference.fit import Fit
from models.likelihood.families import FAMILIES
from models.work.fits import decoded

FEW = 50  # cities, below which sums over them are too noisy for standard errors
SIGNS = (
    "Software that models extra zeros (Stata, pscl, brms, statsmodels) prints the selection part "
    "of a zero-inflated model with the opposite sign, which stands in its own column."
)
INTERVAL = f"{CONFIDENCE:.0%} interval"


def mle_page(fit: MaximumLikelihood, errors: str, fits: Iterable[Fit] = ()) -> Page:
    """Show each part's table, its standard errors side by side, tests, what is unknown.

    Parameters
    ----------
    fits : iterable of Fit
        Posteriors of the same study, whose draws are held against the maximum.
    """
    errors = fit.errors_in_place_of(errors)
    every = _every_error(fit, errors)
    blocks = (*_beaten(fit, fits), *_blocks(fit, errors))
    title = f"{fit.model} · maximum likelihood · {fit.attributes['title']}"
    overview = (
        f"{fit.attributes['extent']}{_zeros(fit)}. Log-likelihood "
        f"{fit.log_likelihood:.3f}, {fit.free} parameters, AIC {fit.aic:.1f}, BIC {fit.bic:.1f}. "
        f"{fit.reached} of {fit.starts} starts "
        "reached this maximum."
    )
    synthetic = tuple(decoded({"synthetic": "[]"} | fit.attributes, "synthetic"))
    table = frequentist_table(fit, errors)
    page = Page(title, (*blocks, every), overview, synthetic, table)
    return with_data(page, fit.attributes)


def _zeros(fit: MaximumLikelihood) -> str:
    if FAMILIES[fit.family].outcome is not COUNT:
        return ""
    return f"; {fit.zeros} zeros observed, {fit.expected_zeros:.1f} expected"


def frequentist(material: Material) -> Section:
    """Show the pooled models by maximum likelihood."""
    models = material.results.models.values()
    fits = {model.mle.model: model.mle for model in models if model.mle}
    if not fits:
        missing = "No model has been fitted by maximum likelihood: run `interlocal mle`."
        return Section("Maximum likelihood", (Text(missing),))
    opening = Text("The pooled model, without city effects, is what most published analyses fit.")
    inflated = any(LIKELIHOODS[mle.family].kind == "inflated" for mle in fits.values())
    blocks: list[Block] = [opening, *([Text(SIGNS)] if inflated else [])]
    posteriors = [Fit(model.fit) for model in models]
    for name, mle in fits.items():
        errors = mle.errors_in_place_of(errors_of(mle))
        fold = Fold(f"Every kind of standard error of {name}", (_every_error(mle, errors),))
        blocks += [*_beaten(mle, posteriors), *_blocks(mle, errors), fold]
    return Section("Maximum likelihood", tuple(blocks))


def _beaten(mle: MaximumLikelihood, fits: Iterable[Fit]) -> list[Text]:
    """Say so where a posterior draw is more likely than the maximum that was found."""
    said = []
    for fit in fits:
        if fit.name.name == mle.model and "log_likelihood" in fit.tree:
            best = float(fit.tree["log_likelihood"]["outcome"].sum("dyad").max())
            if best > mle.log_likelihood + DISTINCT:
                text = (
                    f"The search has missed the maximum: a posterior draw of {mle.model} has the "
                    f"log-likelihood {best:.3f}, above {mle.log_likelihood:.3f}."
                )
                said.append(Text(text, warns=True))
    return said


def _remarks(fit: MaximumLikelihood, errors: str) -> list[str]:
    """Say whether intervals are too short, what is not determined, whether there is inflation."""
    cities = int(fit.attributes.get("cities", FEW))
    short = (
        f"With {cities} cities, '{errors}' intervals are too short; docs/standard_errors.md counts "
        "how often they hold the truth. 'jackknife' ones, permutations of the cities and models "
        "with city effects do not suffer from it."
    )
    few = [short] if cities < FEW and errors in CITY_KINDS else []
    told = [f"Not determined by the data: {flag}." for flag in fit.flags if "inflation" not in flag]
    state = inflation_state(fit)
    cautions = [f"{VUONG_CAUTION}."] if any(fit.tests.index.str.startswith("Vuong")) else []
    return [*few, *fit.cautions, *told, *([state] if state else []), *cautions]


def _blocks(fit: MaximumLikelihood, errors: str) -> tuple[Block, ...]:
    reading = (
        f"z, p and {INTERVAL}s rest on '{errors}' standard errors: {KINDS[errors]}. "
        "Intercepts are at the predictors' means, constants with all predictors at zero."
    )
    table = frequentist_table(fit, errors)
    parts = [
        _part(fit, table.loc[[part]].droplevel("part"), part, errors)
        for part in table.index.unique("part")
    ]
    tests = [_tests(fit)] if len(fit.tests) else []
    return (*parts, Text(reading), *tests, *map(Text, _remarks(fit, errors)))


def _part(fit: MaximumLikelihood, rows: pd.DataFrame, part: str, errors: str) -> Table:
    family = FAMILIES[fit.family]
    told = Unit(SPREADS.get(family.outcome, ""), scale_words(family))
    if part in PARTS:
        told = unit_of(family, Part(part))
    shown = pd.DataFrame(
        {
            "estimate": rows["estimate"],
            "SE": rows[f"se_{errors}"],
            "z": rows["z"],
            "p": rows["p"],
            INTERVAL: intervals(rows),
        }
        | ({told.ratio: rows["ratio"]} if told.ratio else {})
    )
    for name, heading in ((SIGN, SIGN), ("p_permutation", "p (perm.)")):
        if name in rows and rows[name].notna().any():
            shown[heading] = rows[name]
    caption = f"{fit.model}, {part}: {told.unit}"
    return Table(shown, caption, {"p": P, "p (perm.)": P})


def _every_error(fit: MaximumLikelihood, errors: str) -> Table:
    table = frequentist_table(fit, errors).filter(regex="^se_")
    table.columns = table.columns.str.removeprefix("se_")
    return Table(table, f"{fit.model}: standard errors, by what may be correlated")


def _tests(fit: MaximumLikelihood) -> Table:
    table = fit.tests[["statistic", "df", "p", "meaning"]].rename_axis("test")
    table["df"] = [str(int(df)) if df else "" for df in table["df"]]
    return Table(table, f"{fit.model}: tests", {"statistic": ".2f", "p": P})


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
