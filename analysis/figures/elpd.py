"""Models compared by what they predict of dyads, pairs and cities that are left out."""

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from analysis.comparison.file import ML, UNTRUSTED
from analysis.figures.style import (
    FAINT,
    INK,
    MARK,
    OTHER,
    SMALL,
    WIDTH,
    plain_axes,
    write_below,
)

FAR = 8.0  # times the median difference; what lies farther would press all others together
PLURAL = {"dyad": "directed dyads", "pair": "pairs", "city": "cities"}


def elpd_table(comparison: xr.DataTree) -> pd.DataFrame:
    """Take what is drawn out of a comparison.

    Returns
    -------
    pandas.DataFrame
        Rows (unit, model), in the order of the file: the best model of each unit first.
        ``elpd_diff`` to the best, its standard error ``dse``, ``refits`` and ``failed`` ones,
        ``draws``, ``units`` (how many dyads, pairs or cities) and ``ml`` (whether the row is
        scored at maximum-likelihood estimates).
    """
    tables = {}
    for unit, group in comparison.children.items():
        columns = ["elpd_diff", "dse", "refits", "failed", "draws"]
        table = group.to_dataset()[columns].to_dataframe()
        table.index = table.index.astype(str)
        tables[unit] = table.assign(
            units=group.sizes[unit], ml=[name.endswith(ML) for name in table.index]
        )
    return pd.concat(tables, names=["unit", "model"])


def elpd_figure(comparison: xr.DataTree) -> Figure:
    """Draw how much worse than the best each model predicts what was left out.

    Look for lines that stay left of zero: these models predict worse than the best by more than
    chance, at two standard errors. Whether they do may differ by panel: known cities (dyads,
    pairs) and new ones are different questions.

    Parameters
    ----------
    comparison : xarray.DataTree
        What `analysis.load_comparison` gave.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a unit, models in the order of the first; point: difference in elpd to the best,
        thick and thin line: one and two standard errors; squares: maximum likelihood; arrows at
        the edge: differences more than eight times the panel's median, in figures alone.
    """
    table = elpd_table(comparison)
    units = list(comparison.children)
    models = table.loc[units[0]].index.tolist()
    figure = Figure(figsize=(WIDTH, 1.5 + 0.28 * len(models)), layout="constrained")
    panels = figure.subplots(1, len(units), sharey=True, squeeze=False)[0]
    doubtful = beyond = False
    for panel, unit in zip(panels, units, strict=True):
        rows = table.loc[[(unit, model) for model in models]]
        number = int(rows["units"].iloc[0])
        doubtful |= number < UNTRUSTED
        star = "*" if number < UNTRUSTED else ""
        one = f"{'directed ' * (unit == 'dyad')}{unit}"
        plain_axes(panel, f"Left out: a {one}\n{number} {PLURAL[unit]}{star}")
        beyond |= any(_far(rows))
        _draw_rows(panel, rows)
    panels[0].set_yticks(range(len(models)), models, parse_math=False)
    panels[0].set_ylim(len(models) - 0.5, -0.5)
    about = comparison.attrs
    synthetic = ", ".join(json.loads(about["synthetic"]))
    failed, refits = int(table["failed"].sum()), int(table["refits"].sum())
    draws = sorted(set(table.loc[~table["ml"], "draws"]))
    write_below(
        figure,
        f"{about['title']}: {about['priors']} priors, {' or '.join(map(str, draws))} draws a fit. "
        "Difference to the best model of each panel in expected log predictive density (elpd); "
        "thick line: 1, thin line: 2 standard errors, as the figures at the right; squares: "
        "maximum likelihood, by exact refits"
        f"{'; arrows: beyond the axis' if beyond else ''}.",
        f"* Fewer than {UNTRUSTED}: the standard errors are not to be trusted." if doubtful else "",
        f"{failed} of {refits} refits failed their diagnostics." if failed else "",
        f"Synthetic data: {synthetic}. Not findings about the world." if synthetic else "",
    )
    return figure


def _draw_rows(panel: Any, rows: pd.DataFrame) -> None:
    panel.axvline(0, color=FAINT, linewidth=0.8)
    far = _far(rows)
    for at, (difference, error, ml, beyond) in enumerate(
        zip(rows["elpd_diff"], rows["dse"], rows["ml"], far, strict=True)
    ):
        color, marker = (OTHER, "s") if ml else (MARK, "o")
        look = {"color": "white", "markeredgecolor": color, "markersize": 4.5}
        if beyond:
            edge = panel.get_yaxis_transform()
            panel.plot(0.0, at, "<", transform=edge, clip_on=False, **look)
        else:
            for width, line in ((2, 1.2), (1, 3.2)):
                ends = difference - width * error, difference + width * error
                panel.hlines(at, *ends, color=color, linewidth=line)
            panel.plot(difference, at, marker, **look)
        panel.text(
            1.02,
            at,
            _figures(difference, error),
            transform=panel.get_yaxis_transform(),
            fontsize=7,
            color=INK,
            va="center",
        )
    panel.set_xlabel("difference in elpd", fontsize=SMALL, color=INK)
    panel.locator_params(axis="x", nbins=3)
    panel.spines["left"].set_visible(False)
    panel.tick_params(axis="y", length=0)


def _far(rows: pd.DataFrame) -> list[bool]:
    """Tell which rows would press all others together; with two models neither does."""
    size = rows["elpd_diff"].abs()
    usual = size[size > 0].median()
    scale = max(usual, 2 * rows.loc[size > 0, "dse"].median())
    return [not np.isfinite(each) or each > FAR * scale for each in size]


def _figures(difference: float, error: float) -> str:
    if difference == 0:
        return "best"
    digits = 0 if abs(difference) >= 1000 else 1
    value = f"{difference:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return f"{value} ± {error:.{digits}f}" if np.isfinite(error) else value
