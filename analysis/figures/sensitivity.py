"""Sensitivity of each parameter's posterior to the priors and to the likelihood."""

import textwrap

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import (
    FAINT,
    INK,
    MARK,
    OTHER,
    SMALL,
    WIDTH,
    caption,
    escaped,
    plain_axes,
)
from analysis.posterior.sensitivity import THRESHOLD, flagged, sensitivity
from data.roles import PARTS

LABEL = 40  # characters of a line of a parameter's label
LINES = 2  # of a label


def sensitivity_figure(fit: xr.DataTree) -> Figure:
    """Draw how sensitive each parameter's posterior is to the priors and to the likelihood.

    Look for filled dots to the right of the line: these parameters rest on their priors as well
    as on the data. Where the square is to the left of it, the data say little of the parameter.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with a log prior.

    Returns
    -------
    matplotlib.figure.Figure
        A row a parameter; dot: sensitivity to the priors, filled where it counts; square: to the
        likelihood; dashed line: where it begins to count, 0.05.

    Raises
    ------
    ResultsError
        The fit was made by an earlier version, which kept no log prior.
    """
    table = _by_part(sensitivity(fit))
    at = np.arange(len(table))
    labels = [_written(str(name)) for name in table.index]
    row = 0.31 if any("\n" in label for label in labels) else 0.21  # inches
    figure = Figure(figsize=(WIDTH, 1.5 + row * len(table)), layout="constrained")
    panel = figure.subplots()
    panel.hlines(at, 0, table[["prior", "likelihood"]].max(axis=1), color=FAINT, linewidth=0.6)
    panel.axvline(THRESHOLD, color=INK, linewidth=0.9, linestyle="--")
    counts = table["prior"].to_numpy() >= THRESHOLD
    # a square holds a dot that falls on it
    panel.plot(table["likelihood"], at, "s", mfc="white", mec=OTHER, ms=8, label="likelihood")
    panel.plot(table["prior"].where(~counts), at, "o", mfc="white", mec=MARK, ms=5, label="priors")
    above = f"priors, {THRESHOLD:g} or more"
    panel.plot(table["prior"].where(counts), at, "o", color=MARK, ms=5, label=above)
    plain_axes(panel)
    panel.set_yticks(at, labels)
    bold = table.index.isin(flagged(table).index)
    for text, strong in zip(panel.get_yticklabels(), bold, strict=True):
        text.set_fontweight("bold" if strong else "normal")
    panel.set_ylim(len(table) - 0.4, -0.6)
    panel.set_xlim(left=0)
    panel.set_xlabel(
        "power-scaling sensitivity of the posterior to priors and likelihood",
        fontsize=SMALL,
        color=INK,
    )
    panel.legend(
        fontsize=SMALL,
        frameon=False,
        labelcolor=INK,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        ncols=3,
    )
    unknown = bool(table["prior"].isna().any())
    horseshoe = " Coefficients without a dot: their horseshoe prior is not scaled." * unknown
    caption(
        figure,
        fit.attrs,
        "Rate of the cumulative Jensen-Shannon distance from the posterior (Kallioinen et al. "
        f"2024); from {THRESHOLD:g} on (dashed) it counts. Bold: the priors count, or the data do "
        f"not. How city and pair effects are distributed is not scaled.{horseshoe}",
    )
    return figure


def _by_part(table: pd.DataFrame) -> pd.DataFrame:
    """Put each part's intercept and coefficients first, then its spreads, then what is shared."""
    names = [str(name) for name in table.index]
    starts = [start for part in PARTS for start in (part.intercept, part.coef, part)]

    def rank(name: str) -> int:
        return next((k for k, start in enumerate(starts) if name.startswith(start)), len(starts))

    return table.loc[sorted(names, key=rank)]


def _written(name: str) -> str:
    parameter, bracket, term = name.partition("[")
    part, _, rest = parameter.partition("_")
    if part in PARTS:
        parts = [*([] if rest == "coef" else [rest.replace("_", " ")]), term.removesuffix("]")]
        name = f"{part}: {' '.join(filter(None, parts))}"
    elif bracket:  # the correlation of two roles
        name = f"r: {term.removesuffix(']').replace('_', ' ')}"
    lines = textwrap.wrap(name, LABEL, max_lines=LINES, placeholder="…")
    return escaped("\n".join(lines))
