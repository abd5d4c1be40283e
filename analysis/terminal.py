"""Fits as text on a terminal."""

import json
import sys
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.loading import sampler_of
from analysis.summary import CI_PROB, coefficients, part_unit, shares, spreads
from analysis.wording import synthetic_sentence
from data.declaration import PARTS

UNSIGNED = ("_sd", "dispersion", "predictors", "sender", "receiver", "pair", "residual")
LOG_WIDTH = 110  # where standard output is a file or a pipe


def console() -> Console:
    """Give the console that results are printed on.

    Returns
    -------
    rich.console.Console
        Standard output, as wide as the terminal.
    """
    return Console(width=None if sys.stdout.isatty() else LOG_WIDTH, highlight=False)


def plain_table(title: str) -> Table:
    """Begin a table without lines.

    Parameters
    ----------
    title : str
        What stands above it.

    Returns
    -------
    rich.table.Table
        Without columns.
    """
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def print_fit(fit: xr.DataTree, path: Path, *, reused: bool, out: Console) -> None:
    """Print a fit's summary: what it is, each part, city effects and dispersion, where it is kept.

    Parameters
    ----------
    fit : xarray.DataTree
        The fit.
    path : pathlib.Path
        Its file.
    reused : bool
        Whether it was there before.
    out : rich.console.Console
        Where to print.
    """
    about = fit.attrs
    dyads = fit["observed_data"].sizes["dyad"]
    zeros = float((fit["observed_data"]["count"] == 0).mean())
    cities = fit["constant_data"].sizes["city"]
    out.print()
    out.rule(f"[bold]{escape(about['model'])}[/bold] · {escape(about['title'])}", align="left")
    missing = f", {about['missing_dyads']} directed dyads have no row" * bool(
        about["missing_dyads"]
    )
    out.print(
        f"{cities} cities, {dyads} directed dyads ({zeros:.1%} zeros){missing}; "
        f"priors: {escape(about['priors'])}; {about['chains']} chains of {about['draws']} draws "
        f"by {sampler_of(about)}{_second_try(about)}, seed {about['seed']}"
    )
    if synthetic := synthetic_sentence(json.loads(about["synthetic"])):
        out.print(f"[bold yellow]{escape(synthetic)}[/]")
    for part in PARTS:
        _print_table(coefficients(fit, part), f"{part.capitalize()}: {part_unit(fit, part)}", out)
    _print_table(spreads(fit), "City effects and dispersion", out)
    _print_table(shares(fit), "Share of the linear predictor's variance", out)
    _print_gate(fit, out)
    for caution in json.loads(about["cautions"]):
        out.print(f"[bold yellow]Caution:[/] {escape(caution)}.")
    kept = "up to date" if reused else "written"
    out.print(f"{kept}: {escape(str(path))}", soft_wrap=True)


def _second_try(about: Mapping[Hashable, Any]) -> str:
    """Say how the draws were made where the first try failed the gate."""
    if about["final_tune"] == about["tune"]:
        return ""
    kept = f", every {about['thin']}th kept" if about["thin"] > 1 else ""
    target = about["final_target_accept"]
    return f" (second try: {about['final_tune']} to tune, target acceptance {target:g}{kept})"


def _print_table(summary: pd.DataFrame, caption: str, out: Console) -> None:
    if summary.empty:
        return
    table = plain_table(caption)
    table.add_column("", overflow="fold")
    headings = ("mean", "sd", f"{CI_PROB:.0%} interval", "P(sign)", "R-hat", "ESS", "tail ESS")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for term, row in summary.iterrows():
        signed = not str(term).endswith(UNSIGNED)
        sign = "+" if row["mean"] > 0 else "-"
        p_sign = row["p_positive"] if sign == "+" else 1 - row["p_positive"]
        table.add_row(
            escape(str(term)),
            f"{row['mean']:.3f}",
            f"{row['sd']:.3f}",
            f"{row['lower']:.3f} to {row['upper']:.3f}",
            f"{sign} {p_sign:.3f}" if signed else "",
            f"{row['r_hat']:.3f}",
            f"{row['ess_bulk']:.0f}",
            f"{row['ess_tail']:.0f}",
        )
    out.print()
    out.print(table)


def _print_gate(fit: xr.DataTree, out: Console) -> None:
    about = fit.attrs
    faults = json.loads(about["faults"])
    figures = (
        f"R-hat at most {about['max_r_hat']:.3f}, bulk ESS at least {about['min_ess_bulk']:.0f}, "
        f"tail ESS at least {about['min_ess_tail']:.0f}, {about['divergences']} divergences, "
        f"E-BFMI at least {about['min_bfmi']:.2f}"
    )
    times = (
        f"compiled in {about['compile_seconds']:.0f} s, "
        f"sampled in {about['sampling_seconds']:.0f} s"
    )
    out.print()
    if faults:
        out.print(f"[bold red]Fails the diagnostics:[/] {escape('; '.join(faults))}")
        out.print(f"Do not interpret it: {escape(about['remedy'])}")
    else:
        out.print(f"Passes the diagnostics: {figures}; {times}")
