"""Counts that a fit's model draws, beside those that were observed."""

import math
from collections.abc import Hashable

import arviz as az
import numpy as np
import xarray as xr

from analysis.checks.binned import binned_counts
from analysis.checks.network import network_check, network_table
from analysis.checks.replicated import DRAWS
from analysis.figures import style
from analysis.posterior.summary import CI_PROB
from data.errors import ResultsError
from models.inference.fit import Fit

COLUMNS, BINS = 4, 25
PREDICTIVE = "posterior_predictive"
SHOWN = (0.005, 0.995)  # heavy tails would press all else into one bar
UNLIKELY = 0.01  # p from which on downwards dyads are marked


@style.styled()
def statistics_figure(
    fit: xr.DataTree, draws: int = DRAWS, *, backend: str = "matplotlib"
) -> style.Drawn:
    """Draw each statistic of the network as the model predicts it, and as it was observed.

    Look for observed values at the edge of what the model draws: in that respect its networks are
    not like the observed one. City effects are needed where the senders' or the receivers' spread
    is missed, their correlation or pair effects where dyadic dependence is; cycles and triads are
    in none of the models.

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

    Notes
    -----
    Kleiber and Zeileis (2016), The American Statistician 70(3).
    """
    binned, first = binned_counts(fit, draws)
    drawn = az.plot_ppc_rootogram(
        binned,
        ci_prob=CI_PROB,
        point_estimate="mean",
        visuals={
            "predictive_markers": {"color": style.MARK, "marker": "C0"},
            "credible_interval": {"color": style.MARK, "alpha": 1, "width": 1.6},
            "observed_markers": {"color": style.OTHER, "marker": "C5"},
            "xlabel": {"text": "count of a directed dyad"},
            "ylabel": {"text": "directed dyads (square-root scale)"},
            "title": False,
            "grid": False,
        },
        backend=backend,
        figure_kwargs=style.sized(backend, 3.4),
    )
    last = [*first[1:] - 1, np.inf]
    labels = [_label(*ends) for ends in zip(first, last, strict=True)]
    wide = bool((np.diff(first) > 1).any())
    on, panel = style.canvas(drawn), drawn.get_target("count", {})
    on.xticks(np.arange(len(first)), labels, panel, rotation=90 if wide else 0)
    most = int(np.bincount(binned["observed_data"]["count"].to_numpy()).max())
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
    """Draw where observed counts lie in what the model predicts of dyads that it has not seen.

    Look for a line that leaves zero, and for the orange points, which say where. A hump: observed
    counts are lower than predicted; below zero: higher. An S, first above and then below zero:
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
        The fit keeps no pointwise log-likelihood: it would be too large.

    Notes
    -----
    Dyads are left out by importance sampling; ties, which counts have, are broken at random; the
    test allows for dependence (Tesso et al. 2026, arXiv:2603.02928).
    """
    if "log_likelihood" not in fit.children:
        raise ResultsError(f"{Fit(fit).model}: the fit keeps no pointwise log-likelihood")
    drawn = az.plot_loo_pit(
        fit,
        envelope_prob=1 - UNLIKELY,
        visuals={"ecdf_lines": {"color": style.MARK}, "title": False}
        | {"xlabel": {"text": "probability of a lower count, by the model without the dyad"}}
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
