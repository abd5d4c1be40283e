"""How far the ranks of a calibration are from uniform."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.checks.ranks import LEVEL, envelope, ranks_below, shares
from analysis.figures.style import FAINT, INK, MARK

COLUMNS = 4


def rank_figure(ranks: xr.DataArray, ranked: int, caption: str, level: float = LEVEL) -> Figure:
    """Draw how far each parameter's ranks are from uniform.

    Look for a line that leaves its envelope. A hump above zero: the truth lies below the
    posterior too often; below zero: above it. An S, first above and then below zero: posteriors
    too narrow; the other way round: too wide.

    Parameters
    ----------
    ranks : xarray.DataArray
        Whole numbers from 0 to ``ranked``; dims (replicate, parameter).
    ranked : int
        How many draws each truth is ranked among.
    caption : str
        What was calibrated.
    level : float
        As in `uniformity`.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a parameter: the ranks' distribution function less the uniform one, and the
        simultaneous envelope of all.
    """
    parameters = ranks["parameter"].to_numpy().tolist()
    number = ranks.sizes["replicate"]
    own = envelope(number, ranked, 1 - (1 - level) / len(parameters))
    rows = -(-len(parameters) // COLUMNS)
    figure = Figure(figsize=(7.0, 0.8 + 1.25 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    share = shares(ranked)
    edges = np.concatenate([[0], share, [1]])
    low, high = (np.concatenate([[0], b / number - share, [0]]) for b in (own.lower, own.upper))
    for panel, parameter in zip(panels, parameters, strict=False):
        below = ranks_below(ranks.sel(parameter=parameter).to_numpy(), ranked)
        leaves = bool(((below < own.lower) | (below > own.upper)).any())
        panel.fill_between(edges, low, high, color=FAINT, alpha=0.25, linewidth=0)
        panel.axhline(0, color=FAINT, linewidth=0.6)
        line = np.concatenate([[0], below / number - share, [0]])
        panel.plot(edges, line, color="#d55e00" if leaves else MARK, linewidth=1.1)
        heading = f"{parameter}{' (outside)' if leaves else ''}".replace("[", "\n[")
        panel.set_title(heading, fontsize=6.5, loc="left", color=INK)
        panel.tick_params(labelsize=6.5, colors=INK)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xticks([0, 0.5, 1])
    for panel in panels[len(parameters) :]:
        panel.set_visible(False)
    for panel in panels[: len(parameters)][-COLUMNS:]:  # the lowest of each column
        panel.tick_params(labelbottom=True)
        panel.set_xlabel(f"rank / {ranked + 1}", fontsize=6.5, color=INK)
    figure.supylabel("distribution function of the ranks, less uniform", fontsize=7.5, color=INK)
    figure.supxlabel(caption, fontsize=7, color=INK, x=0.01, ha="left")
    return figure
