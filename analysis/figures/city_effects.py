"""Sender and receiver effects of every city, ordered."""

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import (
    FAINT,
    INK,
    MARK,
    OTHER,
    TEXT,
    WIDTH,
    caption,
    escaped,
    plain_axes,
    thinned_labels,
)
from analysis.posterior.city_effects import city_effects, of_role, parts_and_sides, roles_of
from analysis.posterior.summary import CI_PROB, INNER_PROB, part_unit
from data.errors import ResultsError, suggest
from data.roles import Role

ROW = 0.15  # inches, of a city with its name
LONGEST = 4.4  # inches, of a panel: about what half a page has
COLOUR = {"sender": MARK, "receiver": OTHER}
FIRST = ("degree_sender", "degree_receiver", "selection_sender", "selection_receiver")


def city_effect_figure(fit: xr.DataTree, order: str = "") -> Figure:
    """Draw the effects of every city with their intervals, sender beside receiver.

    Look for cities whose intervals lie on one side of zero, and whether the order of the first
    panel returns in the others: a city that sends much and receives much, or is much selected.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of a model with city effects.
    order : str
        The effects that order the cities, for example ``selection_receiver``. Without it those
        of the degree part's senders, or the first that the model has of ``degree_receiver``,
        ``selection_sender`` and ``selection_receiver``.

    Returns
    -------
    matplotlib.figure.Figure
        A row of panels a part, a column a side, the largest effect on top; circle: posterior
        mean; thick line: 50 %, thin line: 89 % equal-tailed interval. Where there are too many
        cities some names are left out, no marks.

    Raises
    ------
    ResultsError
        The model has no city effects, or not those that order the cities.
    """
    effects = city_effects(fit)
    parts, sides = parts_and_sides(effects)
    cities = ordered_cities(effects, order)
    height = min(ROW * len(cities), LONGEST)
    shown = enumerate(thinned_labels(cities, int(height / ROW)))
    named = {row: city for row, city in shown if city}
    figure = Figure(figsize=(WIDTH, 1.1 + len(parts) * (height + 0.45)), layout="constrained")
    panels = figure.subplots(len(parts), len(sides), sharey=True, sharex="row", squeeze=False)
    for row, part in zip(panels, parts, strict=True):
        for panel, side in zip(row, sides, strict=True):
            role = Role(part, side)
            if role not in roles_of(effects):
                panel.set_axis_off()
                continue
            _draw_side(panel, of_role(effects, role).loc[cities], COLOUR[side])
            plain_axes(panel, f"{part.capitalize()}, {side}")
            panel.tick_params(left=len(named) < len(cities))  # which mark a name belongs to
        row[0].set_xlabel(part_unit(fit, part), fontsize=TEXT, color=INK, loc="left")
    panels[0, 0].set_ylim(len(cities) - 0.4, -0.6)
    panels[0, 0].set_yticks(list(named), [escaped(name) for name in named.values()])
    caption(
        figure,
        fit.attrs,
        f"City effects: posterior mean, {INNER_PROB:.0%} and {CI_PROB:.0%} intervals, "
        f"ordered by the {_ordering(effects, order).replace('_', ' ')} effect"
        f"{f'; {len(named)} of {len(cities)} cities are named' * (len(named) < len(cities))}.",
    )
    return figure


def ordered_cities(effects: xr.Dataset, order: str = "") -> list[str]:
    """Order cities by one of their effects."""
    means = of_role(effects, _ordering(effects, order))["mean"]
    cities: list[str] = means.sort_values(ascending=False, kind="stable").index.tolist()
    return cities


def _ordering(effects: xr.Dataset, order: str) -> str:
    roles = [role for role in FIRST if role in effects["role"]]
    if order and order not in roles:
        raise ResultsError(f"no city effects '{order}'; {suggest(order, roles)}")
    return order or roles[0]


def _draw_side(panel: Axes, table: pd.DataFrame, colour: str) -> None:
    crowded = len(table) > LONGEST / ROW
    at = range(len(table))
    panel.axvline(0, color=FAINT, linewidth=0.8)
    panel.hlines(at, table["lower"], table["upper"], color=colour, linewidth=0.6 if crowded else 1)
    panel.hlines(
        at,
        table["inner_lower"],
        table["inner_upper"],
        color=colour,
        linewidth=1.4 if crowded else 3,
    )
    panel.plot(
        table["mean"],
        at,
        "o",
        color="white",
        markeredgecolor=colour,
        markersize=2 if crowded else 4,
        markeredgewidth=0.6 if crowded else 1,
    )
