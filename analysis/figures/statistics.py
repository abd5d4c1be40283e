"""Statistics of the network, observed and in what the model draws."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from analysis.checks.network import network_check, network_table
from analysis.checks.replicated import DRAWS
from analysis.figures.style import FAINT, INK, MARK, OTHER, SMALL, WIDTH, caption, plain_axes
from analysis.posterior.summary import CI_PROB

COLUMNS, BINS = 4, 25
SHOWN = (0.005, 0.995)  # heavy tails would press all else into one bar


def statistics_figure(fit: xr.DataTree, draws: int = DRAWS) -> Figure:
    """Draw each statistic of the network as the model predicts it, and as it was observed.

    Look for observed values at the edge of what the model draws: in that respect its networks are
    not like the observed one. City effects are needed where the senders' or the receivers' spread
    is missed, their correlation or pair effects where dyadic dependence is; cycles and triads are
    in none of the models.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    draws : int
        About how many of its draws to use.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a statistic; bars: replicated networks, with mean and 89 % interval below; dashed
        line: observed; p: share of replicated networks at or above it.
    """
    check = network_check(fit, draws)
    table = network_table(check)
    rows = -(-len(table) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.8 + 1.5 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel, (statistic, row) in zip(panels, table.iterrows(), strict=False):
        drawn = check["predictive"].sel(statistic=statistic).to_numpy()
        _draw_statistic(panel, drawn[~np.isnan(drawn)], row)
        p = "not defined" if np.isnan(row["p"]) else f"p = {row['p']:.2f}"
        plain_axes(panel, f"{str(statistic).capitalize()}\n{p}")
        panel.spines["left"].set_visible(False)
        panel.set_yticks([])
        panel.locator_params(axis="x", nbins=4)
    for panel in panels[len(table) :]:
        panel.set_visible(False)
    caption(
        figure,
        fit.attrs,
        f"Bars: {check.sizes['draw']} replicated networks, without the 1 % farthest out; below "
        f"them: mean and {CI_PROB:.0%} interval; dashed line: observed; p: share of replicated "
        "networks at or above it.",
    )
    return figure


def _draw_statistic(panel: Any, drawn: np.ndarray, row: pd.Series) -> None:
    if not len(drawn):
        panel.set_xticks([])
        return
    heights, edges = np.histogram(drawn, _edges(drawn))
    panel.stairs(heights, edges, fill=True, color=MARK, alpha=0.35)
    top = heights.max()
    panel.hlines(-0.1 * top, row["lower"], row["upper"], color=MARK, linewidth=2)
    panel.plot(row["mean"], -0.1 * top, "o", color="white", markeredgecolor=MARK, markersize=4)
    panel.axhline(0, color=FAINT, linewidth=0.6)
    panel.set_ylim(-0.2 * top, 1.15 * top)
    if not np.isnan(row["observed"]):
        panel.axvline(row["observed"], color=OTHER, linewidth=1.4, linestyle=(0, (4, 1.5)))
    panel.tick_params(labelsize=SMALL, colors=INK)


def _edges(drawn: np.ndarray) -> np.ndarray:
    """Divide what is shown into bars, between the values where these are few."""
    low, high = np.quantile(drawn, SHOWN)
    values = np.unique(drawn)
    if len(values) > len(drawn) / 4:
        return np.linspace(low, high, BINS + 1)
    step = float(np.diff(values).min()) if len(values) > 1 else 1.0
    width = step * np.ceil((high - low) / step / BINS) if high > low else step
    return np.arange(low - step / 2, high + width, width)
