"""Positions of cities, whose products are multiplicative effects: the biplot."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.map import place_names
from analysis.posterior.summary import CI_PROB, INNER_PROB
from data.errors import ResultsError, suggest
from data.roles import PARTS, Part, Role
from models.inference.fit import Fit

DRAWS = ("chain", "draw")
MANY = 60  # cities, from which on marks are drawn small
INNER = [(1 - INNER_PROB) / 2, (1 + INNER_PROB) / 2]
TAILS = [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]
LOOKS = {
    "sender": {"color": style.MARK, "marker": "o"},
    "receiver": {"color": style.OTHER, "marker": "D"},
    "city": {"color": style.MARK, "marker": "o"},
}


@style.styled()
def position_figure(fit: xr.DataTree, directions: Sequence[str] = ()) -> Figure:
    """Draw where cities lie as senders and as receivers: the biplot of multiplicative effects.

    Look for groups: senders near each other deal with the same receivers. A sender and a receiver
    in one direction from the middle have more to do with each other than their other effects say,
    in opposite directions less, at a right angle neither. Only angles and lengths count: the axes
    themselves may be turned.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of a model with multiplicative effects.
    directions : sequence of str
        Terms of the formulas: an arrow points where a city's mean of the term rises most.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a part and pair of dimensions, the first against each other one; of one dimension
        the sender's position against the receiver's, and of undirected dyads cities in order.
        Posterior means with 50 % equal-tailed intervals; above them the singular values of the
        matrix (of undirected dyads its eigenvalues) with 89 % intervals. Names stand where they
        have room, the outermost first.

    Raises
    ------
    ResultsError
        The model has no multiplicative effects, or no formula has such a term.
    """
    posterior = fit["posterior"].to_dataset()
    parts = [part for part in PARTS if part.factor_covariance in posterior]
    if not parts:
        raise ResultsError(
            f"{Fit(fit).model} has no multiplicative effects; take a model that has them, such as "
            "nb_ame2"
        )
    _refuse_unknown(fit, parts, directions)
    shown = [(part, pair) for part in parts for pair in _pairs(posterior.sizes[part.dimension])]
    figure = Figure(figsize=(style.WIDTH, 1.3 + min(style.WIDTH / len(shown), 4.6)))
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    named = []
    for panel, (part, pair) in zip(panels, shown, strict=True):
        places = _draw(panel, _tables(posterior, part), pair)
        for term in directions:
            _draw_direction(panel, fit, term, part, places)
        panel.set_title(f"{part.capitalize()}\n{_values(posterior, part)}")
        named.append(pd.concat(places.values()))
    said = (
        f"Positions of cities: posterior means and {INNER_PROB:.0%} intervals, each draw turned "
        f"towards the positions of the mean matrix; values of the matrix: posterior means and "
        f"{CI_PROB:.0%} intervals. Names where there is room."
    )
    if directions:
        said += " Arrows: where a city's mean of a term rises most, the longer the more it does."
    style.write_below(figure, *style.caption(fit, said))
    for panel, at in zip(panels, named, strict=True):
        outermost = at.iloc[np.argsort(-np.hypot(*at.to_numpy().T), kind="stable")]
        place_names(panel, outermost, [2.5] * len(outermost))
    return figure


def _refuse_unknown(fit: xr.DataTree, parts: Sequence[Part], directions: Sequence[str]) -> None:
    known = [term for part in parts for term in fit["constant_data"][part.term].to_numpy().tolist()]
    for term in directions:
        if term not in known:
            raise ResultsError(f"no term '{term}' in the formulas; {suggest(term, known)}")


def _pairs(rank: int) -> list[tuple[int, int] | None]:
    return [(0, other) for other in range(1, rank)] or [None]


def _tables(posterior: xr.Dataset, part: Part) -> dict[Role, xr.Dataset]:
    """Give mean and inner interval of the positions of each role, (city, dimension)."""
    found = {}
    for role in part.all_roles:
        if role.position in posterior:
            draws = posterior[role.position].transpose("city", part.dimension, ...)
            low, high = draws.quantile(INNER, DRAWS).drop_vars("quantile")
            found[role] = xr.Dataset({"mean": draws.mean(DRAWS), "low": low, "high": high})
    return found


def _draw(
    panel: Any, tables: dict[Role, xr.Dataset], pair: tuple[int, int] | None
) -> dict[Role, pd.DataFrame]:
    """Draw the cities of a panel, in two dimensions or the only one; give where each lies."""
    panel.axvline(0, color=style.FAINT, linewidth=0.6)
    if pair is not None or len(tables) > 1:
        panel.axhline(0, color=style.FAINT, linewidth=0.6)
    found: dict[Role, pd.DataFrame] = {}
    (first, table), *_ = tables.items()
    dim = first.part.dimension
    if pair is not None:
        for role, table in tables.items():
            x, y = (table.isel({dim: k}) for k in pair)
            found[role] = _cross(panel, x, y, role.side)
        panel.set(xlabel=f"dimension {pair[0] + 1}", ylabel=f"dimension {pair[1] + 1}")
        panel.set_aspect("equal", adjustable="datalim")  # angles are seen as they are
        if len(tables) > 1:
            panel.legend(frameon=False, loc="best", handletextpad=0.2)
    elif len(tables) > 1:
        ours, theirs = (table.isel({dim: 0}) for table in tables.values())
        found[first] = _cross(panel, ours, theirs, first.side)
        panel.set(xlabel="position as a sender", ylabel="position as a receiver")
    else:
        only = table.isel({dim: 0}).sortby("mean")
        spread = xr.DataArray(np.linspace(-1, 1, only.sizes["city"]), dims="city")
        order = xr.zeros_like(only) + spread
        found[first] = _cross(panel, only, order, first.side)
        panel.set(xlabel="position", ylabel="cities in order", yticks=[])
    panel.margins(0.1)
    panel.locator_params(axis="x", nbins=5)
    return found


def _cross(panel: Any, x: xr.Dataset, y: xr.Dataset, side: str) -> pd.DataFrame:
    """Draw a mark a city with its intervals; give where each lies."""
    many, look = x.sizes["city"] > MANY, LOOKS[side]
    bars = {"linewidth": 0.4 if many else 0.7, "alpha": 0.3 if many else 0.5}
    panel.hlines(y["mean"], x["low"], x["high"], color=look["color"], **bars)
    panel.vlines(x["mean"], y["low"], y["high"], color=look["color"], **bars)
    mark: Any = {"markeredgecolor": "white", "markeredgewidth": 0.5, "linestyle": "", "label": side}
    panel.plot(x["mean"], y["mean"], markersize=3.5 if many else 5, **look, **mark)
    names = [style.shortened(city) for city in x["city"].to_numpy().tolist()]
    return pd.DataFrame({"x": x["mean"].to_numpy(), "y": y["mean"].to_numpy()}, index=names)


def _draw_direction(
    panel: Any, fit: xr.DataTree, term: str, part: Part, places: dict[Role, pd.DataFrame]
) -> None:
    dyads = fit["constant_data"].to_dataset()
    if term not in dyads[part.term].to_numpy():
        return
    role, where = next(iter(places.items()))
    column = dyads[part.design].sel({part.term: term}).to_numpy()
    of_city = pd.concat([pd.Series(column, dyads[end].to_numpy()) for end in role.ends])
    means = of_city.groupby(level=0).mean().reindex(dyads["city"].to_numpy())
    y = means.fillna(means.mean()).to_numpy()
    at = where.to_numpy()
    centered = at - at.mean(axis=0)
    slope = np.linalg.lstsq(centered, (y - y.mean()) / (y.std() or 1.0))[0]
    length = np.linalg.norm(slope)
    if length > 0:
        explained = (centered @ slope).std()  # of one: a standardized mean's
        end = slope / length * explained * abs(at).max()
        panel.annotate("", tuple(end), (0, 0), arrowprops={"arrowstyle": "->", "color": style.INK})
        panel.annotate(style.shortened(term), tuple(end), fontsize=style.SMALL)


def _values(posterior: xr.Dataset, part: Part) -> str:
    of, name = part.singular_value, "singular value"
    if of not in posterior:
        of, name = part.eigenvalue, "eigenvalue"
    low, high = posterior[of].quantile(TAILS, DRAWS).to_numpy()
    shown = [
        f"{mean:.2g} ({a:.2g} to {b:.2g})"
        for mean, a, b in zip(posterior[of].mean(DRAWS).to_numpy(), low, high, strict=True)
    ]
    return f"{name}{'s' if len(shown) > 1 else ''} {', '.join(shown)}"
