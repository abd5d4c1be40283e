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

from analysis.fits.opening import sampler_of
from analysis.posterior.summary import CI_PROB, coefficients, part_unit, shares, spreads
from analysis.tables.words import synthetic_sentence
from data.roles import PARTS
from models.settings import is_first_look

UNSIGNED = ("_sd", "dispersion", "predictors", "sender", "receiver", "pair", "residual")
LOG_WIDTH = 110  # where standard output is a file or a pipe


def console() -> Console:
    """Give the console that results are printed on."""
    return Console(width=None if sys.stdout.isatty() else LOG_WIDTH, highlight=False)


def plain_table(title: str) -> Table:
    """Begin a table without lines."""
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def print_fit(fit: xr.DataTree, path: Path, *, reused: bool, out: Console) -> None:
    """Print a fit's summary: what it is, its tables, its diagnostics, where it is kept."""
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
        f"priors: {escape(about['priors'])}; {_how_drawn(about)}, seed {about['seed']}"
    )
    if synthetic := synthetic_sentence(json.loads(about["synthetic"])):
        out.print(f"[bold yellow]{escape(synthetic)}[/]")
    tables = [
        (coefficients(fit, part), f"{part.capitalize()}: {part_unit(fit, part)}") for part in PARTS
    ]
    tables += [
        (spreads(fit), "City effects and dispersion"),
        (shares(fit), "Share of the linear predictor's variance"),
    ]
    for summary, caption in tables:
        _print_table(summary, caption, out, is_sample=not is_first_look(about))
    _print_gate(fit, out)
    for caution in json.loads(about["cautions"]):
        out.print(f"[bold yellow]Caution:[/] {escape(caution)}.")
    kept = "up to date" if reused else "written"
    out.print(f"{kept}: {escape(str(path))}", soft_wrap=True)


def _how_drawn(about: Mapping[Hashable, Any]) -> str:
    """Say where the draws come from, and how those of a second try were made."""
    if is_first_look(about):
        return f"{about['chains'] * about['draws']} draws of an approximation by ADVI"
    drawn = f"{about['chains']} chains of {about['draws']} draws by {sampler_of(about)}"
    if about["final_tune"] == about["tune"]:
        return drawn
    kept = f", every {about['thin']}th kept" if about["thin"] > 1 else ""
    target = about["final_target_accept"]
    again = f"second try: {about['final_tune']} to tune, target acceptance {target:g}{kept}"
    return f"{drawn} ({again})"


def _print_table(summary: pd.DataFrame, caption: str, out: Console, *, is_sample: bool) -> None:
    if summary.empty:
        return
    table = plain_table(caption)
    table.add_column("", overflow="fold")
    headings = ("mean", "sd", f"{CI_PROB:.0%} interval", "P(sign)")
    for heading in (*headings, *(("R-hat", "ESS", "tail ESS") if is_sample else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for term, row in summary.iterrows():
        signed = not str(term).endswith(UNSIGNED)
        sign = "+" if row["mean"] > 0 else "-"
        p_sign = row["p_positive"] if sign == "+" else 1 - row["p_positive"]
        of_chains = f"{row['r_hat']:.3f}", f"{row['ess_bulk']:.0f}", f"{row['ess_tail']:.0f}"
        table.add_row(
            escape(str(term)),
            f"{row['mean']:.3f}",
            f"{row['sd']:.3f}",
            f"{row['lower']:.3f} to {row['upper']:.3f}",
            f"{sign} {p_sign:.3f}" if signed else "",
            *(of_chains if is_sample else ()),
        )
    out.print()
    out.print(table)


def _print_gate(fit: xr.DataTree, out: Console) -> None:
    about = fit.attrs
    faults = json.loads(about["faults"])
    if is_first_look(about):
        out.print()
        out.print(f"[bold red]A first look:[/] {escape('; '.join(faults))}")
        out.print(f"To go on: {escape(about['remedy'])}.")
        return
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
