"""The table that a paper prints: all that each model estimates, models side by side."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.chapters.data_words import with_data
from analysis.chapters.fits import INTERVAL, fit_page
from analysis.chapters.material import failed
from analysis.chapters.maximum_likelihood import INTERVAL as ML_INTERVAL
from analysis.comparison.file import ML, comparison_table
from analysis.figures.coefficients import errors_of
from analysis.fits.gathering import ModelResults, StudyResults
from analysis.posterior.summary import coefficients, spreads
from analysis.tables.blocks import Page, Table
from analysis.tables.files import write_page
from analysis.tables.numbers import interval, listed, number
from analysis.tables.words import unit_of
from data.errors import ResultsError
from data.outcomes import COUNT
from data.roles import PARTS, Part
from models.frequentist.covariances import KINDS
from models.frequentist.result import MaximumLikelihood
from models.frequentist.table import frequentist_table
from models.inference.fit import Fit
from models.leave_out.loo import high_k
from models.likelihood.families import DISPERSION, RESIDUAL_SD
from models.name import CITY_CORRELATION

ROLES = [role for part in PARTS for role in part.all_roles]
# groups of rows below those of the parts, and the parameters of each in their order
GROUPS = {
    "sds of city effects": [role.sd for role in ROLES],
    "correlations": [
        *(part.generalized_reciprocity for part in PARTS),
        CITY_CORRELATION,
        *(part.dyadic_reciprocity for part in PARTS),
    ],
    "sds of factors": [part.factor_sd for part in PARTS],
    "sds of pair effects": [part.pair.sd for part in PARTS],
    "sds of slopes": [role.slope_sd for role in ROLES],
    "outcomes": [DISPERSION, RESIDUAL_SD],
}
AT_MEANS = "Intercepts are at the predictors' means."
SCORES = "elpd: log predictive density of directed dyads, each left out in turn; below it its SE."
COLUMNS = ["estimate", "error", "lower", "upper"]
LEVELS = ["group", "parameter"]


def table_page(results: StudyResults, *, ml: bool, errors: bool) -> Page:
    """Put models side by side, with errors or intervals below their estimates."""
    _refuse_missing(results, ml=ml)
    declaration, models = results.study.declaration, results.models
    mles = [model.mle for model in models.values() if ml and model.mle]
    columns = {name: _posterior(model) for name, model in models.items()}
    columns |= {f"{mle.model} {ML}": _maximum(mle) for mle in mles}
    scores, by_psis = _scores(results)
    end = _fit_and_data(results, scores.reindex(list(columns)))
    data = pd.concat([_laid_out(columns, errors=errors), end])
    below = "posterior sds in parentheses" if errors else f"{INTERVAL}s in brackets, equal-tailed"
    of_ml = "standard errors" if errors else f"{ML_INTERVAL}s"
    notes = [f"Posterior means; below them {below}. Priors: {results.priors.name}."]
    notes += [f"{_units(models.values())} {AT_MEANS}"]
    notes += [
        f"{ML}: the pooled model by maximum likelihood; below its estimates {of_ml}, by '{kind}': "
        f"{KINDS[kind]}."
        for kind in dict.fromkeys(map(errors_of, mles))
    ]
    failures = [failed(name) for name, model in models.items() if not Fit(model.fit).passed]
    notes += [f"{SCORES}{by_psis}", *failures]
    table = Table(data, "Models side by side", notes=tuple(notes), grouped=True)
    page = Page(declaration.title, (table,), "", declaration.synthetic, table.text)
    return with_data(page, results.study.words)


def _units(models: Iterable[ModelResults]) -> str:
    """Say in what units the parts' coefficients are; of counts once for all families."""
    said: dict[str, None] = {}
    for model in models:
        family = Fit(model.fit).name.family
        for part in family.parts:
            unit = unit_of(family, part).unit
            if part == Part.DEGREE and family.outcome is COUNT:
                unit = (
                    "log of the expected count, of an eligible dyad where the model has a "
                    "selection part"
                )
            said[f"{part.capitalize()}: {unit}."] = None
    return " ".join(said)


def write_tables(page: Page, results: StudyResults) -> list[Path]:
    """Write the models side by side among the study's results, each summary beside its fit."""
    kinds = ("csv", "md", "tex", "docx")
    paths = write_page(page, results.workspace.study_folder / "table", ("html", "typ", *kinds))
    for model in results.models.values():
        paths += write_page(fit_page(model.fit), model.path.with_suffix(""), kinds)
    return paths


