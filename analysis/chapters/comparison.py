"""A comparison of models by what they predict, in words and tables."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xarray as xr

from analysis.chapters.data_words import with_data
from analysis.chapters.material import Material
from analysis.comparison.errors import MARGIN, RULED, UNTRUSTED, WORDS, apart
from analysis.comparison.file import ML, attribute, compared_models, comparison_table
from analysis.comparison.inflation import RULES, twin_of
from analysis.figures import dimension_figure, elpd_figure
from analysis.figures.catalogue import look_for
from analysis.fits.finding import find_fits
from analysis.tables.blocks import Block, Fold, Page, Picture, Section, Table, Text
from analysis.tables.files import write_page
from analysis.tables.numbers import listed
from data.files import all_or_none
from models.inference.gate import ENOUGH
from models.work import netcdf
from models.work.workspace import COMPARISON, Workspace

QUESTIONS = {
    "row": "a dyad in a period, of which the others are known",
    "dyad": "a new dyad between known cities",
    "pair": "both directions between two known cities",
    "city": "all dyads of a new city",
}
# soft hyphens: names have room on a terminal of 80 columns
COLUMNS = {
    "elpd": "elpd",
    "elpd_diff": "differ\u00adence",
    "dse": "these cities",
    "dse_others": "other cities",
    "weight": "weight",
    "high_k": "high k",
    "integrated": "inte\u00adgrated",
    "refits": "refits",
}
KINDS = ("csv", "md", "tex", "docx")
TREATED = (
    "high k: units that importance sampling over the draws does not reach, every city where the "
    "model has city effects; integrated: those that it reaches once the effects of their own "
    "cities are integrated out; refits: units left out exactly."
)


def sentences(table: pd.DataFrame, unit: str) -> list[str]:
    """Hold the best model against the best by maximum likelihood, or the second best."""
    names = [str(name) for name in table.index]
    best = names[0]
    pooled = [name for name in names if name.endswith(ML) and name != best]
    others = pooled or names[1:]
    said = []
    if others:
        said.append(_held_against(best, others[0], table.iloc[names.index(others[0])], unit))
        shares = dict(zip(names[1:], table["ruling"][1:], strict=True))
        ruled = [f"{name} ({share:.0%})" for name, share in shares.items() if share > RULED]
        if ruled:
            said.append(
                f"Differences of which one {unit} makes up more than a quarter of the squared "
                f"deviations, and whose errors are not to be trusted: {listed(ruled)}."
            )
        if table.attrs["cities"] < UNTRUSTED:
            said.append(
                f"The errors of differences are not to be trusted: there are "
                f"{table.attrs['cities']} cities, and they were counted from {UNTRUSTED} on."
            )
    for name, failed, refits, few in zip(
        names, table["failed"], table["refits"], table["few"], strict=True
    ):
        if failed:
            said.append(f"{name}: {failed} of {refits} refits failed the diagnostics.")
        if few:
            said.append(
                f"{name}: the densities of {few} of {refits} refitted units rest on fewer than "
                f"{ENOUGH} effective draws, and are not to be trusted."
            )
    for name, number in zip(names, table["not_reached"], strict=True):
        if number:
            said.append(
                f"{name}: {number} of {table.attrs['units']} units were not reached, for no refits "
                "were made. Their densities are importance sampling's, with a high Pareto k: they "
                "are not to be trusted and tend to be too high, and so is the elpd of this model."
            )
    return said


def _held_against(best: str, other: str, row: pd.Series, unit: str) -> str:
    difference = -float(row["elpd_diff"])
    these, others = (float(row[error]) for error in ("dse", "dse_others"))
    figures, question = f"{difference:.1f} ± {these:.1f} elpd", QUESTIONS[unit]
    if not apart(difference, these):
        why = "is within two standard errors"
        if difference < MARGIN:
            why = f"is below {MARGIN:.0f}, which says nothing"
        return f"{best} and {other} cannot be told apart by {question}: {figures} {why}."
    said = f"{best} predicts {question} better than {other}, by {figures}"
    if unit == "city":
        return f"{said}."
    of_others = f"(± {others:.1f})"
    if apart(difference, others):
        return f"{said} for these cities, and for other cities too {of_others}."
    return f"{said} for these cities; for other cities they cannot be told apart {of_others}."


def comparison_page(tree: xr.DataTree, others: Sequence[str] = ()) -> Page:
    """Show each unit's table with a sentence in words, and the verdicts on inflation.

    Parameters
    ----------
    others : sequence of str
        Models that are not in it, though they are fitted (`not_compared`).
    """
    tables = {unit: comparison_table(tree, unit) for unit in map(str, tree.children)}
    data = pd.concat(tables, names=["unit", "model"])
    title, synthetic = f"Comparison · {tree.attrs['title']}", attribute(tree, "synthetic")
    return with_data(Page(title, _blocks(tree, others), "", synthetic, data), tree.attrs)


def comparison_files(folder: Path) -> list[Path]:
    """Name the files of a comparison."""
    return [(folder / COMPARISON).with_suffix(f".{kind}") for kind in (*KINDS, "nc")]


def write_comparison(tree: xr.DataTree, folder: Path, others: Sequence[str] = ()) -> list[Path]:
    """Write a comparison."""
    *_, whole = paths = comparison_files(folder)
    with all_or_none():
        write_page(comparison_page(tree, others), whole.with_suffix(""), KINDS)
        netcdf.write(tree, whole)
    return paths


def compared(material: Material) -> Section:
    """Compare the models by what they predict."""
    tree = material.results.comparison
    if tree is None:
        missing = "These fits have not been compared: run `interlocal compare` on the study."
        return Section("Comparison", (Text(missing),))
    others = not_compared(tree, material.results.workspace)
    blocks: list[Block] = [
        Text(
            "elpd: expected log predictive density of outcomes that the model has not seen; higher "
            "is better. What is left out is the question: a dyad, a pair, all dyads of a city."
        )
    ]
    for name, alt, figure in (
        ("comparison", "Comparison of the models", elpd_figure),
        ("dimensions", "Dimensions of multiplicative effects", dimension_figure),
    ):
        if ("", name) in material.drawn:
            path = material.drawn["", name]
            blocks.append(Picture(path, f"{alt}: {tree.attrs['title']}", look_for(figure)))
    folds = [
        Fold(f"Dyads that {model} finds hard to leave out", material.pictures(model, "pareto"))
        for model in material.results.models
    ]
    return Section("Comparison", (*blocks, *_blocks(tree, others), *folds))


def not_compared(tree: xr.DataTree, workspace: Workspace) -> list[str]:
    """Name the models that are fitted under these priors, and are not in a comparison.

    Twins without inflation are in its verdicts.
    """
    compared, priors = compared_models(tree), workspace.priors.name
    known = {*compared, *map(twin_of, compared)}
    fits = find_fits(workspace.study, workspace.results).passed
    return [fit.model for fit in fits if fit.priors == priors and fit.model not in known]


def _blocks(tree: xr.DataTree, others: Sequence[str]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if others:
        said = f"Fits of the study that are not compared here: {listed(others)}."
        blocks.append(Text(f"{said} One of them may be better.", warns=True))
    for unit in map(str, tree.children):
        table = comparison_table(tree, unit)
        columns = COLUMNS | ({"not_reached": "not reached"} if table["not_reached"].any() else {})
        shown = table[list(columns)].rename(columns=columns)
        blocks.append(Table(shown, f"Left out: {QUESTIONS[unit]}", {"weight": ".2f"}, ".1f"))
        blocks += map(Text, sentences(table, unit))
    verdicts = attribute(tree, "verdicts")
    rules = [f"Rules: {RULES}"] if verdicts else []
    return (*blocks, *map(Text, [WORDS, TREATED, *verdicts, *rules]))
