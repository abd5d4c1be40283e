"""The section on the pooled models by maximum likelihood."""

from analysis.figures.coefficients import errors_of
from analysis.report.document import (
    Block,
    Cell,
    Fold,
    Section,
    Text,
    grid,
    interval,
    labelled_rows,
    number,
    p_value,
)
from analysis.report.material import Material
from analysis.tables.maximum_likelihood_text import remarks
from models.frequentist.covariances import KINDS
from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.result import MaximumLikelihood
from models.frequentist.table import CONFIDENCE, SIGN, frequentist_table

SIGNS = (
    "Software that models extra zeros (Stata, pscl, brms, statsmodels) prints the selection part "
    "of a zero-inflated model with the opposite sign, which stands in its own column."
)
Row = tuple[Cell | str, ...]
COLUMNS = ("estimate", "se", "p", "ratio", SIGN)


def frequentist(material: Material) -> Section:
    """Show the pooled models by maximum likelihood."""
    fits = {each.mle.model: each.mle for each in material.results.models.values() if each.mle}
    if not fits:
        missing = (
            "No model has been fitted by maximum likelihood: run `interlocal mle` on the study."
        )
        return Section("Maximum likelihood", (Text(missing),))
    opening = Text("The pooled model, without city effects, is what most published analyses fit.")
    inflated = any(LIKELIHOODS[mle.family].kind == "inflated" for mle in fits.values())
    blocks: list[Block] = [opening, *([Text(SIGNS)] if inflated else [])]
    for mle in fits.values():
        blocks += _frequentist_of(mle)
    return Section("Maximum likelihood", tuple(blocks))


def _frequentist_of(mle: MaximumLikelihood) -> list[Block]:
    kinds = mle.kinds
    errors = errors_of(mle)
    table = frequentist_table(mle, errors)
    columns = [*COLUMNS, *(["p_permutation"] if "p_permutation" in table else [])]
    rows: list[Row] = [
        (
            *labels,
            number(row["estimate"]),
            number(row[f"se_{errors}"]),
            p_value(row["p"]),
            interval(row["lower"], row["upper"]),
            number(row["ratio"]),
            number(row[SIGN]),
            *(p_value(row[name]) for name in columns[5:]),
        )
        for labels, row in labelled_rows(table)
    ]
    words = {"se": "SE", "ratio": "exp(estimate)", "p_permutation": "p (permutations)"}
    named = [words.get(name, name) for name in columns]
    headings = ("part", "term", *named[:3], f"{CONFIDENCE:.0%} interval", *named[3:])
    caption = f"{mle.model}; standard errors: {errors}, {KINDS[errors]}"
    every: list[Row] = [
        (
            *labels,
            *(number(row[f"se_{kind}"]) for kind in kinds),
        )
        for labels, row in labelled_rows(table)
    ]
    fold = Fold(
        f"Every kind of standard error of {mle.model}",
        (grid(f"{mle.model}: standard errors", ("part", "term", *kinds), every),),
    )
    tests = [
        (
            name,
            number(row["statistic"]),
            str(int(row["df"]) or ""),
            p_value(row["p"]),
            row["meaning"],
        )
        for (name,), row in labelled_rows(mle.tests)
    ]
    tested = grid(f"{mle.model}: tests", ("", "statistic", "df", "p", "of what"), tests)
    shown = [tested] if tests else []
    return [grid(caption, headings, rows), *shown, *map(Text, remarks(mle, errors)), fold]
