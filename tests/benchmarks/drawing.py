"""The figure: what effective draws cost, against the number of dyads."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullLocator
from peers import PEERS

from analysis.figures.style import DPI, INK, SMALL, TEXT, WIDTH, write_below
from data.files import replacing

# Okabe and Ito's colours; interlocal's first
COLOURS = ("#0072b2", "#d55e00", "#e69f00", "#cc79a7", "#56b4e9", "#1b1b1b", "#009e73")
THOUSAND = 1000
UNFINISHED = (
    " Open triangle: not finished within {limit} s; what it would cost at least, were every draw "
    "independent of the others."
)
APART = 0.045  # labels, as a share of the panel's height


def plain_axes(panel: Axes, title: str = "") -> None:
    """Take away what an axes does not need, and write its title."""
    if title:
        panel.set_title(title, fontsize=TEXT, loc="left", color=INK)
    panel.tick_params(labelsize=SMALL, colors=INK)
    panel.spines[["top", "right"]].set_visible(False)


def draw_costs(rows: pd.DataFrame, path: Path) -> None:
    """Draw seconds of sampling for 1000 effective draws, one line a program, one panel a model."""
    models = list(rows["model"].unique())
    figure, panels = plt.subplots(
        1, len(models), figsize=(WIDTH, 3.6), layout="constrained", sharey=True, squeeze=False
    )
    drawn = rows[rows["state"] != "failed"].assign(cost=lambda r: THOUSAND / r["per_sampling"])
    for panel, model in zip(panels[0], models, strict=True):
        _draw_panel(panel, drawn[drawn["model"] == model])
        plain_axes(panel, model)
    for panel in panels[0]:  # once the panels have the axis that they share
        _label_ends(panel)
    panels[0, 0].set_ylabel("seconds of sampling\nfor 1000 effective draws", fontsize=TEXT)
    limit = f"{rows['limit'].max():g}"
    write_below(
        figure,
        "Effective draws: the smallest bulk ESS over intercepts, coefficients, standard "
        "deviations, correlations and dispersion."
        + (UNFINISHED.format(limit=limit) if (drawn["state"] == "exceeded").any() else ""),
    )
    with replacing(path) as target:
        figure.savefig(target, format="png", dpi=DPI)
    plt.close(figure)


def _draw_panel(panel: Axes, rows: pd.DataFrame) -> None:
    panel.set(xscale="log", yscale="log")
    panel.margins(x=0.05, y=0.08)
    for (key, peer), colour in zip(PEERS.items(), COLOURS, strict=True):
        own = rows[rows["peer"] == key].groupby(["cities", "dyads"], as_index=False)
        line = own.agg(cost=("cost", "median"), state=("state", "max"))
        if line.empty:
            continue
        done = line["state"] == "done"
        style = {"color": colour, "lw": 2.2 if key == "ours" else 1.2}
        panel.plot(line["dyads"][done], line["cost"][done], "o-", ms=3.5, **style)
        panel.plot(line["dyads"][~done], line["cost"][~done], "^", mfc="none", ms=6, **style)
        last = line[done if done.any() else ~done].iloc[-1]
        # an empty mark, which bears the label
        panel.plot(last["dyads"], last["cost"], "", label=peer.label, **style)
    sizes = rows[["cities", "dyads"]].drop_duplicates()
    labels = [f"{dyads:,}\n({cities} cities)" for cities, dyads in sizes.to_numpy()]
    panel.set_xticks(sizes["dyads"].tolist(), labels)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("dyads", fontsize=TEXT)


def _label_ends(panel: Axes) -> None:
    """Write each program at the end of its line, moved up where labels would overlap."""
    to_axes = panel.transData - panel.transAxes
    ends, _ = panel.get_legend_handles_labels()
    places = {end: to_axes.transform(end.get_xydata()[0]) for end in ends}
    lowest: dict[float, float] = {}
    for end, (x, y) in sorted(places.items(), key=lambda each: each[1][1]):
        lowest[x] = max(y, lowest.get(x, -np.inf) + APART)
        panel.annotate(
            end.get_label(),
            (x, y),
            (x + 0.03, lowest[x]),
            xycoords="axes fraction",
            va="center",
            fontsize=SMALL,
            color=end.get_color(),
            annotation_clip=False,
            path_effects=[withStroke(linewidth=2, foreground="white")],  # lines may pass behind
        )
