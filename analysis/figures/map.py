"""City effects where the cities lie."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pyproj import Proj

from analysis.figures.naming import broken, place_names
from analysis.figures.style import FAINT, INK, SMALL, WIDTH, caption, plain_axes
from analysis.posterior.city_effects import city_effects, of_role, parts_and_sides, roles_of
from analysis.posterior.summary import part_unit
from data.errors import ResultsError
from data.roles import Role

DIVERGING = "RdBu_r"  # red and blue differ for colour-blind eyes too
SMALLEST, LARGEST = 12.0, 110.0  # points^2, of marks
MANY = 40  # cities, from which on marks shrink
CERTAINTIES = (0.5, 0.75, 0.95)  # that the legend shows
MARGIN = 0.12  # of the map's extent, around the outermost cities
FLATTEST, TALLEST = 0.45, 1.3  # height of a panel over its width


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
    effects, places = map_data(fit), map_positions(fit)
    parts, sides = parts_and_sides(effects)
    low, high = _extent(places)
    steepness = float(np.clip((high[1] - low[1]) / (high[0] - low[0]), FLATTEST, TALLEST))
    panel_width = (WIDTH - 1.0) / len(sides)
    height = 1.3 + len(parts) * (min(panel_width * steepness, 3.6) + 0.3)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(len(parts), len(sides), sharex=True, sharey=True, squeeze=False)
    for row, part in zip(panels, parts, strict=True):
        own = [role for role in roles_of(effects) if role.part == part]
        largest = float(abs(effects["mean"].sel(role=[role.effect for role in own])).max())
        scale = Normalize(-largest, largest)
        for panel, side in zip(row, sides, strict=True):
            panel.set(aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
            if Role(part, side) in own:
                _draw_cities(panel, of_role(effects, Role(part, side)), places, scale)
                plain_axes(panel, f"{part.capitalize()}, {side}")
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set(visible=True, color=FAINT, linewidth=0.5)
        colours = ScalarMappable(scale, DIVERGING)
        bar = figure.colorbar(colours, ax=list(row), shrink=0.9, aspect=15)
        bar.set_label(broken(part_unit(fit, part), 24), fontsize=SMALL, color=INK)
        bar.ax.tick_params(labelsize=SMALL, colors=INK)
        bar.outline.set_visible(False)
    _draw_scale(panels[-1, 0], high[0] - low[0])
    _explain_sizes(figure, len(places))
    caption(
        figure,
        fit.attrs,
        "City effects where the cities lie (equal-area projection): colour: posterior mean, area: "
        "posterior probability that the effect has this sign. Names where there is room.",
    )
    for row, part in zip(panels, parts, strict=True):
        for panel, side in zip(row, sides, strict=True):
            if Role(part, side) in roles_of(effects):
                _name_cities(panel, of_role(effects, Role(part, side)), places)
    return figure


def map_data(fit: xr.DataTree) -> xr.Dataset:
    """Give what colours and areas of the map show.

    Returns
    -------
    xarray.Dataset
        Dims (role, city): ``mean`` (of the posterior), ``certainty`` (posterior probability
        that the effect has the sign of its mean) and ``area`` (of the mark, points^2).
    """
    effects = city_effects(fit)
    positive, mean = effects["p_positive"], effects["mean"]
    certainty = positive.where(mean > 0, 1 - positive)
    return xr.Dataset(
        {"mean": mean, "certainty": certainty, "area": _area(certainty, mean.sizes["city"])}
    )


def map_positions(fit: xr.DataTree) -> pd.DataFrame:
    """Project the positions of a study's cities.

    Returns
    -------
    pandas.DataFrame
        A row a city: ``x`` (east) and ``y`` (north) in km from the middle of the cities, in
        Lambert's azimuthal equal-area projection.
    """
    known = fit["constant_data"]
    if "latitude" not in known.coords:
        raise ResultsError(
            f"{fit.attrs['study']}: the cities have no positions; name a table of them under "
            "[cities] in study.toml, and sample again"
        )
    latitude, longitude = (known[each].to_numpy() for each in ("latitude", "longitude"))
    phi, lam = np.radians(latitude), np.radians(longitude)
    # the mean of the cities as points of the sphere, so that a date line divides nothing
    x, y, z = (
        each.mean() for each in (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    )
    middle = Proj(
        proj="laea",
        lat_0=float(np.degrees(np.arctan2(z, np.hypot(x, y)))),
        lon_0=float(np.degrees(np.arctan2(y, x))),
        ellps="WGS84",
    )
    east, north = middle(longitude, latitude)
    return pd.DataFrame(
        {"x": np.asarray(east) / 1000, "y": np.asarray(north) / 1000},
        index=pd.Index(known["city"].to_numpy(), name="city"),
    )


def _area(certainty: xr.DataArray, cities: int) -> xr.DataArray:
    area = SMALLEST + (LARGEST - SMALLEST) * (2 * certainty - 1).clip(min=0)
    return area * min(1, MANY / cities)


def _extent(places: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    low, high = places.min().to_numpy(), places.max().to_numpy()
    margin = np.maximum(MARGIN * (high - low), 0.05 * max((high - low).max(), 1.0))
    return low - margin, high + margin


def _draw_cities(panel: Axes, table: pd.DataFrame, places: pd.DataFrame, scale: Normalize) -> None:
    small_last = table.sort_values("area", ascending=False)  # so that no mark hides another
    at = places.loc[small_last.index]
    panel.scatter(
        at["x"],
        at["y"],
        s=small_last["area"],
        c=small_last["mean"],
        cmap=DIVERGING,
        norm=scale,
        edgecolors=INK,
        linewidths=0.6,
        zorder=2,
    )


def _name_cities(panel: Axes, table: pd.DataFrame, places: pd.DataFrame) -> None:
    table = table.sort_values("mean", key=abs, ascending=False)
    at = places.loc[table.index]
    radius = np.sqrt(table["area"] / np.pi)
    place_names(panel, at["x"].tolist(), at["y"].tolist(), table.index.tolist(), radius.tolist())


def _draw_scale(panel: Axes, width: float) -> None:
    aim = width / 4
    power = 10.0 ** np.floor(np.log10(aim))
    length = power * max(step for step in (1, 2, 5) if step * power <= aim)
    right = panel.get_xlim()[0] + length
    below = panel.get_xaxis_transform()
    panel.plot([right - length, right], [-0.03, -0.03], color=INK, transform=below, clip_on=False)
    panel.text(
        right, -0.03, f"  {length:,.4g} km", transform=below, va="center", fontsize=SMALL, color=INK
    )


def _explain_sizes(figure: Figure, cities: int) -> None:
    areas = _area(xr.DataArray(list(CERTAINTIES)), cities).to_numpy()
    marks = [
        Line2D(
            [], [], marker="o", linestyle="", color="white", markeredgecolor=INK, markersize=size
        )
        for size in np.sqrt(4 * areas / np.pi)
    ]
    figure.legend(
        marks,
        [f"{share:.0%}" for share in CERTAINTIES],
        title="P(sign)",
        loc="outside upper right",
        ncols=len(marks),
        frameon=False,
        fontsize=SMALL,
        title_fontsize=SMALL,
    )
