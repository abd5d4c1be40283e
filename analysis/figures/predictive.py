"""Outcomes that a fit's model draws, beside those that were observed."""

import math
from collections.abc import Hashable

import arviz as az
import numpy as np
import xarray as xr

from analysis.checks.binned import binned_counts
from analysis.checks.network import network_check, network_table
from analysis.checks.replicated import DRAWS
from analysis.checks.scores import left_out_score
from analysis.figures import style
from analysis.posterior.summary import CI_PROB
from analysis.tables.words import PLURALS
from data.errors import ResultsError
from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE, OutcomeKind
from models.inference.fit import Fit

COLUMNS, BINS = 4, 25
PREDICTIVE = "posterior_predictive"
SHOWN = (0.005, 0.995)  # heavy tails would press all else into one bar
SHOWN_DRAWS = 50  # replications whose densities are drawn
UNLIKELY = 0.01  # p from which on downwards dyads are marked


@style.styled()
def statistics_figure(
    fit: xr.DataTree, draws: int = DRAWS, *, backend: str = "matplotlib"
) -> style.Drawn:
    """Draw each statistic of the network as the model predicts it, and as it was observed.

    Look for observed values at the edge of what the model draws: in that respect its networks are
    not like the observed one. City effects are needed where the spread of the cities is missed,
    their correlation or pair effects where dyadic dependence is; cycles and triads are in none of
    the models.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    draws : int
        About how many of its draws to use.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A panel a statistic; bars: replicated networks, with mean and 89 % interval at their foot;
        dashed line, triangle: observed; p: share of replicated networks at or above it.
    """
    check = network_check(fit, draws)
    everything = network_table(check)
    table = everything[everything["defined"] > 0]
    columns = table.to_xarray().to_dataarray("column").to_dataset("statistic")
    found = check.sel(statistic=table.index.to_numpy())
    tree = {
        PREDICTIVE: found["predictive"].to_dataset("statistic").expand_dims("chain"),
        "observed_data": found["observed"].to_dataset("statistic"),
    }
    bars = {name: _bars(own.dropna("draw"), name) for name, own in tree[PREDICTIVE].items()}
    drawn = az.plot_ppc_tstat(
        xr.DataTree.from_dict(tree),
        t_stat="mean",  # of one number
        stats={"dist": xr.Dataset(bars), "point_estimate": columns.sel(column="mean", drop=True)}
        | {"credible_interval": columns.sel(column=["lower", "upper"])},
        visuals={"dist": {"color": style.MARK, "width": 1}}
        | {"point_estimate": {"color": style.MARK, "facecolor": "white"}}
        | {"credible_interval": {"color": style.MARK, "width": 3}}
        | {"observed_tstat": {"color": style.OTHER, "marker": "C2"}, "title": False},
        backend=backend,
        col_wrap=COLUMNS,
        figure_kwargs=style.sized(backend, 0.8 + 1.4 * -(-len(table) // COLUMNS)),
    )
    style.rule(drawn, table["observed"].dropna().to_dict(), color=style.OTHER, width=1.4)
    titles = {}
    for name, row in table.iterrows():
        p = "observed: not defined" if np.isnan(row["p"]) else f"p = {row['p']:.2f}"
        titles[str(name)] = f"{str(name).capitalize()}\n{p}"
    style.titled(drawn, "__variable__", titles)
    unknown = ", ".join(everything.index.difference(table.index, sort=False))
    said = (
        f"Bars: {check.sizes['draw']} replicated networks, without the 1 % farthest out; at their "
        f"foot: mean and {CI_PROB:.0%} interval; dashed line, triangle: observed; p: share of "
        f"replicated networks at or above it.{f' Not defined: {unknown}.' * bool(unknown)}"
    )
    return style.finished(drawn, style.caption(fit, said))


def _bars(drawn: xr.DataArray, name: Hashable) -> xr.DataArray:
    """Count draws of a statistic, without those farthest out."""
    low, high = np.quantile(drawn, SHOWN)
    values = np.unique(drawn)
    edges = np.linspace(low, high, BINS + 1)
    if len(values) <= drawn.size / 4:  # few: edges lie between them
        step = float(np.diff(values).min()) if len(values) > 1 else 1.0
        width = step * max(np.ceil((high - low) / step / BINS), 1)
        edges = np.arange(low - step / 2, high + width, width)
    bars = np.array([np.histogram(drawn, edges)[0], edges[:-1], edges[1:]], dtype=float)
    axes = {"plot_axis": ["histogram", "left_edges", "right_edges"]}
    return xr.DataArray(bars, axes, ("plot_axis", f"bar_{name}"), attrs={"kind": "hist"})


@style.styled()
def rootogram_figure(
    fit: xr.DataTree, draws: int = DRAWS, *, backend: str = "matplotlib"
) -> style.Drawn:
    """Draw how many dyads have each count, observed and predicted, on a square-root scale.

    Look for squares outside the interval: at zero, too many or too few zeros; in the middle and
    in the tail, a family whose counts are spread otherwise than the observed ones. The square
    root gives differences at rare counts the weight that they have beside chance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    draws : int
        About how many of its draws to use.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        Squares: observed numbers of dyads; circles and lines: mean and 89 % interval of the
        replicated ones. The last bin holds every count above the largest observed one.

    Raises
    ------
    ResultsError
        The outcomes are no counts.

    Notes
    -----
    Kleiber and Zeileis (2016), The American Statistician 70(3).
    """
    _refuse_others(fit, (COUNT, SUCCESSES), "a rootogram is of counts")
    binned, first = binned_counts(fit, draws)
    drawn = az.plot_ppc_rootogram(
        binned,
        ci_prob=CI_PROB,
        point_estimate="mean",
        visuals={
            "predictive_markers": {"color": style.MARK, "marker": "C0"},
            "credible_interval": {"color": style.MARK, "alpha": 1, "width": 1.6},
            "observed_markers": {"color": style.OTHER, "marker": "C5"},
            "xlabel": {"text": _called(fit)},
            "ylabel": {"text": style.worded(fit, "directed dyads (square-root scale)")},
            "title": False,
            "grid": False,
        },
        backend=backend,
        figure_kwargs=style.sized(backend, 3.4),
    )
    last = [*first[1:] - 1, np.inf]
    labels = [_label(*ends) for ends in zip(first, last, strict=True)]
    wide = bool((np.diff(first) > 1).any())
    on, panel = style.canvas(drawn), drawn.get_target("outcome", {})
    on.xticks(np.arange(len(first)), labels, panel, rotation=90 if wide else 0)
    most = int(np.bincount(binned["observed_data"]["outcome"].to_numpy()).max())
    ticks = style.ticks_apart(most, math.sqrt)
    # ArviZ draws roots in plotly, which has no such scale
    places = ticks if backend == "matplotlib" else np.sqrt(ticks)
    on.yticks(places, [f"{tick:,g}" for tick in ticks], panel)
    shown = (
        f"Squares: observed; circles and lines: mean and {CI_PROB:.0%} interval of "
        f"{binned[PREDICTIVE].sizes['draw']} replications; {labels[-1]}: every count "
        f"above the largest observed one{'; bins widen from 10 on' if wide else ''}."
    )
    return style.finished(drawn, style.caption(fit, shown))


def _label(first: float, last: float) -> str:
    if np.isinf(last):
        return f"{first:.0f}+"
    return f"{first:.0f}" if first == last else f"{first:.0f}\N{EN DASH}{last:.0f}"


@style.styled()
def pit_figure(fit: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw where observed outcomes lie in what the model predicts of dyads that it has not seen.

    Look for a line that leaves zero, and for the orange points, which say where. A hump: observed
    outcomes are lower than predicted; below zero: higher. An S, first above and then below zero:
    the predictions are too narrow; the other way round: too wide.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with a pointwise log-likelihood.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        The share of dyads whose probability integral transform is at or below a value, less that
        value; p of the test that it is uniform; points: what speaks against it, where p is below
        0.01.

    Raises
    ------
    ResultsError
        The fit keeps no pointwise log-likelihood: it would be too large; or the outcomes are ties,
        of which `calibration_figure` says more.

    Notes
    -----
    Dyads are left out by importance sampling; ties, which counts have, are broken at random; the
    test allows for dependence (Tesso et al. 2026, arXiv:2603.02928).
    """
    _refuse_others(fit, (COUNT, SUCCESSES, AMOUNT), "see the calibration of ties")
    if "log_likelihood" not in fit.children:
        raise ResultsError(f"{Fit(fit).model}: the fit keeps no pointwise log-likelihood")
    drawn = az.plot_loo_pit(
        fit,
        envelope_prob=1 - UNLIKELY,
        visuals={"ecdf_lines": {"color": style.MARK}, "title": False}
        | {"xlabel": {"text": "probability of less, by the model without the dyad"}}
        | {"ylabel": {"text": "share of dyads, less uniform"}},
        backend=backend,
        figure_kwargs=style.sized(backend, 3.0),
    )
    shown = (
        "Probability integral transform of each directed dyad, left out by importance sampling: "
        "distribution function less the uniform one; p: of the test that it is uniform; points: "
        f"what speaks against it, where p is below {UNLIKELY}."
    )
    return style.finished(drawn, style.caption(fit, shown))


@style.styled()
def calibration_figure(fit: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw how often ties are there, against the chance that the model gives them.

    Look for a line that leaves the diagonal: above it ties are more frequent than the model says,
    below it less; an S that is flatter than the diagonal says that chances are too extreme.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of ties.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        Line: the share of ties at a chance, by isotonic regression (the pool-adjacent-violators
        algorithm), with its 89 % interval; dashed: where both are the same.

    Raises
    ------
    ResultsError
        The outcomes are no ties.

    Notes
    -----
    Dimitriadis, Gneiting and Jordan (2021), PNAS 118(8); Säilynoja, Johnson, Martin and Vehtari
    (2025), arXiv:2503.01509.
    """
    _refuse_others(fit, (TIE,), "calibration is of ties")
    drawn = az.plot_ppc_pava(
        fit,
        ci_prob=CI_PROB,
        visuals={"lines": {"color": style.MARK}, "markers": {"color": style.MARK}}
        | {"credible_interval": {"color": style.MARK}, "title": False}
        | {"xlabel": {"text": "chance of a tie, by the model"}}
        | {"ylabel": {"text": "share of ties"}},
        backend=backend,
        figure_kwargs=style.sized(backend, 3.4),
    )
    score = left_out_score(fit)
    shown = (
        f"Line: share of ties by isotonic regression, with its {CI_PROB:.0%} interval; dashed: "
        f"chance and share are the same.{f' {score}' if score else ''}"
    )
    return style.finished(drawn, style.caption(fit, shown))


@style.styled()
def distribution_figure(
    fit: xr.DataTree, draws: int = SHOWN_DRAWS, *, backend: str = "matplotlib"
) -> style.Drawn:
    """Draw the density of the amounts, observed and predicted.

    Look for a peak, a shoulder or a tail that the predicted densities have not: amounts that are
    cut off at zero or skewed are no normal ones, and may be modelled better as their logarithms.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of amounts.
    draws : int
        How many replications to draw.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        Thin lines: replicated amounts of all dyads; dark line: observed.

    Raises
    ------
    ResultsError
        The outcomes are no amounts.
    """
    _refuse_others(fit, (AMOUNT,), "a density is of amounts")
    drawn = az.plot_ppc_dist(
        fit,
        kind="kde",
        num_samples=draws,
        visuals={"predictive_dist": {"color": style.MARK, "alpha": 0.2}, "title": False}
        | {"observed_dist": {"color": style.OTHER}},
        backend=backend,
        figure_kwargs=style.sized(backend, 3.0),
    )
    panel = drawn.get_target("outcome", {})
    style.canvas(drawn).xlabel(_called(fit), panel)
    shown = f"Blue lines: {draws} replications; orange line: observed."
    return style.finished(drawn, style.caption(fit, shown))


def _refuse_others(fit: xr.DataTree, kinds: tuple[OutcomeKind, ...], why: str) -> None:
    one = Fit(fit)
    if one.name.family.outcome not in kinds:
        raise ResultsError(
            f"{one.model}: its outcomes are {PLURALS[one.name.family.outcome]}; {why}"
        )


def _called(fit: xr.DataTree) -> str:
    return style.worded(fit, f"{Fit(fit).name.family.outcome.noun} of a directed dyad")
