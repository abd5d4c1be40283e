"""Where importance sampling does not reach."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO
from matplotlib.figure import Figure

from analysis.figures.style import (
    FAINT,
    INK,
    MARK,
    OTHER,
    SMALL,
    WIDTH,
    caption,
    plain_axes,
    shortened,
)
from models.leave_out.loo import high_k

NAMED, LABELS = 8, 30  # dyads that are named; senders that the axis has room for
ROOM = 28  # characters of a line of names
EDGE = 0.9  # of the width, beyond which tags stand left of their marks, beside the names
BORDERS = 40  # senders, above which lines between them would hide the marks
UNITS = {"dyad": "directed dyads", "pair": "pairs"}


def pareto_data(fit: xr.DataTree, estimate: ELPDDataLOO) -> pd.DataFrame:
    """Order the Pareto k of dyads or pairs by sender.

    Returns
    -------
    pandas.DataFrame
        A row a dyad, those of one sender together, or a pair, by its first city: ``k``, ``city``
        (the sender or the first city), ``high`` (above the threshold or not a number), ``place``
        (1 for the worst of the high ones, 0 for the others).
    """
    k = estimate.pareto_k
    (unit,) = k.dims
    dyads = fit["constant_data"].to_dataset()
    labels = dyads["dyad" if unit == "dyad" else "dyad_pair"].to_numpy()
    sender, receiver = dyads["sender"].to_numpy(), dyads["receiver"].to_numpy()
    first = sender if unit == "dyad" else np.array([*map(min, sender, receiver)], dtype=str)
    city = dict(zip(labels, first, strict=True))
    table = pd.DataFrame({"k": k.to_numpy()}, index=pd.Index(k[unit].to_numpy(), name=unit))
    table["city"] = [city[label] for label in table.index]
    table["high"] = table.index.isin(high_k(estimate))
    # what is not a number is worse than any number
    worst = table.loc[table["high"], "k"].fillna(np.inf).sort_values(ascending=False, kind="stable")
    table["place"] = pd.Series(np.arange(1, len(worst) + 1), index=worst.index)
    table["place"] = table["place"].fillna(0).astype(int)
    return table.sort_values("city", kind="stable")


def pareto_figure(fit: xr.DataTree, estimate: ELPDDataLOO) -> Figure:
    """Draw the Pareto k of every dyad (or pair), sender by sender, and name the worst.

    Look for marks above the threshold: to leave these out changes the posterior more than
    reweighting its draws can follow, and `interlocal compare` integrates the effects of their
    cities out, or refits the model without them. Many of one sender point at that city; a k far
    above the others at a count worth a second look.

    Parameters
    ----------
    fit : xarray.DataTree
        The fit.
    estimate : arviz_stats.utils.ELPDDataLOO
        What `models.leave_out.loo.psis` gave for it.

    Returns
    -------
    matplotlib.figure.Figure
        A mark a unit; triangles: above the threshold, the eight worst of them with their names at
        the right. What is not a finite number stands at the upper edge.
    """
    table = pareto_data(fit, estimate)
    at, k = np.arange(len(table)), table["k"].to_numpy()
    high = table["high"].to_numpy()
    finite = k[np.isfinite(k)]
    top = 1.08 * max(1.0, finite.max() if len(finite) else 1.0)
    bottom = min(0.0, finite.min() if len(finite) else 0.0) - 0.05
    shown = np.where(np.isfinite(k), k, top)
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    panel = figure.subplots()
    size = 12 if len(table) < 2000 else 4
    panel.scatter(at[~high], shown[~high], s=size, color=MARK, alpha=0.55, linewidth=0)
    panel.scatter(at[high], shown[high], s=26, marker="^", color=OTHER, zorder=3)
    panel.axhline(estimate.good_k, color=INK, linewidth=0.9, linestyle="--")
    panel.set_ylim(bottom, top * 1.05)
    panel.set_xlim(-1, len(table))
    _name_worst(panel, table, shown, estimate.good_k)
    _name_senders(panel, table["city"])
    plain_axes(panel)
    unit = str(table.index.name)
    panel.set_ylabel("Pareto k", fontsize=SMALL)
    panel.set_xlabel("sender" if unit == "dyad" else "first city of the pair", fontsize=SMALL)
    caption(
        figure,
        fit.attrs,
        f"{high.sum()} of {len(table)} {UNITS[unit]} have a Pareto k above the threshold, "
        f"{estimate.good_k:.2f} (dashed line; triangles): importance sampling over "
        f"{estimate.n_samples} draws cannot leave them out.",
    )
    return figure


def _name_worst(panel: Any, table: pd.DataFrame, shown: np.ndarray, threshold: float) -> None:
    named = table.assign(at=np.arange(len(table)), shown=shown)
    named = named[named["place"].between(1, NAMED)].sort_values("place")
    lines = [f"above {threshold:.2f}:"] if len(named) else [f"none above {threshold:.2f}"]
    for where, tag in _tags(panel, named):
        ends = where[0] > EDGE * len(table)
        panel.annotate(
            tag,
            where,
            (-4 if ends else 4, 2),
            ha="right" if ends else "left",
            textcoords="offset points",
            fontsize=7,
            color=INK,
        )
    for label, row in named.iterrows():
        lines += textwrap.wrap(
            f"{row['place']}  {row['k']:.2f}  {label}", ROOM, subsequent_indent="    "
        )
    more = int(table["high"].sum()) - len(named)
    lines += [f"and {more} more"] if more else []
    panel.text(
        1.01,
        1.0,
        "\n".join(lines),
        transform=panel.transAxes,
        fontsize=7,
        color=INK,
        va="top",
        parse_math=False,
    )


def _tags(panel: Any, named: pd.DataFrame) -> list[tuple[tuple[float, float], str]]:
    """Place the numbers of what is named; marks that stand close together share one tag."""
    width, height = (high - low for low, high in (panel.get_xlim(), panel.get_ylim()))
    tags: list[tuple[tuple[float, float], str]] = []
    for x, y, number in zip(named["at"], named["shown"], named["place"], strict=True):
        for i, ((near_x, near_y), tag) in enumerate(tags):
            if abs(x - near_x) < 0.04 * width and abs(y - near_y) < 0.06 * height:
                beside = min if x > EDGE * width else max
                tags[i] = (beside(x, near_x), near_y), f"{tag}, {number}"
                break
        else:
            tags.append(((x, y), f"{number}"))
    return tags


def _name_senders(panel: Any, city: pd.Series) -> None:
    place = pd.Series(np.arange(len(city)), index=city.to_numpy()).groupby(level=0, sort=False)
    if place.ngroups <= BORDERS:
        for border in place.min().to_numpy()[1:]:
            panel.axvline(border - 0.5, color=FAINT, linewidth=0.3, alpha=0.5, zorder=0)
    kept: dict[float, str] = {}
    for name, middle in place.mean().items():
        if not kept or middle - max(kept) >= len(city) / LABELS:
            kept[float(middle)] = shortened(str(name))
    panel.set_xticks(list(kept), list(kept.values()), rotation=90, parse_math=False)
    panel.tick_params(axis="x", length=0)
