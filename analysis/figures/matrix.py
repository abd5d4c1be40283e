"""Every directed dyad: what was observed, and what the model predicts."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure

from analysis.checks.replicated import predicted_mean
from analysis.figures.style import (
    FAINT,
    INK,
    SMALL,
    WIDTH,
    caption,
    plain_axes,
    shortened,
    thinned_labels,
)
from models.predictor.linear import city_position

LABELS = 24  # city names that an axis has room for
SHADES = "Blues"


def matrix_data(fit: xr.DataTree) -> xr.Dataset:
    """Lay out counts and their predictions by sender and receiver.

    Returns
    -------
    xarray.Dataset
        ``observed`` counts and ``predicted`` means over all draws; dims (sender, receiver), not a
        number on the diagonal and where a directed dyad has no row. Cities are ordered by what
        they send and receive together, most first, equal ones by name.
    """
    dyads = fit["constant_data"].to_dataset()
    cities = dyads["city"].to_numpy()
    sender, receiver = city_position(dyads, "sender"), city_position(dyads, "receiver")
    counts = fit["observed_data"]["count"].to_numpy()
    total = np.bincount(sender, counts, len(cities)) + np.bincount(receiver, counts, len(cities))
    order = np.argsort(-total, kind="stable")
    values = {"observed": counts, "predicted": predicted_mean(fit).to_numpy()}
    whole = xr.Dataset(coords={"sender": cities, "receiver": cities})
    for name, each in values.items():
        matrix = np.full((len(cities), len(cities)), np.nan)
        matrix[sender, receiver] = each
        whole[name] = ("sender", "receiver"), matrix
    return whole.isel(sender=order, receiver=order)


def matrix_figure(fit: xr.DataTree) -> Figure:
    """Draw the counts of all directed dyads beside their predicted means, in the same colours.

    Look for rows, columns and blocks that are darker on the left than on the right: senders,
    receivers and groups of cities that the model does not follow. Single dark cells without a
    counterpart are counts that it takes for chance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.

    Returns
    -------
    matplotlib.figure.Figure
        Left: observed, right: mean of the replicated counts; senders by row, receivers by column,
        those with the largest observed totals first; hatched: no such directed dyad.
    """
    data = matrix_data(fit)
    largest = max(float(data["observed"].max()), float(data["predicted"].max()), 1.0)
    unit = _unit(float(data["observed"].mean()))
    scale = FuncNorm((lambda y: np.log1p(y / unit), lambda z: unit * np.expm1(z)), 0, largest)
    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = {"observed": "Observed count", "predicted": "Predicted mean"}
    for panel, (name, title) in zip(panels, titles.items(), strict=True):
        panel.patch.set(facecolor="#dddddd", edgecolor=FAINT, hatch="//////", linewidth=0)
        shown = panel.imshow(
            np.ma.masked_invalid(data[name].to_numpy()),
            cmap=SHADES,
            norm=scale,
            interpolation="nearest",
            aspect="auto",  # else the caption would lie upon the labels
        )
        plain_axes(panel, title)
        panel.set_xlabel("receiver", fontsize=SMALL, color=INK)
        panel.spines[:].set_visible(False)
        _name_cities(panel, data["sender"].to_numpy().tolist())
    panels[0].set_ylabel("sender", fontsize=SMALL, color=INK)
    bar = figure.colorbar(shown, ax=panels, pad=0.01)
    ticks = _ticks(largest, unit)
    bar.set_ticks(ticks, labels=[f"{tick:,g}" for tick in ticks])
    bar.ax.tick_params(labelsize=SMALL, colors=INK)
    bar.set_label(
        f"count, on the scale of log(1 + count{f' / {unit:g}' if unit < 1 else ''})",
        fontsize=SMALL,
        color=INK,
    )
    bar.outline.set_visible(False)
    caption(
        figure,
        fit.attrs,
        "Cities in the order of what they send and receive together, the most first; hatched: no "
        "such directed dyad in the data. Predicted mean: over all draws of the replicated counts.",
    )
    return figure


def _name_cities(panel: Any, cities: list[str]) -> None:
    names = thinned_labels([shortened(city) for city in cities], LABELS)
    at = [number for number, name in enumerate(names) if name]
    shown = {"labels": [name for name in names if name], "fontsize": 7, "parse_math": False}
    panel.set_xticks(at, rotation=90, **shown)
    panel.set_yticks(at, **shown)
    panel.tick_params(length=2 if len(at) < len(cities) else 0)


def _unit(mean: float) -> float:
    """Give the count below which the scale is nearly linear: 1, or less in a sparse network."""
    return min(1.0, float(f"{mean:.0e}")) if mean > 0 else 1.0


def _ticks(largest: float, unit: float) -> list[float]:
    """Give counts that stand apart on the scale of log(1 + count / unit)."""
    ticks = [0.0]
    for tick in (step * 10.0**power for power in range(-4, 9) for step in (1, 2, 5)):
        apart = np.log1p(tick / unit) - np.log1p(ticks[-1] / unit)
        if tick <= largest and apart > 0.1 * np.log1p(largest / unit):
            ticks.append(tick)
    return ticks
