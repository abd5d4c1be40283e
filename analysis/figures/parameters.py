"""The main parameters: prior against posterior, sensitivity, ranks of the draws by chain."""

from typing import Any

import arviz as az
import numpy as np
import xarray as xr

from analysis.figures import style
from analysis.figures.forest import forest
from analysis.posterior.main_parameters import (
    OVER,
    in_words,
    main_parameters,
    place_of,
    prior_and_posterior,
    rank_test,
)
from analysis.posterior.sensitivity import THRESHOLD, flagged, sensitivity
from analysis.posterior.summary import CI_PROB

COLUMNS, TITLE = 4, 24  # panels of a row; characters of a line of their titles
BULK = (0.01, 0.99)  # of the prior's draws, which are shown; tails can be heavy
FEW = 50  # draws that make no density
WIDEST = 8  # ranges of the posterior that a panel shows at most, on either side
UNLIKELY = 0.01  # p from which on downwards chains are marked as different
LABEL = 48  # characters of a row's label


@style.styled()
def prior_figure(fit: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw the prior of each main parameter with its posterior.

    Look for posteriors that are their priors: the data say little of such a parameter, and what
    the figure shows is what was assumed. A posterior in the prior's tail means that the two
    disagree.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A panel a parameter; grey, dashed: density of the prior's draws, blue: of the
        posterior's, on one scale; the number: width of the posterior's 89 % interval as a share
        of the prior's. Coefficients are effects of one standard deviation of their column, the
        unit of their priors.
    """
    share = prior_and_posterior(fit)["share"]
    draws = {group: main_parameters(fit, group) for group in ("prior", "posterior")}
    limits = _limits(**draws)
    drawn = az.plot_prior_posterior(
        xr.DataTree.from_dict({group: own.to_dataset() for group, own in draws.items()}),
        stats={"dist": _densities(**draws, limits=limits)},
        visuals={"face": {"alpha": 0.35}, "title": False, "dist": {"width": 1.2}},
        aes={"color": ["group"], "linestyle": ["group"]},
        color=[style.FAINT, style.MARK],
        linestyle=["C1", "C0"],
        **_panels(backend, len(share)),
    )
    style.rule(drawn, 0, color=style.FAINT, linestyle="C0", width=0.5)
    titles = {
        str(name): f"{style.broken(str(name), TITLE)}\n{own:.2f}" for name, own in share.items()
    }
    style.titled(drawn, "parameter", titles)
    for name in titles:
        panel = drawn.get_target("value", {"parameter": name})
        style.canvas(drawn).xlim(limits.sel(parameter=name).to_numpy().tolist(), panel)
    shown = (
        f"Grey, dashed: density of {draws['prior'].size // len(share)} draws from the prior; blue: "
        f"posterior; number: width of the posterior's {CI_PROB:.0%} interval as a share of the "
        "prior's. Coefficients are effects of one standard deviation of their column (of a "
        "0/1 column as it is), the unit of their priors. Far tails of priors are cut off."
    )
    return style.finished(drawn, style.caption(fit, shown))


def _limits(prior: xr.DataArray, posterior: xr.DataArray) -> xr.DataArray:
    """Give the ends of each parameter's panel: dims (end, parameter)."""
    low, high = posterior.min(OVER), posterior.max(OVER)
    reach = WIDEST * (high - low)
    bulk = prior.quantile(BULK, OVER).drop_vars("quantile").clip(low - reach, high + reach)
    return xr.concat([bulk[0].clip(max=low), bulk[1].clip(min=high)], "end")


def _densities(prior: xr.DataArray, posterior: xr.DataArray, limits: xr.DataArray) -> xr.Dataset:
    """Estimate densities of all draws, of the prior's those that a panel shows."""
    names = posterior["parameter"].to_numpy().tolist()
    found: dict[str, list[Any]] = {"prior": [], "posterior": []}
    for name in names:
        low, high = limits.sel(parameter=name).to_numpy()
        drawn = prior.sel(parameter=name).to_numpy().ravel()
        within = drawn[(drawn >= low) & (drawn <= high)]
        x, y, _ = az.kde(within if len(within) >= FEW else np.array([low, high]))
        if len(within) < FEW:  # so wide a prior is level here
            x, y = np.linspace(low, high, len(x)), np.full(len(x), 1 / (high - low))
        found["prior"].append([x, y * len(within) / len(drawn)])
        found["posterior"].append(az.kde(posterior.sel(parameter=name).to_numpy().ravel())[:2])
    axes = {"group": list(found), "parameter": names, "plot_axis": ["x", "y"]}
    density = xr.DataArray(list(found.values()), axes, [*axes, "kde_dim"], attrs={"kind": "kde"})
    return density.to_dataset(name="value")


@style.styled()
def sensitivity_figure(fit: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw how sensitive each parameter's posterior is to the priors and to the likelihood.

    Look for filled dots to the right of the line: these parameters rest on their priors as well
    as on the data. Where the square is to the left of it, the data say little of the parameter.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with a log prior.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A row a parameter; dot: sensitivity to the priors, filled where it counts; square: to the
        likelihood; dashed line: where it begins to count, 0.05.

    Raises
    ------
    ResultsError
        The fit was made by an earlier version, which kept no log prior.
    """
    table = sensitivity(fit)
    split = {name: str(name).removesuffix("]").partition("[") for name in table.index}
    table = table.loc[sorted(table.index, key=lambda name: place_of(split[name][0]))]
    star = table.index.isin(flagged(table).index)
    words = [style.shortened(in_words(*split[name][::2]), LABEL) for name in table.index]
    columns = ["likelihood", "prior"]  # a square holds a dot that falls on it
    names = table.index.astype(object)
    values = xr.DataArray(
        table[columns].to_numpy().T, {"source": columns, "parameter": names}, name="value"
    )
    ends = xr.concat([0 * values.max("source"), values.max("source")], "ci_bound").to_dataset()
    drawn = forest(
        values,
        {place: f"{word}{' *' if star[place] else ''}" for place, word in enumerate(words)},
        {"backend": backend, "figure_kwargs": style.sized(backend, 1.3 + 0.21 * len(table))}
        | {"aes": {"color": ["source"], "marker": ["source"]}}
        | {"color": [style.OTHER, style.MARK], "marker": ["C5", "C0"]},
        sample_dims=[],
        visuals={"twig": {"width": 0.6, "color": style.FAINT}, "trunk": False}
        | {"point_estimate": {"size": 45, "facecolor": "white"}},
        aes_by_visuals={"credible_interval": ["y", "overlay"]},
        stats={"point_estimate": values.to_dataset(), "twig": ends},
    )
    counts = values.sel(source=["prior"])
    drawn.map(az.visuals.scatter_x, "counts", data=counts.where(counts >= THRESHOLD), size=45)
    style.rule(drawn, THRESHOLD)
    panel = drawn.get_target("value", {})
    style.canvas(drawn).xlim((-0.01, 1.05 * float(values.max())), panel)
    style.canvas(drawn).xlabel("power-scaling sensitivity of the posterior", panel)
    unknown = bool(table["prior"].isna().any())
    shown = (
        "Circles: sensitivity to the priors; squares: to the likelihood: rate of the cumulative "
        "Jensen-Shannon distance from the posterior (Kallioinen et al. 2024); from "
        f"{THRESHOLD:g} on (dashed line, filled circles) it counts. *: the priors count, or the "
        "data do not. How city and pair effects are distributed is not scaled."
        f"{' Coefficients without a circle: their horseshoe prior is not scaled.' * unknown}"
    )
    return style.finished(drawn, style.caption(fit, shown))


@style.styled()
def rank_figure(fit: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw how the ranks of each chain's draws differ from those of all chains together.

    Look for a line that runs off to one side: that chain was elsewhere than the others. Lines
    wander about zero where chains agree, the further the slower a parameter mixes; a small p
    says that they do more than that, and of as many panels as these about one in a hundred is
    marked by chance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with two chains or more.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A panel a parameter, a line a chain: the share of the chain's draws at or below a
        fractional rank among all chains' draws, less that rank; p of the test that all chains
        have one distribution, with a star where it is below 0.01.

    Raises
    ------
    ResultsError
        There is only one chain.

    Notes
    -----
    The test allows for autocorrelation (Tesso et al. 2026, arXiv:2603.02928).
    """
    p = rank_test(fit)
    drawn = az.plot_rank(
        xr.DataTree.from_dict({"posterior": main_parameters(fit).to_dataset()}),
        envelope_prob=1 - UNLIKELY,
        visuals={"title": False, "xlabel": False, "remove_axis": False}
        | {"ecdf_lines": {"width": 0.9}},
        aes={"color": ["chain"], "linestyle": ["chain"], "overlay": ["chain"]},
        color=[style.MARK, style.OTHER, style.ACCENT, style.INK],
        linestyle=["C0", "C1", "C2", "C3"],
        **_panels(backend, len(p), sharey=True),
    )
    style.rule(drawn, 0, "horizontal", color=style.FAINT, linestyle="C0")
    on, figure = style.canvas(drawn), drawn.viz["figure"].item()
    if backend == "plotly":  # ArviZ writes p where it says nothing: see rank_test
        figure.data = [trace for trace in figure.data if trace.mode != "text"]
    titles = {}
    for place, (name, value) in enumerate(p.items()):
        panel = drawn.get_target("value", {"parameter": name})
        lowest = place + COLUMNS >= len(p)
        on.set_ticklabel_visibility(panel, axis="x", visible=lowest)
        for text in list(panel.texts) if backend == "matplotlib" else []:
            text.remove()
        tested = f"\np = {value:.2g}{' *' * bool(value < UNLIKELY)}" if np.isfinite(value) else ""
        titles[str(name)] = f"{style.broken(str(name), TITLE)}{tested}"
    style.titled(drawn, "parameter", titles)
    shown = (
        "A line a chain: share of its draws at or below a fractional rank among the draws of all "
        "chains (horizontal), less that rank (vertical); dots: where chains differ. p: of the "
        f"test that the chains have one distribution, * below {UNLIKELY}."
    )
    return style.finished(drawn, style.caption(fit, shown))


def _panels(backend: str, number: int, **shared: Any) -> dict[str, Any]:
    """Lay out a panel a parameter, as ArviZ takes it."""
    size = style.sized(backend, 0.8 + 1.3 * -(-number // COLUMNS), **shared)
    return {"backend": backend, "cols": ["parameter"], "col_wrap": COLUMNS, "figure_kwargs": size}
