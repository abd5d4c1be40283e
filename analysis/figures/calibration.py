"""How far the ranks of a calibration are from uniform."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.checks.ranks import LEVEL, envelope, ranks_below, shares
from analysis.figures import style

COLUMNS = 4


@style.styled()
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
        As in `uniformity`, of the simultaneous envelope of all.
    """
    parameters = ranks["parameter"].to_numpy().tolist()
    number = ranks.sizes["replicate"]
    own = envelope(number, ranked, 1 - (1 - level) / len(parameters))
    rows = -(-len(parameters) // COLUMNS)
    figure = Figure(figsize=(style.WIDTH, 0.8 + 1.25 * rows))
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    share = shares(ranked)
    edges = np.concatenate([[0], share, [1]])
    low, high = (np.concatenate([[0], b / number - share, [0]]) for b in (own.lower, own.upper))
    for panel, parameter in zip(panels, parameters, strict=False):
        below = ranks_below(ranks.sel(parameter=parameter).to_numpy(), ranked)
        leaves = bool(((below < own.lower) | (below > own.upper)).any())
        panel.fill_between(edges, low, high, color=style.FAINT, alpha=0.25, linewidth=0)
        panel.axhline(0, color=style.FAINT, linewidth=0.6)
        line = np.concatenate([[0], below / number - share, [0]])
        panel.plot(edges, line, color=style.OTHER if leaves else style.MARK, linewidth=1.1)
        panel.set_title(f"{parameter}{' (outside)' if leaves else ''}".replace("[", "\n["))
        panel.set_xticks([0, 0.5, 1])
    for panel in panels[len(parameters) :]:
        panel.set_visible(False)
    for panel in panels[: len(parameters)][-COLUMNS:]:  # the lowest of each column
        panel.tick_params(labelbottom=True)
        panel.set_xlabel(f"rank / {ranked + 1}")
    figure.supylabel("distribution function of the ranks, less uniform", fontsize=style.SMALL)
    style.write_below(figure, caption)
    return figure
