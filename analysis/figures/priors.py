"""Prior against posterior of the main parameters."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.naming import broken
from analysis.figures.parameters import main_parameters
from analysis.figures.style import FAINT, INK, MARK, SMALL, WIDTH, caption, escaped, plain_axes
from analysis.posterior.summary import CI_PROB

COLUMNS = 4
TITLE = 26  # characters of a line
BULK = (0.01, 0.99)  # of the prior's draws, which are shown; tails can be heavy
FEW = 50  # draws that make no density
ROOM = 1.2  # of a panel's height over its densities', for the number
WIDEST = 8  # ranges of the posterior that a panel shows at most, on either side


def prior_figure(fit: xr.DataTree) -> Figure:
    """Draw the prior of each main parameter with its posterior.

    Look for posteriors that are their priors: the data say little of such a parameter, and what
    the figure shows is what was assumed. A posterior in the prior's tail means that the two
    disagree.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a parameter; dashed line: density of the prior's draws, filled: of the
        posterior's, on one scale; the number: width of the posterior's 89 % interval as a share
        of the prior's. Coefficients are effects of one standard deviation of their column, the
        unit of their priors.
    """
    table = prior_data(fit)
    prior, posterior = (main_parameters(fit, group) for group in ("prior", "posterior"))
    labels = table.index.tolist()
    rows = -(-len(labels) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.8 + 1.15 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel, label in zip(panels, labels, strict=False):
        drawn = [each.sel(parameter=label).to_numpy().ravel() for each in (prior, posterior)]
        _draw_densities(panel, *drawn)
        plain_axes(panel)
        panel.set_title(escaped(broken(label, TITLE)), loc="left", fontsize=SMALL, color=INK)
        panel.set_yticks([])
        panel.spines["left"].set_visible(False)
        panel.locator_params(axis="x", nbins=4)
        panel.text(
            1,
            0.95,
            f"{table.loc[label, 'share']:.2f}",
            transform=panel.transAxes,
            ha="right",
            va="top",
            fontsize=SMALL,
            color=INK,
        )
    for panel in panels[len(labels) :]:
        panel.set_axis_off()
    caption(
        figure,
        fit.attrs,
        f"Dashed: density of {prior.sizes['chain'] * prior.sizes['draw']} draws from the prior; "
        f"filled: posterior; number: width of the posterior's {CI_PROB:.0%} interval as a share "
        "of the prior's. Coefficients are effects of one standard deviation of their column (of a "
        "0/1 column as it is), the unit of their priors. Far tails of priors are cut off.",
    )
    return figure


def prior_data(fit: xr.DataTree) -> pd.DataFrame:
    """Hold the posterior of each main parameter against its prior.

    Returns
    -------
    pandas.DataFrame
        A row a parameter of `main_parameters`: ``prior_lower``, ``prior_upper``, ``lower`` and
        ``upper`` (89 % equal-tailed intervals of prior and posterior), ``share`` (width of the
        latter over the former's).
    """
    tails = [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]
    prior, posterior = (
        main_parameters(fit, group).quantile(tails, ("chain", "draw"))
        for group in ("prior", "posterior")
    )
    table = pd.DataFrame(
        {
            "prior_lower": prior[0],
            "prior_upper": prior[1],
            "lower": posterior[0],
            "upper": posterior[1],
        },
        index=pd.Index(posterior["parameter"].to_numpy(), name="parameter"),
    )
    share = (table["upper"] - table["lower"]) / (table["prior_upper"] - table["prior_lower"])
    return table.assign(share=share)


def _draw_densities(panel: Axes, prior: np.ndarray, posterior: np.ndarray) -> None:
    low, high = _limits(prior, posterior)
    panel.fill_between(*az.kde(posterior)[:2], color=MARK, alpha=0.45, linewidth=0)
    within = prior[(prior >= low) & (prior <= high)]
    if len(within) < FEW:  # so wide a prior is level here
        x, density = np.array([low, high]), np.full(2, 1 / (high - low))
    else:
        x, density, _ = az.kde(within)
    panel.plot(x, density * len(within) / len(prior), color=INK, linestyle="--", linewidth=0.9)
    panel.axvline(0, color=FAINT, linewidth=0.5)
    panel.set_xlim(low, high)
    panel.set_ylim(0, ROOM * panel.get_ylim()[1])


def _limits(prior: np.ndarray, posterior: np.ndarray) -> tuple[float, float]:
    low, high = posterior.min(), posterior.max()
    reach = WIDEST * (high - low)
    prior_low, prior_high = np.clip(np.quantile(prior, BULK), low - reach, high + reach)
    return float(min(low, prior_low)), float(max(high, prior_high))
