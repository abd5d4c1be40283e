"""Coefficients of both parts, beside the directions that hypotheses state."""

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.naming import broken
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
from analysis.posterior.summary import CI_PROB, INNER_PROB, coefficients, part_unit
from data.errors import ResultsError
from data.roles import PARTS, Part
from models.frequentist.jackknife import KIND as JACKKNIFE
from models.frequentist.result import MaximumLikelihood
from models.frequentist.table import CONFIDENCE, frequentist_table

LABEL = 42  # characters of a line of a term
OFFSET = 0.16  # rows, of the two estimates of a coefficient from its middle
ESTIMATE = ["ml_estimate", "ml_lower", "ml_upper"]


def coefficient_figure(fit: xr.DataTree, mle: MaximumLikelihood | None = None) -> Figure:
    """Draw the coefficients of both parts with their intervals.

    Look for intervals that lie on one side of zero, and whether that is the side of the
    triangle: the direction that the study's hypotheses state. Where maximum likelihood stands
    below the posterior, look for coefficients on which the two disagree: the pooled model takes
    differences between cities for effects of predictors.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with at least one predictor.
    mle : MaximumLikelihood, optional
        A pooled model of the same study by maximum likelihood.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a part; circle: posterior mean; thick line: 50 %, thin line: 89 % equal-tailed
        interval; diamond and line below: maximum-likelihood estimate and 95 % Wald interval, an
        open diamond where it has none; triangle: the hypothesised direction.

    Raises
    ------
    ResultsError
        The fit has no predictors, or the maximum-likelihood result is of another study.
    """
    _refuse_other_study(fit, mle)
    tables = {part: coefficient_data(fit, part, mle) for part in PARTS}
    tables = {part: table for part, table in tables.items() if len(table)}
    if not tables:
        raise ResultsError(f"{fit.attrs['model']}: the study's formulas have no predictors to draw")
    terms = list(dict.fromkeys(term for table in tables.values() for term in table.index))
    row_height = 0.34 if mle is None else 0.4
    figure = Figure(figsize=(WIDTH, 1.5 + row_height * len(terms)), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for panel, (part, table) in zip(panels, tables.items(), strict=True):
        at = np.array([terms.index(term) for term in table.index])
        panel.axvline(0, color=FAINT, linewidth=0.8)
        _draw_posterior(panel, table, at - (0 if mle is None else OFFSET))
        if mle is not None:
            _draw_estimates(panel, table, at + OFFSET)
        for hypothesis in _hypotheses(fit):
            if hypothesis["part"] == part:
                _mark_direction(panel, terms.index(hypothesis["term"]), hypothesis["direction"])
        plain_axes(panel, f"{part.capitalize()}\n{part_unit(fit, part)}")
        panel.tick_params(left=False)
        panel.spines["left"].set_visible(False)
    panels[0].set_yticks(range(len(terms)), [escaped(broken(term, LABEL)) for term in terms])
    panels[0].set_ylim(len(terms) - 0.4, -0.6)
    caption(figure, fit.attrs, _shown(fit, mle, pd.concat(tables)))
    return figure


def coefficient_data(
    fit: xr.DataTree, part: str, mle: MaximumLikelihood | None = None
) -> pd.DataFrame:
    """Tabulate what `coefficient_figure` draws of a part.

    Returns
    -------
    pandas.DataFrame
        A row a term, without the intercept, on the formula's own scale: the columns of
        `analysis.coefficients`; ``inner_lower`` and ``inner_upper`` (50 % interval);
        ``ml_estimate``, ``ml_lower`` and ``ml_upper`` (95 %, Wald), NaN where maximum likelihood
        has none.
    """
    table = coefficients(fit, part).drop(index="intercept", errors="ignore")
    if not len(table):
        return table
    tails = [(1 - INNER_PROB) / 2, (1 + INNER_PROB) / 2]
    inner = fit["posterior"][Part(part).coef].load().quantile(tails, ("chain", "draw")).to_numpy()
    table = table.assign(inner_lower=inner[0], inner_upper=inner[1])
    if mle is None:
        return table.assign(**dict.fromkeys(ESTIMATE, np.nan))
    estimates = frequentist_table(mle, errors_of(mle))[["estimate", "lower", "upper"]]
    of_part = estimates[estimates.index.get_level_values("part") == part].droplevel("part")
    return table.join(of_part.set_axis(ESTIMATE, axis=1))


def errors_of(mle: MaximumLikelihood) -> str:
    """Say which standard errors the intervals of maximum likelihood rest on."""
    return JACKKNIFE if JACKKNIFE in mle.kinds else "dyadic"


def _refuse_other_study(fit: xr.DataTree, mle: MaximumLikelihood | None) -> None:
    if mle is not None and mle.attributes["study_digest"] != fit.attrs["study_digest"]:
        raise ResultsError(
            f"{mle.model} by maximum likelihood is of '{mle.attributes['title']}' as it was read "
            f"for another run than {fit.attrs['model']}'s; run `make sample mle` again"
        )


def _draw_posterior(panel: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    panel.hlines(at, table["lower"], table["upper"], color=MARK, linewidth=1.2)
    panel.hlines(at, table["inner_lower"], table["inner_upper"], color=MARK, linewidth=3.5)
    panel.plot(table["mean"], at, "o", color="white", markeredgecolor=MARK, markersize=5)


def _draw_estimates(panel: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    known = table["ml_lower"].notna().to_numpy()
    panel.hlines(at[known], table["ml_lower"][known], table["ml_upper"][known], color=OTHER)
    panel.plot(table["ml_estimate"][known], at[known], "D", color=OTHER, markersize=4)
    # what is not identified may lie anywhere: it must not stretch the axis
    low, high = panel.get_xlim()
    panel.set_xlim(low, high)
    for row, estimate in zip(at[~known], table["ml_estimate"][~known], strict=True):
        if low <= estimate <= high:
            panel.plot(estimate, row, "D", color="white", markeredgecolor=OTHER, markersize=4)
        elif np.isfinite(estimate):
            right = estimate > high
            panel.text(
                1.0 if right else 0.0,
                row,
                f"{estimate:.3g} >" if right else f"< {estimate:.3g}",
                transform=panel.get_yaxis_transform(),
                ha="right" if right else "left",
                va="center",
                fontsize=SMALL,
                color=OTHER,
            )


def _hypotheses(fit: xr.DataTree) -> list[dict[str, str]]:
    stated: list[dict[str, str]] = json.loads(fit.attrs["declaration"])["hypothesis"]
    return stated


def _shown(fit: xr.DataTree, mle: MaximumLikelihood | None, table: pd.DataFrame) -> str:
    compared = ""
    if mle is not None:
        compared = (
            f" Below, diamonds: maximum likelihood ({mle.model}), {CONFIDENCE:.0%} Wald intervals "
            f"on {errors_of(mle)} standard errors."
        )
        if (table["ml_estimate"].notna() & table["ml_lower"].isna()).any():
            compared += " Open, or a number at the edge: the data determine no interval."
    return (
        f"Posterior mean, {INNER_PROB:.0%} and {CI_PROB:.0%} intervals, a unit of each predictor "
        f"as written{'; triangles: hypothesised direction' if _hypotheses(fit) else ''}.{compared}"
    )


def _mark_direction(panel: Any, row: int, direction: str) -> None:
    positive = direction == "positive"
    panel.plot(
        1.0 if positive else 0.0,
        row,
        marker=">" if positive else "<",
        color=INK,
        markersize=5,
        transform=panel.get_yaxis_transform(),  # at the panel's edge, whatever its scale
        clip_on=False,
    )
