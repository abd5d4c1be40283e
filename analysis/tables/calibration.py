"""What a calibration found, as files and on the terminal."""

import textwrap
from pathlib import Path

import pandas as pd
import xarray as xr
from rich.markup import escape

from analysis.checks.ranks import LEVEL, uniformity
from analysis.figures.calibration import rank_figure
from analysis.figures.style import save_figure
from analysis.tables.fit import console, plain_table
from data.files import replacing


def report(replicates: xr.Dataset, folder: Path) -> list[str]:
    """Write ranks, table and figure, and print the table.

    Parameters
    ----------
    folder : pathlib.Path
        Where ``ranks.nc``, ``uniformity.csv``, ``uniformity.md`` and ``ranks.png`` and ``.svg`` go.
    """
    ranks = replicates["rank"].transpose("replicate", "parameter")
    ranked = int(replicates.attrs["ranked_among"])
    table = uniformity(ranks, ranked)
    about = _about(replicates)
    with replacing(folder / "ranks.nc") as temporary:
        replicates.to_netcdf(temporary, engine="h5netcdf")
    with replacing(folder / "uniformity.csv") as temporary:
        table.to_csv(temporary, lineterminator="\n")
    with replacing(folder / "uniformity.md") as temporary:
        temporary.write_text(f"{about}\n\n{_markdown(table)}\n", encoding="utf-8")
    caption = textwrap.fill(
        f"{about} Grey: simultaneous {LEVEL:.0%} envelope over all parameters.", 118
    )
    save_figure(rank_figure(ranks, ranked, caption), folder / "ranks")
    _print(table, about, str(replicates.attrs["model"]), folder)
    return table.index[table["outside"]].tolist()


def _about(replicates: xr.Dataset) -> str:
    how = replicates.attrs
    total = replicates.sizes["replicate"]
    failed = total - int(replicates["passed"].sum())
    return (
        f"{how['model']}, {how['priors']} priors, {how['cities']} cities: {total} replicates, "
        f"seed {how['seed']}; {how['chains']} chains of {how['draws']} draws, truth ranked among "
        f"{how['ranked_among']}. Fits that fail their diagnostics: {failed}, included. "
        "Synthetic by design."
    )


def _cells(table: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        (
            str(parameter),
            f"{row['mean']:.3f}",
            f"{row['sd']:.3f}",
            f"{row['deviation']:+.3f}",
            f"{row['p']:.3f}",
            f"{row['p_all']:.3f}",
            "outside" if row["outside"] else "inside",
        )
        for parameter, row in table.iterrows()
    ]


HEADINGS = ("parameter", "mean", "sd", "deviation", "p", "p, all", f"{LEVEL:.0%} envelope")


def _markdown(table: pd.DataFrame) -> str:
    rule = ("---", *["---:"] * 5, "---")
    lines = [HEADINGS, rule, *((f"`{row[0]}`", *row[1:]) for row in _cells(table))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _print(table: pd.DataFrame, about: str, model: str, folder: Path) -> None:
    out = console()
    shown = plain_table("Ranks of the truth, held against the uniform law")
    shown.add_column("", overflow="fold")
    for heading in HEADINGS[1:]:
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in _cells(table):
        style = "bold red" if row[-1] == "outside" else None
        shown.add_row(*map(escape, row), style=style)
    out.print()
    out.rule(f"[bold]{escape(model)}[/bold] · calibration", align="left")
    out.print(escape(about))
    out.print()
    out.print(shown)
    out.print(
        "mean and sd: of the ranks, relative to uniform ranks; p, all: times the number of rows."
    )
    out.print(f"written: {escape(str(folder))}", soft_wrap=True)
