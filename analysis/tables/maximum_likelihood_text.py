"""Maximum-likelihood tables on the terminal and in files."""

import json
import math
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import cast

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.tables.fit import plain_table
from analysis.tables.maximum_likelihood import inflation_state
from analysis.tables.words import synthetic_sentence
from data.files import replacing
from models.frequentist.covariances import CITY_KINDS, KINDS
from models.frequentist.ratios import VUONG_CAUTION
from models.frequentist.result import MaximumLikelihood
from models.frequentist.table import CONFIDENCE, SIGN, frequentist_table

UNITS = {
    "selection": ("log odds of being an eligible partner", "odds ratio"),
    "degree": ("log of the expected count", "rate ratio"),
    "dispersion": ("log scale; Var = mean + dispersion mean^2", "dispersion"),
}
WIDTH = 110  # of the text file
SMALLEST_P = 0.0005
FEW = 50  # cities, below which sums over them are too noisy for standard errors
UNKNOWN = "-"  # where the data do not determine a figure


def print_mle(fit: MaximumLikelihood, errors: str, out: Console) -> None:
    """Print a fit: each part's table, its standard errors side by side, tests, what is unknown."""
    table, title = frequentist_table(fit, errors), escape(fit.attributes["title"])
    out.print()
    out.rule(f"[bold]{escape(fit.model)}[/bold] · maximum likelihood · {title}", align="left")
    out.print(escape(" ".join(_overview(fit))))
    if synthetic := _synthetic(fit):
        out.print(f"[bold yellow]{escape(synthetic)}[/]")
    for part in table.index.unique("part"):
        _print_part(table.loc[part], str(part), errors, out)
    _print_errors(table, errors, out)
    if len(fit.tests):
        _print_tests(fit.tests, out)
    out.print()
    for sentence in remarks(fit, errors):
        out.print(escape(sentence))


def write_tables(fit: MaximumLikelihood, errors: str, stem: Path) -> list[Path]:
    """Write a fit's table as text, CSV, Markdown and LaTeX, each whole or not at all."""
    table = frequentist_table(fit, errors)
    text = StringIO()
    print_mle(fit, errors, Console(file=text, width=WIDTH, highlight=False))
    notes = [*_overview(fit), _synthetic(fit), _reading(errors), *remarks(fit, errors)]
    forms = {
        "txt": text.getvalue(),
        "csv": table.to_csv(),
        "md": _markdown(fit, table, notes),
        "tex": _latex(fit, table, notes),
    }
    paths = []
    for ending, content in forms.items():
        paths.append(stem.with_name(f"{stem.name}.{ending}"))
        with replacing(paths[-1]) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return paths


def remarks(fit: MaximumLikelihood, errors: str) -> list[str]:
    """Say what a reader of a fit must know.

    Returns
    -------
    list of str
        Sentences: whether the intervals are too short, what the data do not determine, whether
        inflation is identified.
    """
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
    return [*few, *told, *([state] if state else []), *cautions]


def _overview(fit: MaximumLikelihood) -> list[str]:
    counts = f"{fit.pointwise.size} directed dyads; {fit.zeros} zeros observed"
    criteria = f"{fit.free} parameters, AIC {fit.aic:.1f}, BIC {fit.bic:.1f}"
    return [
        f"{counts}, {fit.expected_zeros:.1f} expected.",
        f"Log-likelihood {fit.log_likelihood:.3f}, {criteria}.",
        f"{fit.reached} of {fit.starts} starts reached this maximum.",
    ]


def _synthetic(fit: MaximumLikelihood) -> str:
    return synthetic_sentence(json.loads(fit.attributes.get("synthetic", "[]")))


def _reading(errors: str) -> str:
    return (
        f"z, p and {CONFIDENCE:.0%} intervals rest on '{errors}' standard errors: {KINDS[errors]}. "
        "Intercepts are at the predictors' means, constants with all predictors at zero."
    )


def _print_part(rows: pd.DataFrame, part: str, errors: str, out: Console) -> None:
    unit, ratio = UNITS[part]
    table = _grid(f"{part.capitalize()}: {unit}")
    headings = ["estimate", "SE", "z", "p", f"{CONFIDENCE:.0%} interval", ratio]
    extra = [name for name in (SIGN, "p_permutation") if rows.get(name) is not None]
    extra = [name for name in extra if rows[name].notna().any()]
    for heading in (*headings, *(name.replace("p_permutation", "p (perm.)") for name in extra)):
        table.add_column(heading, justify="right", no_wrap=True)
    for term, row in rows.iterrows():
        known = pd.notna(row["lower"])
        table.add_row(
            escape(str(term)),
            *(_figure(row[name], name) for name in ("estimate", f"se_{errors}", "z", "p")),
            f"{row['lower']:.3f} to {row['upper']:.3f}" if known else UNKNOWN,
            _figure(row["ratio"]),
            *(_figure(row[name], name) for name in extra),
        )
    out.print()
    out.print(table)


def _print_errors(table: pd.DataFrame, errors: str, out: Console) -> None:
    kinds = [name.removeprefix("se_") for name in table.columns if name.startswith("se_")]
    grid = _grid("Standard errors, by what may be correlated")
    for kind in kinds:
        grid.add_column(kind, justify="right", no_wrap=True)
    for index, row in table.iterrows():
        part, term = cast("tuple[str, str]", index)
        label = term if part == "dispersion" else f"{part}: {term}"
        grid.add_row(escape(label), *(_figure(row[f"se_{kind}"]) for kind in kinds))
    out.print()
    out.print(grid)
    out.print(escape(_reading(errors)))


def _print_tests(tests: pd.DataFrame, out: Console) -> None:
    grid = _grid("Tests")
    for heading in ("statistic", "df", "p"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("")
    for name, row in tests.iterrows():
        df = str(int(row["df"])) if row["df"] else ""
        grid.add_row(
            escape(str(name)), f"{row['statistic']:.2f}", df, _figure(row["p"], "p"), row["meaning"]
        )
    out.print()
    out.print(grid)


def _grid(title: str) -> Table:
    table = plain_table(title)
    table.add_column("", overflow="fold")
    return table


def _figure(value: float, name: str = "") -> str:
    if math.isnan(value):
        return UNKNOWN
    return "<0.001" if name.startswith("p") and value < SMALLEST_P else f"{value:.3f}"


def _markdown(fit: MaximumLikelihood, table: pd.DataFrame, notes: list[str]) -> str:
    flat = _rounded(table).reset_index()
    body = flat.to_markdown(index=False, disable_numparse=True)
    paragraphs = [f"**{fit.model}**, maximum likelihood: {fit.attributes['title']}", body]
    return "\n\n".join([*paragraphs, *filter(None, notes)]) + "\n"


def _latex(fit: MaximumLikelihood, table: pd.DataFrame, notes: list[str]) -> str:
    flat = _rounded(table)
    escaped = flat.map(_tex).rename(columns=_tex).rename(index=_tex)
    caption = " ".join([f"{fit.model}, maximum likelihood: {fit.attributes['title']}.", *notes])
    text: str = escaped.style.to_latex(
        hrules=True,
        sparse_index=False,
        caption=_tex(caption),
        column_format="ll" + "r" * len(flat.columns),
    )
    return text


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    columns = {name: [_figure(value, str(name)) for value in table[name]] for name in table.columns}
    return pd.DataFrame(columns, index=table.index)


TEX: Mapping[int, str] = str.maketrans(
    {
        **{c: f"\\{c}" for c in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "<": "$<$",
    }
)


def _tex(text: object) -> str:
    return str(text).translate(TEX)
