"""What a calibration found, in words, a table and a figure."""

import textwrap
from pathlib import Path

import xarray as xr

from analysis.checks.ranks import LEVEL, uniformity
from analysis.figures.calibration import rank_figure
from analysis.figures.style import save_figure
from analysis.tables.blocks import P, Page, Table
from analysis.tables.files import write_page
from data.files import all_or_none
from models.work import netcdf
from models.work.fits import decoded

COLUMNS = "mean and sd: of the ranks, relative to uniform ranks; p, all: times the number of rows."


def calibration_page(replicates: xr.Dataset) -> Page:
    """Hold the ranks of the truth against the uniform law."""
    settings, total = replicates.attrs, replicates.sizes["replicate"]
    ranked = int(settings["ranked_among"])
    failed = replicates["replicate"].to_numpy()[replicates["passed"].to_numpy() == 0]
    slopes, commits = (decoded(settings, name) for name in ("slopes", "commits"))
    with_slopes = f" with slopes {', '.join(slopes)}" if slopes else ""
    source = ", commit ".join([f"interlocal {settings['version']}", *commits])
    overview = (
        f"{settings['model']}{with_slopes}, {settings['priors']} priors, {settings['cities']} "
        f"cities: {total} "
        f"replicates, seed {settings['seed']}; {settings['chains']} chains of {settings['draws']} "
        f"draws, truth ranked among {ranked}. Fits that fail their diagnostics: "
        f"{len(failed)} of {total} ({len(failed) / total:.1%}), included"
        f"{': ' + ', '.join(map(str, failed)) if len(failed) else ''}. Made by {source}. "
        "Synthetic by design."
    )
    data = uniformity(replicates["rank"].transpose("replicate", "parameter"), ranked)
    envelope = ["outside" if outside else "inside" for outside in data["outside"]]
    shown = data.drop(columns="outside").rename(columns={"p_all": "p, all"})
    table = Table(
        shown.assign(**{f"{LEVEL:.0%} envelope": envelope}),
        "Ranks of the truth, held against the uniform law",
        {"deviation": "+.3f", "p": P, "p, all": P},
        notes=(COLUMNS,),
    )
    return Page(f"{settings['model']} · calibration", (table,), overview, data=data)


def write_calibration(replicates: xr.Dataset, page: Page, folder: Path) -> None:
    """Write ``ranks.nc``, ``uniformity.csv`` and ``.md``, ``ranks.png`` and ``.svg``."""
    with all_or_none():
        netcdf.write(replicates, folder / "ranks.nc")
        write_page(page, folder / "uniformity", ("csv", "md"))
    caption = textwrap.fill(
        f"{page.subtitle} Grey: simultaneous {LEVEL:.0%} envelope over all parameters.", 118
    )
    figure = rank_figure(replicates["rank"], int(replicates.attrs["ranked_among"]), caption)
    save_figure(figure, folder / "ranks")
