"""The table that a paper prints: all that each model estimates, models side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from analysis.chapters.fits import INTERVAL, fit_data, fit_page
from analysis.chapters.material import failed
from analysis.chapters.maximum_likelihood import INTERVAL as ML_INTERVAL
from analysis.comparison.file import ML, comparison_table
from analysis.figures.coefficients import errors_of
from analysis.fits.gathering import ModelResults, StudyResults
from analysis.posterior.summary import coefficients, spreads
from analysis.tables.blocks import Page
from analysis.tables.files import write_csv, write_page
from analysis.tables.maximum_likelihood import frequentist_table
from analysis.tables.numbers import interval, number
from analysis.tables.table import Table
from analysis.tables.words import listed
from data.errors import ResultsError
from data.roles import PARTS
from models.frequentist.covariances import KINDS
from models.frequentist.result import MaximumLikelihood
from models.inference.fit import Fit
from models.leave_out.loo import high_k
from models.name import CITY_CORRELATION

ROLES = [role for part in PARTS for role in part.roles]
# groups of rows below those of the parts, and the parameters of each in their order
GROUPS = {
    "sds of city effects": [role.sd for role in ROLES],
    "correlations": [
        *(part.generalized_reciprocity for part in PARTS),
        CITY_CORRELATION,
        *(part.dyadic_reciprocity for part in PARTS),
    ],
    "sds of pair effects": [part.pair.sd for part in PARTS],
    "sds of slopes": [role.slope_sd for role in ROLES],
    "counts": ["dispersion"],
    "fit and data": ["elpd, a new dyad", "directed dyads", "cities", "zeros"],
}
UNITS = (
    "Selection: log odds of being an eligible partner. Degree: log of the expected count, of an "
    "eligible dyad where the model has a selection part. Intercepts are at the predictors' means."
)
SCORES = "elpd: log predictive density of directed dyads, each left out in turn; below it its SE."
DISPERSION = ("counts", "dispersion")
# group and label of a row: the estimate, and what stands below it
Column = dict[tuple[str, str], tuple[float | str, str]]


def table_page(results: StudyResults, *, ml: bool, errors: bool) -> Page:
    """Put the models of a study side by side.

    Parameters
    ----------
    ml : bool
        Whether each family's pooled model by maximum likelihood stands beside its models.
    errors : bool
        Whether standard deviations and errors stand below the estimates, or intervals.
    """
    _refuse_missing(results, ml=ml)
    models, study = results.models, results.study
    pooled = {f"{mle.model} {ML}": mle for mle in _pooled(results)} if ml else {}
    elpd = _elpd(results)
    columns = {name: _posterior(model, errors=errors) for name, model in models.items()}
    columns |= {name: _maximum(mle, errors=errors) for name, mle in pooled.items()}
    count = study.dyads["count"].to_numpy()
    sizes = (count.size, study.dyads.sizes["city"], int((count == 0).sum()))
    for name, column in columns.items():
        group = "fit and data"
        first, *others = GROUPS[group]
        column[group, first] = elpd.get(name, ("", ""))
        column |= {(group, label): (n, "") for label, n in zip(others, sizes, strict=True)}
    notes = _notes(results, list(pooled.values()), errors=errors)
    table = Table(_laid_out(columns), "Models side by side", notes=notes, grouped=True)
    return Page(study.declaration.title, (table,), synthetic=study.declaration.synthetic)


def write_tables(page: Page, results: StudyResults) -> list[Path]:
    """Write the models side by side among the study's results, each summary beside its fit."""
    stem = results.folder.parent / "table"
    (table,) = (block for block in page.blocks if isinstance(block, Table))
    paths = write_page(page, stem, ("html", "md", "tex", "docx", "typ"))
    paths.append(write_csv(table.text, stem.with_suffix(".csv")))
    for model in results.models.values():
        paths += write_page(fit_page(model.fit), model.path.with_suffix(""), ("md", "tex", "docx"))
        paths.append(write_csv(fit_data(model.fit), model.path.with_suffix(".csv")))
    return paths


def _refuse_missing(results: StudyResults, *, ml: bool) -> None:
    study, missing, made = results.study.name, results.missing, "sample"
    if ml and not missing:
        without = [Fit(model.fit).name for model in results.models.values() if model.mle is None]
        missing, made = list(dict.fromkeys(f"{name.family_name}_pooled" for name in without)), "mle"
    if missing:
        names = " ".join(missing)
        raise ResultsError(
            f"{study}: no fit of {names}; `interlocal {made} STUDY --model '{names}'` makes "
            f"{'it' if len(missing) == 1 else 'them'}"
        )