def _refuse_missing(results: StudyResults, *, ml: bool) -> None:
    missing, made = results.missing, "sample"
    if ml and not missing:
        without = [Fit(model.fit).name for model in results.models.values() if model.mle is None]
        missing, made = list(dict.fromkeys(f"{name.family_name}_pooled" for name in without)), "mle"
    if missing:
        names = " ".join(missing)
        raise ResultsError(
            f"{results.study.name}: no fit of {names}; `interlocal {made} STUDY --model '{names}'` "
            f"makes {'it' if len(missing) == 1 else 'them'}"
        )


def _posterior(model: ModelResults) -> pd.DataFrame:
    tables, found = {str(part): coefficients(model.fit, part) for part in PARTS}, spreads(model.fit)
    for group, parameters in GROUPS.items():
        rows = [row for name in parameters for row in found.index if row.partition("[")[0] == name]
        tables[group] = found.loc[rows].rename(index=_words)
    table = pd.concat({group: table for group, table in tables.items() if len(table)})
    return table[["mean", "sd", "lower", "upper"]].set_axis(COLUMNS, axis=1)


def _words(parameter: str) -> str:
    name, bracket, term = parameter.partition("[")
    return f"{name.replace('_', ' ')}{bracket}{term}"


def _maximum(mle: MaximumLikelihood) -> pd.DataFrame:
    kind = errors_of(mle)
    table = frequentist_table(mle, kind).drop(index="constant", level="term")
    table = table[["estimate", f"se_{kind}", "lower", "upper"]].set_axis(COLUMNS, axis=1)
    logs = table[~table.index.get_level_values("part").isin(PARTS)]
    own = logs.apply(np.exp)
    own["error"] = own["estimate"] * logs["error"]  # the delta method
    scales = (DISPERSION, RESIDUAL_SD)
    names = dict.fromkeys(scales, "outcomes")
    names |= {f"log {scale.replace('_', ' ')}": scale.replace("_", " ") for scale in scales}
    return pd.concat([table.drop(index=logs.index), own.rename(index=names)])


def _laid_out(columns: dict[str, pd.DataFrame], *, errors: bool) -> pd.DataFrame:
    """Give each estimate a row, and what stands below it one without a label."""
    shown = {}
    for name, column in columns.items():
        below = [
            f"({number(error)})" if errors else f"[{interval(lower, upper)}]"
            for _, error, lower, upper in column.to_numpy()
        ]
        cells = column.astype(object).assign(below=below)
        shown[name] = pd.concat({row: cells[row] for row in ("estimate", "below")})
    keys = dict.fromkeys(key for column in columns.values() for key in column.index)
    order = [key for group in (*PARTS, *GROUPS) for key in keys if key[0] == group]
    rows = [(row, *key) for key in order for row in ("estimate", "below")]
    labels = [(group, name if row == "estimate" else "") for row, group, name in rows]
    data = pd.DataFrame(shown).loc[rows].fillna("")
    return data.set_axis(pd.MultiIndex.from_tuples(labels, names=LEVELS))


def _fit_and_data(results: StudyResults, scores: pd.DataFrame) -> pd.DataFrame:
    dyads, models = results.study.dyads, len(scores)
    rows = {
        "elpd, a new dyad": [number(elpd, ".1f") for elpd in scores["elpd"]],
        "": [f"({se:.1f})" if se > 0 else "" for se in scores["se"]],
        "directed dyads": [dyads.sizes["dyad"]] * models,
        "cities": [dyads.sizes["city"]] * models,
    }
    if COUNT in results.study.declaration.kinds:
        rows["zeros"] = [int((dyads["outcome"] == 0).sum())] * models
    data = pd.DataFrame(rows, scores.index, dtype=object).T
    return pd.concat({"fit and data": data}, names=LEVELS)


def _scores(results: StudyResults) -> tuple[pd.DataFrame, str]:
    """Give elpd by dyad with its error, as compared; else by PSIS, and a sentence that says so."""
    scores = pd.DataFrame(columns=["elpd", "se"], dtype=float)
    if results.comparison is not None and "dyad" in results.comparison.children:
        scores = comparison_table(results.comparison, "dyad")[["elpd", "se"]]
    loo = {name: model.loo for name, model in results.models.items() if name not in scores.index}
    if not loo:
        return scores, ""
    for name, found in loo.items():
        scores.loc[name] = [found.elpd, found.se]
    hard = {name: len(high_k(found)) for name, found in loo.items()}
    said = "; ".join(f"{name}: {n} of high Pareto k" for name, n in hard.items() if n)
    return scores, f" By PSIS-LOO for {listed(list(loo))}{f' ({said})' if said else ''}."
