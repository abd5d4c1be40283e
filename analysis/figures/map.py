"""City effects where the cities lie."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox
from pyproj import Proj

from analysis.figures import style
from analysis.posterior.city_effects import city_effects, of_role, parts_and_sides, roles_of
from analysis.posterior.summary import part_unit
from data.errors import ResultsError
from data.roles import Role
from models.inference.fit import Fit

DIVERGING = "RdBu_r"  # red and blue differ for colour-blind eyes too
SMALLEST, LARGEST = 12.0, 110.0  # points^2, of marks
MANY = 40  # cities, from which on marks shrink
CERTAINTIES = (0.5, 0.75, 0.95)  # that the legend shows
MARGIN = 0.12  # of the map's extent, around the outermost cities
FLATTEST, TALLEST = 0.45, 1.3  # height of a panel over its width
EDGE: Any = {"edgecolors": style.INK, "linewidths": 0.6, "zorder": 2}
NAME_SIZE = 7.0  # points
# where a name may stand beside its point: right, left, above, below, then the corners
PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


@style.styled()
def map_figure(fit: xr.DataTree) -> Figure:
    """Draw the effects of every city on a map, sender beside receiver.

    Look for neighbours of one colour: what the effects share with a region is not explained by
    the predictors. Small marks are cities of whose effect not even the sign is known.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of a model with city effects, of a study with a city table.

    Returns
    -------
    matplotlib.figure.Figure
        A row of panels a part, a column a side; colour: posterior mean effect, white at 0, one
        scale a part; area: posterior probability that the effect has the sign of its mean, from
        50 to 100 %. The projection keeps areas. Names stand where they have room, those of the
        largest effects first.

    Raises
    ------
    ResultsError
        The model has no city effects, or the study has no positions of its cities.
    """
    effects, places = city_effects(fit), map_positions(fit)
    positive = effects["p_positive"]
    certainty = positive.where(effects["mean"] > 0, 1 - positive)  # of the sign
    effects = effects.assign(area=_area(certainty, len(places)))
    parts, sides = parts_and_sides(effects)
    low, high = places.min().to_numpy(), places.max().to_numpy()
    margin = np.maximum(MARGIN * (high - low), 0.05 * max((high - low).max(), 1.0))
    low, high = low - margin, high + margin
    steepness = float(np.clip((high[1] - low[1]) / (high[0] - low[0]), FLATTEST, TALLEST))
    panel_height = min((style.WIDTH - 1.0) / len(sides) * steepness, 3.6) + 0.3
    figure = Figure(figsize=(style.WIDTH, 1.3 + len(parts) * panel_height))
    panels = figure.subplots(len(parts), len(sides), sharex=True, sharey=True, squeeze=False)
    drawn: dict[Any, pd.DataFrame] = {}
    for row, part in zip(panels, parts, strict=True):
        own = [role for role in roles_of(effects) if role.part == part]
        largest = float(abs(effects["mean"].sel(role=[role.effect for role in own])).max())
        scale = Normalize(-largest, largest)
        for panel, side in zip(row, sides, strict=True):
            panel.set(aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set(visible=True, color=style.FAINT, linewidth=0.5)
            if Role(part, side) in own:
                table = of_role(effects, Role(part, side)).join(places)
                drawn[panel] = table.sort_values("area", ascending=False)  # small marks on top
                x, y, area, mean = (drawn[panel][name] for name in ("x", "y", "area", "mean"))
                panel.scatter(x, y, s=area, c=mean, cmap=DIVERGING, norm=scale, **EDGE)
                panel.set_title(f"{part.capitalize()}, {side}")
        bar = figure.colorbar(ScalarMappable(scale, DIVERGING), ax=list(row), shrink=0.9, aspect=15)
        bar.set_label(style.broken(part_unit(fit, part), 24))
        bar.outline.set_visible(False)
    _draw_scale(panels[-1, 0], high[0] - low[0])
    areas = _area(xr.DataArray(list(CERTAINTIES)), len(places)).to_numpy()
    marks = [
        panels[0, 0].scatter([], [], s=area, c="white", edgecolors=style.INK) for area in areas
    ]
    labels = [f"{share:.0%}" for share in CERTAINTIES]
    where: Any = {"loc": "outside upper right", "ncols": len(marks), "frameon": False}
    figure.legend(marks, labels, title="P(sign)", title_fontsize=style.SMALL, **where)
    shown = (
        "City effects where the cities lie (equal-area projection): colour: posterior mean, area: "
        "posterior probability that the effect has this sign. Names where there is room."
    )
    style.write_below(figure, *style.caption(fit, shown))
    for panel, effect in drawn.items():
        table = effect.sort_values("mean", key=abs, ascending=False)
        place_names(panel, table[["x", "y"]], np.sqrt(table["area"] / np.pi).tolist())
    return figure


def map_positions(fit: xr.DataTree) -> pd.DataFrame:
    """Project the positions of a study's cities.

    A row a city: ``x`` (east) and ``y`` (north) in km from the middle of the cities, in Lambert's
    azimuthal equal-area projection.
    """
    known = fit["constant_data"]
    if "latitude" not in known.coords:
        raise ResultsError(
            f"{Fit(fit).study}: the cities have no positions; name a table of them under "
            "[cities] in study.toml, and sample again"
        )
    latitude, longitude = (known[name].to_numpy() for name in ("latitude", "longitude"))
    phi, lam = np.radians(latitude), np.radians(longitude)
    # the mean of the cities as points of the sphere, so that a date line divides nothing
    sphere = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
    x, y, z = (axis.mean() for axis in sphere)
    lat_0, lon_0 = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    middle = Proj(proj="laea", lat_0=float(lat_0), lon_0=float(lon_0), ellps="WGS84")
    east, north = (np.asarray(axis) / 1000 for axis in middle(longitude, latitude))
    return pd.DataFrame({"x": east, "y": north}, pd.Index(known["city"].to_numpy(), name="city"))


def _area(certainty: xr.DataArray, cities: int) -> xr.DataArray:
    area = SMALLEST + (LARGEST - SMALLEST) * (2 * certainty - 1).clip(min=0)
    return area * min(1, MANY / cities)


def _draw_scale(panel: Any, width: float) -> None:
    aim = width / 4
    power = 10.0 ** np.floor(np.log10(aim))
    length = power * max(step for step in (1, 2, 5) if step * power <= aim)
    right = panel.get_xlim()[0] + length
    below = panel.get_xaxis_transform()
    line = [right - length, right], [-0.03, -0.03]
    panel.plot(*line, color=style.INK, transform=below, clip_on=False)
    panel.text(right, -0.03, f"  {length:,.4g} km", transform=below, va="center")


def place_names(panel: Any, at: pd.DataFrame, radius: Sequence[float]) -> list[str]:
    """Write names beside points, the first ones first, each only where it covers nothing.

    Parameters
    ----------
    at : pandas.DataFrame
        A row a name, with its place along both axes.
    radius : sequence of float
        Of the points' marks, points.
    """
    figure = panel.figure.get_figure(root=True)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.draw_without_rendering()  # the layout settles where things are
    pixels = figure.dpi / 72
    points = panel.transData.transform(at.to_numpy())
    reach = np.asarray(radius, dtype=float) * pixels
    taken = [Bbox([point - r, point + r]) for point, r in zip(points, reach, strict=True)]
    (lowest, highest), shown = panel.get_window_extent(renderer).get_points(), []
    look = {"fontsize": NAME_SIZE, "path_effects": [withStroke(linewidth=1.5, foreground="white")]}
    for k, (name, place) in enumerate(at.iterrows()):
        text = panel.annotate(str(name), tuple(place), (0, 0), textcoords="offset points", **look)
        text.set_in_layout(False)  # the layout is settled
        size = np.array(text.get_window_extent(renderer).size)
        for side in PLACES:
            # the corners lie on the mark's circle, the sides beyond it
            gap = (reach[k] + pixels) * (0.75 if all(side) else 1)
            low = points[k] + np.array(side) * gap + size * (np.array(side) - 1) / 2
            box = Bbox([low, low + size])
            inside = (low >= lowest).all() and (low + size <= highest).all()
            if inside and box.count_overlaps(taken[:k] + taken[k + 1 :]) == 0:
                text.set(position=tuple((low - points[k]) / pixels), ha="left", va="bottom")
                taken.append(box)
                shown.append(str(name))
                break
        else:
            text.remove()
    return shown
