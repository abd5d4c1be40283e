"""Figures: one function each, from a fit to a matplotlib figure."""

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.summary import CI_PROB, coefficients, part_unit
from data.declaration import PARTS
from data.files import replacing

INK, MARK, FAINT = "#1b1b1b", "#0072b2", "#8c8c8c"  # blue of Okabe and Ito, safe for all eyes
INNER_PROB = 0.5


def coefficient_figure(fit: xr.DataTree) -> Figure:
    """Draw the coefficients of both parts with their intervals.

    Look for intervals that lie on one side of zero, and whether that is the side of the
    triangle: the direction that the study's hypotheses state.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with at least one predictor.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a part; point: posterior mean; thick line: 50 %, thin line: 89 % equal-tailed
        interval; triangle: the hypothesised direction.
    """
    tables = {
        part: coefficients(fit, part).drop(index="intercept", errors="ignore") for part in PARTS
    }
    tables = {part: table for part, table in tables.items() if len(table)}
    terms = list(dict.fromkeys(term for table in tables.values() for term in table.index))
    figure = Figure(figsize=(7.0, 1.5 + 0.34 * len(terms)), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for panel, (part, table) in zip(panels, tables.items(), strict=True):
        draws = fit["posterior"][f"{part}_coef"]
        tails = [(1 - INNER_PROB) / 2, (1 + INNER_PROB) / 2]
        inner = draws.quantile(tails, ("chain", "draw")).to_numpy()
        at = np.array([terms.index(term) for term in table.index])
        panel.axvline(0, color=FAINT, linewidth=0.8)
        panel.hlines(at, table["lower"], table["upper"], color=MARK, linewidth=1.2)
        panel.hlines(at, inner[0], inner[1], color=MARK, linewidth=3.5)
        panel.plot(table["mean"], at, "o", color="white", markeredgecolor=MARK, markersize=5)
        for hypothesis in json.loads(fit.attrs["declaration"])["hypothesis"]:
            if hypothesis["part"] == part:
                _mark_direction(panel, terms.index(hypothesis["term"]), hypothesis["direction"])
        panel.set_title(
            f"{part.capitalize()}\n{part_unit(fit, part)}", fontsize=9, loc="left", color=INK
        )
        panel.tick_params(labelsize=8, colors=INK, left=False)
        panel.spines[["top", "right", "left"]].set_visible(False)
    panels[0].set_yticks(range(len(terms)), terms)
    panels[0].set_ylim(len(terms) - 0.4, -0.6)
    _caption(figure, fit)
    return figure


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG, each whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    stem : pathlib.Path
        The files' path without ``.png`` and ``.svg``.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    for path in paths:
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=200)
    return paths


def _mark_direction(panel: Any, row: int, direction: str) -> None:
    positive = direction == "positive"
    panel.plot(
        1.0 if positive else 0.0,
        row,
        marker=">" if positive else "<",
        color=INK,
        markersize=5,
        transform=panel.get_yaxis_transform(),  # at the panel's edge, whatever its scale
        clip_on=False,
    )


def _caption(figure: Figure, fit: xr.DataTree) -> None:
    """Say below a figure what it shows, so that it can be read alone."""
    about = fit.attrs
    synthetic = ", ".join(json.loads(about["synthetic"]))
    hypotheses = json.loads(about["declaration"])["hypothesis"]
    shown = (
        f"{about['title']}: {about['model']}, {about['priors']} priors, "
        f"{about['chains']} x {about['draws']} draws. Posterior mean, {INNER_PROB:.0%} and "
        f"{CI_PROB:.0%} intervals, a unit of each predictor as written"
        f"{'; triangles: hypothesised direction' if hypotheses else ''}."
    )
    lines = [
        shown,
        f"Synthetic data: {synthetic}. Not findings about the world." if synthetic else "",
        "" if about["passed"] else "This fit fails its diagnostics: do not interpret it.",
    ]
    text = "\n".join(textwrap.fill(line, 110) for line in lines if line)
    figure.supxlabel(text, fontsize=7.5, color=INK, x=0.01, ha="left")
