"""A comparison in words, on the terminal and in files."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.comparison.compare import ML
from analysis.comparison.file import comparison_paths, comparison_table
from analysis.comparison.inflation import MARGIN, RULES
from analysis.fits.opening import COMPARISON
from analysis.tables.fit import plain_table
from analysis.tables.words import markdown_text, synthetic_sentence
from data.files import refuse_unwritable, replacing

UNTRUSTED = 100  # units, below which the standard error of a difference is not to be trusted
QUESTIONS = {
    "dyad": "a new dyad between known cities",
    "pair": "both directions between two known cities",
    "city": "all dyads of a new city",
}
COLUMNS = {
    "elpd": "elpd",
    "se": "SE",
    "elpd_diff": "difference",
    "dse": "its SE",
    "p_loo": "p_loo",
    "weight": "weight",
    "high_k": "high k",
    "integrated": "integrated",
    "refits": "refits",
}
# headings in two lines, that names have room on a terminal of 80 columns
BROKEN = {"difference": "differ-\nence", "integrated": "inte-\ngrated"}
# behind the point; 1 in other columns
DIGITS = {"weight": 2, "high_k": 0, "integrated": 0, "refits": 0}

TREATED = (
    "high k: units that importance sampling over the draws does not reach; integrated: those that "
    "it reaches once the effects of their own cities are integrated out; refits: units left out "
    "exactly."
)


def sentences(table: pd.DataFrame, unit: str) -> list[str]:
    """Say what a table says.

    Returns
    -------
    list of str
        How the best model compares with the best maximum-likelihood row, or with the second best;
        and what about the figures is not to be trusted.
    """
    names = [str(name) for name in table.index]
    best = names[0]
    pooled = [name for name in names if name.endswith(ML) and name != best]
    others = pooled or names[1:]
    said = []
    if others:
        other = others[0]
        row = table.iloc[names.index(other)]
        difference, error = -float(row["elpd_diff"]), float(row["dse"])
        figures = f"{difference:.1f} ± {error:.1f} elpd"
        if difference > 2 * error:
            said.append(f"{best} predicts {QUESTIONS[unit]} better than {other}, by {figures}.")
        else:
            said.append(
                f"{best} and {other} predict {QUESTIONS[unit]} alike: the difference, {figures}, "
                "is within its error."
            )
        units = int(table.attrs["units"])
        if units < UNTRUSTED or difference < MARGIN:
            why = f"there are {units} units" if units < UNTRUSTED else f"it is below {MARGIN:.0f}"
            said.append(f"The error of this difference is not to be trusted: {why}.")
    for name, failed, refits in zip(names, table["failed"], table["refits"], strict=True):
        if failed:
            said.append(f"{name}: {failed} of {refits} refits failed the diagnostics.")
    return said


def print_comparison(tree: xr.DataTree, out: Console) -> None:
    """Print each unit's table with a sentence in words, and the verdicts on inflation."""
    out.print()
    out.rule(f"[bold]Comparison[/bold] · {escape(tree.attrs['title'])}", align="left")
    if synthetic := json.loads(tree.attrs["synthetic"]):
        out.print(f"[bold yellow]{escape(synthetic_sentence(synthetic))}[/]")
    for unit in map(str, tree.children):
        table = comparison_table(tree, unit)
        out.print()
        out.print(_grid(table, unit))
        for sentence in sentences(table, unit):
            out.print(escape(sentence))
    out.print()
    out.print(escape(TREATED))
    if verdicts := json.loads(tree.attrs["verdicts"]):
        out.print()
        for verdict in verdicts:
            out.print(escape(verdict))
        out.print(escape(f"Rules: {RULES}"))


def write_comparison(tree: xr.DataTree, folder: Path) -> list[Path]:
    """Write a comparison as CSV, Markdown and netCDF, each whole or not at all."""
    refuse_unwritable(folder)
    paths = comparison_paths(folder / COMPARISON)
    tables = {unit: comparison_table(tree, unit) for unit in map(str, tree.children)}
    whole = pd.concat(tables, names=["unit", "model"])
    with replacing(paths[0]) as temporary:
        temporary.write_text(whole.to_csv(), encoding="utf-8")
    with replacing(paths[1]) as temporary:
        temporary.write_text(_markdown(tree, tables), encoding="utf-8")
    with replacing(paths[2]) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")
    return paths


def _markdown(tree: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> str:
    blocks = [f"**Comparison**: {markdown_text(tree.attrs['title'])}"]
    if synthetic := json.loads(tree.attrs["synthetic"]):
        blocks.append(synthetic_sentence(synthetic))
    for unit, table in tables.items():
        shown = pd.DataFrame(_cells(table), index=pd.Index(table.index, name="model"))
        blocks += [
            f"Left out: {QUESTIONS[unit]}",
            shown.reset_index().to_markdown(index=False, disable_numparse=True),
            " ".join(sentences(table, unit)),
        ]
    verdicts = json.loads(tree.attrs["verdicts"])
    blocks += [TREATED, *verdicts]
    return "\n\n".join([*blocks, *([f"Rules: {RULES}"] if verdicts else [])]) + "\n"


def _grid(table: pd.DataFrame, unit: str) -> Table:
    heading = f"Left out: {QUESTIONS[unit]}"
    grid = plain_table(heading)
    grid.add_column("", overflow="fold")
    cells = _cells(table)
    for column in cells:
        broken = BROKEN.get(column, column).replace(" ", "\n")
        grid.add_column(broken, justify="right", no_wrap=True)
    for name, *row in zip(table.index, *cells.values(), strict=True):
        grid.add_row(escape(str(name)), *row)
    return grid


def _cells(table: pd.DataFrame) -> dict[str, list[str]]:
    return {
        heading: [
            "" if np.isnan(value) else f"{value:.{DIGITS.get(column, 1)}f}"
            for value in table[column].astype(float)
        ]
        for column, heading in COLUMNS.items()
    }
