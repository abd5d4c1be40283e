"""Points and intervals, a row each, by `arviz.plot_forest`."""

from typing import Any

import arviz as az
import numpy as np
import xarray as xr
from arviz import PlotCollection
from matplotlib import rc_context

from analysis.figures import style
from analysis.posterior.summary import CI_PROB, INNER_PROB

CROWDED = 30  # rows, from which on marks shrink


def forest(
    values: xr.DataArray,
    named: dict[int, str],
    grid: dict[str, Any],
    *,
    shift: float = 0.0,
    visuals: dict[str, Any] | None = None,
    **settings: Any,
) -> PlotCollection:
    """Draw a forest, the first row on top.

    Parameters
    ----------
    values : xarray.DataArray
        Draws; the last dim has a row a label.
    named : dict of int to str
        What stands beside the rows, by their number.
    grid : dict
        What `arviz.PlotCollection.grid` takes.
    shift : float
        How far above its place each row is drawn; rows are 1 apart.
    visuals : dict
        As `arviz.plot_forest` takes them, in place of ours.
    settings : dict
        Further arguments of `arviz.plot_forest`.
    """
    row, rows, backend = str(values.dims[-1]), values.shape[-1], grid["backend"]
    data = values.to_dataset(name="value")
    first = data.isel({dim: 0 for dim in ("chain", "draw") if dim in data.dims}, drop=True)
    with rc_context({"axes.spines.left": False, "ytick.major.size": 2 if len(named) < rows else 0}):
        drawn = PlotCollection.grid(
            first.expand_dims(column=["forest"]),
            **grid
            | {"cols": ["column", *grid.get("cols", [])]}
            | {"figure_kwargs": {"sharey": True} | grid["figure_kwargs"]}
            | {"aes": {"y": [row], "overlay": [row]} | grid.get("aes", {})},
            y=shift - np.arange(rows),
        )
    colour = {} if "color" in grid else {"color": style.MARK}
    thick, thin, size = (1.4, 0.6, 4) if rows >= CROWDED else (3.2, 1.2, 22)
    az.plot_forest(
        data,
        plot_collection=drawn,
        combined=True,
        labels=[],
        point_estimate="mean",
        ci_kind="eti",
        ci_probs=(INNER_PROB, CI_PROB),
        visuals={
            "twig": {"width": thin, **colour},
            "trunk": {"width": thick, **colour},
            "point_estimate": {"size": size, "facecolor": "white", **colour},
            "ticklabels": False,
            "remove_axis": False,
        }
        | (visuals or {}),
        **settings,
    )
    on, panels = style.canvas(drawn), drawn.viz["plot"].isel(column=0)
    for panel in panels.to_numpy().ravel():
        on.ylim((0.6 - rows, 0.6), panel)
    names = [style.plain(name, backend) for name in named.values()]
    for panel in panels.isel(dict.fromkeys(grid.get("cols", []), 0)).to_numpy().ravel():
        on.yticks([-place for place in named], names, panel)
    if backend == "plotly":
        labels = [style.plain(str(label), backend) for label in data[row].to_numpy()]
        for trace in drawn.viz["figure"].item().data:
            trace.text = [labels[round(shift - y)] for y in trace.y]
            trace.hovertemplate = "%{text}: %{x:.3f}<extra></extra>"
    return drawn