def _pooled(results: StudyResults) -> list[MaximumLikelihood]:
    found = {model.mle.model: model.mle for model in results.models.values() if model.mle}
    return list(found.values())


def _posterior(model: ModelResults, *, errors: bool) -> Column:
    tables = {(str(part), ""): coefficients(model.fit, part) for part in PARTS}
    found = spreads(model.fit)
    for group, parameters in GROUPS.items():
        for parameter in parameters:
            names = [name for name in found.index if name.partition("[")[0] == parameter]
            # a term's own words stay as they are
            of_terms = {name: name.removeprefix(parameter) for name in names}
            words = parameter.replace("_", " ")
            tables[group, words] = found.loc[names].rename(index=of_terms)
    return {
        (group, f"{words}{label}"): (row["mean"], _below(row, row["sd"], errors=errors))
        for (group, words), table in tables.items()
        for label, row in table.iterrows()
    }


def _maximum(mle: MaximumLikelihood, *, errors: bool) -> Column:
    kind = errors_of(mle)
    column: Column = {}
    for label, row in frequentist_table(mle, kind).iterrows():
        part, term = cast("tuple[str, str]", label)
        se = row[f"se_{kind}"]
        if part == "dispersion":  # its logarithm is estimated: the delta method
            ends = {end: np.exp(row[end]) for end in ("lower", "upper")}
            below = _below(ends, row["ratio"] * se, errors=errors)
            column[DISPERSION] = float(np.exp(row["estimate"])), below
        elif term != "constant":
            column[part, term] = row["estimate"], _below(row, se, errors=errors)
    return column


def _below(row: Mapping[str, float] | pd.Series, error: float, *, errors: bool) -> str:
    return f"({number(error)})" if errors else f"[{interval(row['lower'], row['upper'])}]"


def _elpd(results: StudyResults) -> dict[str, tuple[str, str]]:
    """Give elpd by dyad and its standard error: as compared, else by importance sampling."""
    scores = {str(name): (row["elpd"], row["se"]) for name, row in _compared(results).iterrows()}
    scores |= {
        name: (model.loo.elpd, model.loo.se)
        for name, model in results.models.items()
        if name not in scores
    }
    return {
        name: (number(elpd, ".1f"), f"({number(se, '.1f')})") for name, (elpd, se) in scores.items()
    }


def _compared(results: StudyResults) -> pd.DataFrame:
    tree = results.comparison
    if tree is None or "dyad" not in tree.children:
        return pd.DataFrame(columns=["elpd", "se"])
    return comparison_table(tree, "dyad")


def _laid_out(columns: Mapping[str, Column]) -> pd.DataFrame:
    """Give each estimate a row, and what stands below it one without a label."""
    keys = dict.fromkeys(key for column in columns.values() for key in column)
    rows: list[tuple[tuple[str, str], Sequence[float | str]]] = []
    for group in (*map(str, PARTS), *GROUPS):
        for key in (key for key in keys if key[0] == group):
            found = [column.get(key, ("", "")) for column in columns.values()]
            estimates, below = zip(*found, strict=True)
            rows.append((key, estimates))
            if any(below):
                rows.append(((group, ""), below))
    labels = pd.MultiIndex.from_tuples([label for label, _ in rows], names=["group", "parameter"])
    return pd.DataFrame([cells for _, cells in rows], labels, list(columns), dtype=object)


def _notes(
    results: StudyResults, pooled: Sequence[MaximumLikelihood], *, errors: bool
) -> tuple[str, ...]:
    below = "posterior sds in parentheses" if errors else f"{INTERVAL}s in brackets, equal-tailed"
    notes = [f"Posterior means; below them {below}. Priors: {results.priors.name}.", UNITS]
    what = "standard errors" if errors else f"{ML_INTERVAL}s"
    notes += [
        f"{ML}: the pooled model by maximum likelihood; below its estimates {what}, by "
        f"'{kind}': {KINDS[kind]}."
        for kind in dict.fromkeys(map(errors_of, pooled))
    ]
    notes.append(SCORES)
    known = _compared(results).index
    loo = {name: model.loo for name, model in results.models.items() if name not in known}
    if loo:
        hard = {name: len(high_k(found)) for name, found in loo.items()}
        said = "; ".join(f"{name}: {n} of high Pareto k" for name, n in hard.items() if n)
        notes.append(f"By PSIS-LOO for {listed(list(loo))}{f' ({said})' if said else ''}.")
    notes += [failed(name) for name, model in results.models.items() if not Fit(model.fit).passed]
    return tuple(notes)
