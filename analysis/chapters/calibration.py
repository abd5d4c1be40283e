"""What a calibration found, in words, a table and a figure."""

import textwrap
from pathlib import Path

import pandas as pd
import xarray as xr

from analysis.checks.ranks import LEVEL, uniformity
from analysis.figures.calibration import rank_figure
from analysis.figures.style import save_figure
from analysis.tables.blocks import Page, Text
from analysis.tables.files import write_csv, write_page
from analysis.tables.table import P, Table
from data.files import replacing


def calibration_page(replicates: xr.Dataset) -> Page:
    """Hold the ranks of the truth against the uniform law."""
    shown = _table(replicates)
    envelope = ["outside" if outside else "inside" for outside in shown.pop("outside")]
    shown = shown.rename(columns={"p_all": "p, all"}).assign(**{f"{LEVEL:.0%} envelope": envelope})
    caption = "Ranks of the truth, held against the uniform law"
    note = "mean and sd: of the ranks, relative to uniform ranks; p, all: times the number of rows."
    table = Table(shown, caption, {"deviation": "+.3f", "p": P, "p, all": P}, notes=(note,))
    model = replicates.attrs["model"]
    return Page(f"{model} · calibration", (Text(_about(replicates)), table))


def write_calibration(replicates: xr.Dataset, folder: Path) -> list[str]:
    """Write ``ranks.nc``, ``uniformity.csv`` and ``.md``, ``ranks.png`` and ``.svg``.

    Returns
    -------
    list of str
        The parameters whose ranks leave the envelope.
    """
    table = _table(replicates)
    with replacing(folder / "ranks.nc") as temporary:
        replicates.to_netcdf(temporary, engine="h5netcdf")
    write_csv(table, folder / "uniformity.csv")
    write_page(calibration_page(replicates), folder / "uniformity", ("md",))
    caption = textwrap.fill(
        f"{_about(replicates)} Grey: simultaneous {LEVEL:.0%} envelope over all parameters.", 118
    )
    figure = rank_figure(replicates["rank"], int(replicates.attrs["ranked_among"]), caption)
    save_figure(figure, folder / "ranks")
    return table.index[table["outside"]].tolist()


def _table(replicates: xr.Dataset) -> pd.DataFrame:
    ranks = replicates["rank"].transpose("replicate", "parameter")
    return uniformity(ranks, int(replicates.attrs["ranked_among"]))


def _about(replicates: xr.Dataset) -> str:
    settings = replicates.attrs
    total = replicates.sizes["replicate"]
    failed = total - int(replicates["passed"].sum())
    return (
        f"{settings['model']}, {settings['priors']} priors, {settings['cities']} cities: {total} "
        f"replicates, seed {settings['seed']}; {settings['chains']} chains of {settings['draws']} "
        f"draws, truth ranked among {settings['ranked_among']}. Fits that fail their diagnostics: "
        f"{failed}, included. Synthetic by design."
    )
