"""Coefficients of both parts, beside the directions that hypotheses state."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz import PlotCollection

from analysis.figures import style
from analysis.figures.forest import forest
from analysis.posterior.summary import CI_PROB, INNER_PROB, coefficients, part_unit
from data.declaration import Hypothesis
from data.errors import ResultsError
from data.roles import PARTS, Part
from models.frequentist.result import JACKKNIFE, MaximumLikelihood
from models.frequentist.table import CONFIDENCE, frequentist_table
from models.inference.fit import Fit

LABEL = 42  # characters of a line of a term
OFFSET = 0.16  # rows, of the two estimates of a coefficient from its middle
ROOM = 0.08  # of a panel's intervals, on either side of them
ESTIMATE = ["ml_estimate", "ml_lower", "ml_upper"]
ARROW = {"left": "\N{BLACK LEFT-POINTING TRIANGLE}", "right": "\N{BLACK RIGHT-POINTING TRIANGLE}"}


@style.styled()
def coefficient_figure(
    fit: xr.DataTree, mle: MaximumLikelihood | None = None, *, backend: str = "matplotlib"
) -> style.Drawn:
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
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A panel a part; circle: posterior mean; thick line: 50 %, thin line: 89 % equal-tailed
        interval; diamond and line below: maximum-likelihood estimate and 95 % Wald interval, an
        open diamond where it has none; triangle: the hypothesised direction.

    Raises
    ------
    ResultsError
        The fit has no predictors, or the maximum-likelihood result is of another study.
    """
    if mle is not None and mle.attributes["study_digest"] != Fit(fit).study_digest:
        raise ResultsError(
            f"{mle.model} by maximum likelihood is of '{mle.attributes['title']}' as it was read "
            f"for another run than {Fit(fit).model}'s; run `make sample mle` again"
        )
    table = coefficient_data(fit, mle)
    parts, terms = (table[dim].to_numpy().tolist() for dim in ("part", "term"))
    draws = [
        fit["posterior"][part.coef].load().rename({part.term: "term"}).reindex(term=terms)
        for part in map(Part, parts)
    ]
    shift = 0.0 if mle is None else OFFSET
    size = style.sized(backend, 1.5 + (0.34 if mle is None else 0.4) * len(terms))
    drawn = forest(
        xr.concat(draws, table["part"]).transpose("chain", "draw", "part", "term"),
        {place: style.broken(term, LABEL) for place, term in enumerate(terms)},
        {"backend": backend, "cols": ["part"], "figure_kwargs": size},
        shift=shift,
    )
    style.rule(drawn, 0, color=style.FAINT, linestyle="C0")
    y = xr.DataArray(-shift - np.arange(len(terms)), table["term"].coords)
    _layer_estimates(drawn, table, y)
    on = style.canvas(drawn)
    for part in map(Part, parts):
        panel, own = drawn.get_target("value", {"part": str(part)}), table.sel(part=part)
        on.title(f"{part.capitalize()}\n{part_unit(fit, part)}", panel)
        on.xlim((float(own["left"]), float(own["right"])), panel)
        for hypothesis in _hypotheses(fit, part):
            side = "right" if hypothesis.direction == "positive" else "left"
            place = float(own[side]), -terms.index(hypothesis.term)
            on.text(*place, ARROW[side], panel, color=style.INK, horizontal_align=side)
    return style.finished(drawn, style.caption(fit, _shown(fit, mle, table)))


def coefficient_data(fit: xr.DataTree, mle: MaximumLikelihood | None = None) -> xr.Dataset:
    """Give what `coefficient_figure` draws beside the draws: dims (part, term).

    On the formula's own scale: the columns of `analysis.coefficients`; ``ml_estimate``,
    ``ml_lower`` and ``ml_upper`` (95 %, Wald), NaN where maximum likelihood has none; ``left`` and
    ``right`` (part), the ends of a panel, which holds zero and every interval.
    """
    found = {str(part): coefficients(fit, part) for part in PARTS}
    own = {part: table.drop(index="intercept", errors="ignore") for part, table in found.items()}
    own = {part: table for part, table in own.items() if len(table)}
    if not own:
        raise ResultsError(f"{Fit(fit).model}: the study's formulas have no predictors to draw")
    table = pd.concat(own, names=["part", "term"])
    if mle is None:
        table[ESTIMATE] = np.nan
    else:
        estimates = frequentist_table(mle, errors_of(mle))[["estimate", "lower", "upper"]]
        table = table.join(estimates.set_axis(ESTIMATE, axis=1))
    terms = list(dict.fromkeys(table.index.get_level_values("term")))
    data = table.to_xarray().reindex(part=list(own), term=terms)
    ends = data[["lower", "upper", "ml_lower", "ml_upper"]].to_dataarray("end")
    low, high = ends.min(["end", "term"]).clip(max=0), ends.max(["end", "term"]).clip(min=0)
    return data.assign(left=low - ROOM * (high - low), right=high + ROOM * (high - low))


def errors_of(mle: MaximumLikelihood) -> str:
    """Say which standard errors the intervals of maximum likelihood rest on."""
    return JACKKNIFE if JACKKNIFE in mle.kinds else "dyadic"


def _layer_estimates(drawn: PlotCollection, table: xr.Dataset, y: xr.DataArray) -> None:
    """Draw maximum likelihood; what is not identified may lie anywhere, and stretches no axis."""
    estimate, known = table["ml_estimate"].rename("value"), np.isfinite(table["ml_lower"])
    ends = table[["ml_lower", "ml_upper"]].to_dataarray("end", "value")
    drawn.map(az.visuals.line_x, "ml", data=ends, y=y, color=style.OTHER, width=1.4)
    inside = ~known & (table["left"] <= estimate) & (estimate <= table["right"])
    look = {"y": y, "marker": "C4", "size": 26, "edgecolor": style.OTHER}
    for name, which, inner in (("known", known, style.OTHER), ("unknown", inside, "white")):
        own = estimate.where(which)
        drawn.map(az.visuals.scatter_x, name, data=own, facecolor=inner, **look)
    for side, written in (("left", "< {:.3g}"), ("right", "{:.3g} >")):
        edge = table[side]
        beyond = (estimate < edge if side == "left" else estimate > edge) & np.isfinite(estimate)
        for part, term in np.argwhere((beyond & ~known).to_numpy()):
            panel = drawn.get_target("value", {"part": table["part"][part].item()})
            place, text = (edge[part].item(), y[term].item()), written.format(estimate[part, term])
            look = {"color": style.OTHER, "horizontal_align": side}
            style.canvas(drawn).text(*place, text, panel, **look)


def _hypotheses(fit: xr.DataTree, part: str) -> list[Hypothesis]:
    return [stated for stated in Fit(fit).declaration.hypothesis if stated.part == part]


def _shown(fit: xr.DataTree, mle: MaximumLikelihood | None, table: xr.Dataset) -> str:
    stated = any(_hypotheses(fit, part) for part in PARTS)
    shown = (
        f"Posterior mean, {INNER_PROB:.0%} and {CI_PROB:.0%} intervals, a unit of each predictor "
        f"as written{'; triangles: hypothesised direction' * stated}."
    )
    if mle is not None:
        shown += (
            f" Below, diamonds: maximum likelihood ({mle.model}), {CONFIDENCE:.0%} Wald intervals "
            f"on {errors_of(mle)} standard errors."
        )
    if (np.isfinite(table["ml_estimate"]) & ~np.isfinite(table["ml_lower"])).any():
        shown += " Open, or a number at the edge: the data determine no interval."
    return shown
