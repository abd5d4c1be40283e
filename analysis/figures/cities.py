"""Effects of cities: a forest of all, and sender against receiver."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.forest import forest
from analysis.figures.map import place_names
from analysis.posterior.city_effects import city_effects, of_role, parts_and_sides, roles_of
from analysis.posterior.summary import CI_PROB, INNER_PROB, part_unit
from data.errors import ResultsError, suggest
from data.roles import PARTS, Part, Role
from models.inference.fit import Fit
from models.name import CITY_CORRELATION, role_pairs

CITY = 0.15  # inches, of a city with its name
LONGEST = 4.4  # inches, of a panel: about what half a page has
FIRST = tuple(role.effect for part in reversed(PARTS) for role in part.all_roles)
MANY = 60  # cities, from which on marks of reciprocity are drawn small
TAILS = [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]


@style.styled()
def city_effect_figure(
    fit: xr.DataTree, order: str = "", *, backend: str = "matplotlib"
) -> style.Drawn:
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
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
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
    order, cities = ordered_cities(effects, order)
    height = min(CITY * len(cities), LONGEST)
    named = style.thinned_labels(cities, int(height / CITY))
    roles, posterior = roles_of(effects), fit["posterior"].to_dataset()
    size = style.sized(backend, 1.1 + len(parts) * (height + 0.45), sharex="row")
    lacking = xr.full_like(posterior[roles[0].effect], np.nan)
    draws = [
        xr.concat(
            [posterior.get(Role(part, side).effect, lacking).drop_attrs() for side in sides],
            pd.Index(sides, name="side"),
        )
        for part in parts
    ]
    drawn = forest(
        xr.concat(draws, pd.Index(list(map(str, parts)), name="part"))
        .sel(city=cities)
        .transpose("chain", "draw", "part", "side", "city"),
        named,
        {"backend": backend, "rows": ["part"], "cols": ["side"], "figure_kwargs": size}
        | {"aes": {"color": ["side"]}, "color": [style.MARK, style.OTHER]},
    )
    style.rule(drawn, 0, color=style.FAINT, linestyle="C0")
    on = style.canvas(drawn)
    for part, side in ((part, side) for part in parts for side in sides):
        panel = drawn.get_target("value", {"part": str(part), "side": side})
        if Role(part, side) in roles:
            on.title(f"{part.capitalize()}, {side}", panel)
            on.xlabel(part_unit(fit, part), panel)
        else:
            on.remove_axis(panel, "both")
    thinned = f"; {len(named)} of {len(cities)} cities are named" * (len(named) < len(cities))
    shown = (
        f"City effects: posterior mean, {INNER_PROB:.0%} and {CI_PROB:.0%} intervals, ordered by "
        f"the {order.replace('_', ' ')} effect{thinned}."
    )
    return style.finished(drawn, style.caption(fit, shown))


def ordered_cities(effects: xr.Dataset, order: str = "") -> tuple[str, list[str]]:
    """Order cities by one of their effects; say by which."""
    roles = [role for role in FIRST if role in effects["role"]]
    if order and order not in roles:
        raise ResultsError(f"no city effects '{order}'; {suggest(order, roles)}")
    order = order or roles[0]
    means = of_role(effects, order)["mean"].sort_values(ascending=False, kind="stable")
    return order, means.index.tolist()


@style.styled()
def reciprocity_figure(fit: xr.DataTree) -> Figure:
    """Draw the sender effect of each city against its receiver effect.

    Look for a cloud that rises: cities that send much also receive much. Where bars are long, the
    means are drawn together by the model, and the correlation that is printed, with its interval,
    says more than the cloud does.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of a model with sender and receiver effects in one part at least.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a part; a point a city, at its posterior means, with 50 % equal-tailed intervals;
        in words the posterior mean and the 89 % interval of the generalized reciprocity. Names
        stand where they have room, the outermost cities first.

    Raises
    ------
    ResultsError
        No part of the model has effects of both sides.
    """
    effects = city_effects(fit)
    both = {
        part: {role.side: of_role(effects, role) for role in part.roles}
        for part in parts_and_sides(effects)[0]
        if set(part.roles) <= set(roles_of(effects))
    }
    if not both:
        raise ResultsError(
            f"{Fit(fit).model} has no effects of both sides; take a model of directed dyads such "
            "as zinb_srm"
        )
    figure = Figure(figsize=(style.WIDTH, 1.2 + min(style.WIDTH / len(both), 4.6)))
    panels = figure.subplots(1, len(both), squeeze=False)[0]
    correlations = {part: generalized_reciprocity(fit, part) for part in both}
    for panel, (part, sides) in zip(panels, both.items(), strict=True):
        _draw_cities(panel, sides["sender"], sides["receiver"])
        said = "the two effects of a city are independent in this model"
        if found := correlations[part]:
            said = "generalized reciprocity {:.2f} ({:.2f} to {:.2f})".format(*found)
        panel.set_title(f"{part.capitalize()}\n{said}")
    units = "; ".join(f"{part}: {part_unit(fit, part)}" for part in both)
    shown = f"City effects: posterior means and {INNER_PROB:.0%} intervals ({units})."
    if any(correlations.values()):
        shown += (
            " Generalized reciprocity, the correlation of the two effects of a city: posterior "
            f"mean and {CI_PROB:.0%} interval."
        )
    style.write_below(figure, *style.caption(fit, f"{shown} Names where there is room."))
    for panel, sides in zip(panels, both.values(), strict=True):
        means = pd.DataFrame({side: table["mean"] for side, table in sides.items()})
        means = means.iloc[np.argsort(-np.hypot(*means.to_numpy().T), kind="stable")]
        place_names(panel, means, [2.5] * len(means))
    return figure


def generalized_reciprocity(fit: xr.DataTree, part: Part) -> tuple[float, float, float] | None:
    """Give the posterior mean of the correlation of a city's two effects, and its 89 % interval.

    None where the effects are independent in the model.
    """
    posterior, pair = fit["posterior"], role_pairs(part.roles)[0]
    if part.generalized_reciprocity in posterior:
        draws = posterior[part.generalized_reciprocity].load()
    elif CITY_CORRELATION in posterior and pair in posterior["role_pair"].to_numpy():
        draws = posterior[CITY_CORRELATION].load().sel(role_pair=pair)
    else:
        return None
    low, high = draws.quantile(TAILS).to_numpy()
    return float(draws.mean()), float(low), float(high)


def _draw_cities(panel: Any, sender: pd.DataFrame, receiver: pd.DataFrame) -> None:
    many = len(sender) > MANY
    panel.axvline(0, color=style.FAINT, linewidth=0.6)
    panel.axhline(0, color=style.FAINT, linewidth=0.6)
    bars = {"color": style.MARK, "linewidth": 0.5 if many else 0.9, "alpha": 0.45 if many else 0.7}
    panel.hlines(receiver["mean"], sender["inner_lower"], sender["inner_upper"], **bars)
    panel.vlines(sender["mean"], receiver["inner_lower"], receiver["inner_upper"], **bars)
    mark = {"color": style.MARK, "markeredgecolor": "white", "markeredgewidth": 0.5}
    panel.plot(sender["mean"], receiver["mean"], "o", markersize=3.5 if many else 5, **mark)
    panel.set(xlabel="sender effect", ylabel="receiver effect")
    panel.margins(0.1)
    panel.locator_params(nbins=5)
    panel.set_aspect("equal", adjustable="datalim")  # one unit on both axes
