"""Coefficients of both parts, beside the directions that hypotheses state."""

import json
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import FAINT, INK, INNER_PROB, MARK, WIDTH, caption, plain_axes
from analysis.summary import CI_PROB, coefficients, part_unit
from data.declaration import PARTS


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
    figure = Figure(figsize=(WIDTH, 1.5 + 0.34 * len(terms)), layout="constrained")
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
        plain_axes(panel, f"{part.capitalize()}\n{part_unit(fit, part)}")
        panel.tick_params(left=False)
        panel.spines["left"].set_visible(False)
    panels[0].set_yticks(range(len(terms)), terms)
    panels[0].set_ylim(len(terms) - 0.4, -0.6)
    hypotheses = json.loads(fit.attrs["declaration"])["hypothesis"]
    caption(
        figure,
        fit.attrs,
        f"Posterior mean, {INNER_PROB:.0%} and {CI_PROB:.0%} intervals, a unit of each predictor "
        f"as written{'; triangles: hypothesised direction' if hypotheses else ''}.",
    )
    return figure


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
