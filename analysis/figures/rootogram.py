"""How often each count occurs, observed and as the model predicts it."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from analysis.checks.replicated import DRAWS, replicated_counts
from analysis.figures.style import FAINT, INK, MARK, SMALL, WIDTH, caption, plain_axes
from analysis.posterior.summary import CI_PROB

SINGLE, MOST = 10, 30  # counts that are never binned; bins


def rootogram_table(fit: xr.DataTree, draws: int = DRAWS) -> pd.DataFrame:
    """Count the dyads by their count, observed and replicated.

    Returns
    -------
    pandas.DataFrame
        A row a bin, labelled ``3``, ``12-14`` or, the last, ``79+``: ``first`` and ``last`` count
        (the last bin's is infinite); numbers of dyads: ``observed``, and ``mean``, ``lower`` and
        ``upper`` (89 % equal-tailed interval) of the replicated counts. Each count is a bin of its
        own as long as there are few; else bins that widen with the count begin at 10. The last
        begins right above the largest observed count. ``attrs["draws"]``: how many replications
        there are.
    """
    observed = fit["observed_data"]["count"].to_numpy()
    drawn = replicated_counts(fit, draws).to_numpy()
    first = _bins(int(observed.max()))
    numbers = np.array([_numbers(each, first) for each in drawn])
    tails = [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]
    lower, upper = np.quantile(numbers, tails, axis=0)
    last = np.append(first[1:] - 1.0, np.inf)
    table = pd.DataFrame(
        {
            "first": first,
            "last": last,
            "observed": _numbers(observed, first),
            "mean": numbers.mean(axis=0),
            "lower": lower,
            "upper": upper,
        },
        index=pd.Index([_label(*ends) for ends in zip(first, last, strict=True)], name="count"),
    )
    table.attrs["draws"] = len(drawn)
    return table


def rootogram_figure(fit: xr.DataTree, draws: int = DRAWS) -> Figure:
    """Draw how many dyads have each count, observed and predicted, on a square-root scale.

    Look for bars that end outside the interval: at zero, too many or too few zeros; in the
    middle and in the tail, a family whose counts are spread otherwise than the observed ones. The
    square root gives differences at rare counts the weight that they have beside chance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    draws : int
        About how many of its draws to use.

    Returns
    -------
    matplotlib.figure.Figure
        Bars: observed numbers of dyads; points and lines: mean and 89 % interval of the replicated
        ones. The last bin holds every count above the largest observed one.

    Notes
    -----
    Kleiber and Zeileis (2016), The American Statistician 70(3).
    """
    table = rootogram_table(fit, draws)
    at = np.arange(len(table))
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    panel = figure.subplots()
    panel.bar(at, table["observed"], width=0.82, color=FAINT, alpha=0.45, label="observed")
    panel.vlines(at, table["lower"], table["upper"], color=MARK, linewidth=1.6)
    panel.plot(
        at, table["mean"], "o", color="white", markeredgecolor=MARK, markersize=4, label="predicted"
    )
    top = 1.1 * float(table[["observed", "upper"]].max().max())
    _root_axis(panel, top)
    plain_axes(panel)
    wide = (table["last"] > table["first"]).iloc[:-1].any()
    panel.set_xticks(at, table.index, rotation=90 if wide else 0)
    panel.set_xlim(-0.7, len(table) - 0.3)
    panel.set_xlabel("count of a directed dyad", fontsize=SMALL, color=INK)
    panel.set_ylabel("directed dyads (square-root scale)", fontsize=SMALL, color=INK)
    panel.legend(frameon=False, fontsize=SMALL, labelcolor=INK)
    caption(
        figure,
        fit.attrs,
        f"Bars: observed; points and lines: mean and {CI_PROB:.0%} interval of "
        f"{table.attrs['draws']} replications; {table.index[-1]}: every count above the largest "
        f"observed one{'; bins widen from 10 on' if wide else ''}.",
    )
    return figure


def _bins(largest: int) -> np.ndarray:
    """Give the first count of each bin; the last one begins above the largest."""
    if largest < MOST:
        return np.arange(largest + 2)
    ratio = ((largest + 1) / SINGLE) ** (1 / (MOST - SINGLE - 1))
    first = list(range(SINGLE + 1))
    while first[-1] <= largest:
        first.append(first[-1] + int(np.ceil(first[-1] * (ratio - 1))))
    first[-1] = largest + 1
    return np.array(first)


def _numbers(counts: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(first, counts, side="right") - 1, minlength=len(first))


def _label(first: float, last: float) -> str:
    if np.isinf(last):
        return f"{first:.0f}+"
    return f"{first:.0f}" if first == last else f"{first:.0f}\N{EN DASH}{last:.0f}"


def _root_axis(panel: Any, top: float) -> None:
    panel.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))
    panel.set_ylim(0, top)
    ticks = [0.0]
    for tick in (step * 10.0**power for power in range(9) for step in (1, 2, 5)):
        if tick <= top and np.sqrt(tick) - np.sqrt(ticks[-1]) > 0.08 * np.sqrt(top):
            ticks.append(tick)
    panel.set_yticks(ticks, [f"{tick:,.0f}" for tick in ticks])
