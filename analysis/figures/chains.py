"""Whether the chains agree, and whether they move through the posterior's energies."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.naming import broken
from analysis.figures.parameters import main_parameters
from analysis.figures.style import (
    ACCENT,
    FAINT,
    INK,
    MARK,
    OTHER,
    SMALL,
    TEXT,
    WIDTH,
    caption,
    escaped,
    plain_axes,
)
from data.errors import ResultsError
from models.inference.gate import MIN_BFMI

COLUMNS = 4
TITLE = 22  # characters of a line
UNLIKELY = 0.01  # p from which on downwards chains are marked as different
COLOURS = (MARK, OTHER, ACCENT, INK)  # of chains, in turn
STYLES = ("-", "--", "-.", ":")


def rank_figure(fit: xr.DataTree) -> Figure:
    """Draw how the ranks of each chain's draws differ from those of all chains together.

    Look for a line that runs off to one side: that chain was elsewhere than the others. Lines
    wander about zero where chains agree, the further the slower a parameter mixes; a small p
    says that they do more than that, and of as many panels as these about one in a hundred is
    marked by chance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit with two chains or more.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a parameter, a line a chain: the share of the chain's draws at or below a
        fractional rank among all chains' draws, less that rank; p of the test that all chains
        have one distribution, bold where it is below 0.01.

    Raises
    ------
    ResultsError
        There is only one chain.

    Notes
    -----
    `arviz.plot_rank`; the test allows for autocorrelation (Tesso et al. 2026, arXiv:2603.02928).
    """
    from matplotlib import pyplot as plt  # noqa: PLC0415 - arviz's figures are pyplot's

    p, draws = rank_test(fit), main_parameters(fit)
    rows = -(-len(p) // COLUMNS)
    drawn = az.plot_rank(
        xr.DataTree.from_dict({"posterior": xr.Dataset({"value": draws})}),
        backend="matplotlib",
        envelope_prob=1 - UNLIKELY,
        col_wrap=COLUMNS,
        aes={"color": ["chain"], "linestyle": ["chain"], "overlay": ["chain"]},
        color=COLOURS,
        linestyle=STYLES,
        visuals={
            "title": False,
            "xlabel": False,
            "remove_axis": False,
            "ecdf_lines": {"width": 0.9},
        },
        figure_kwargs={"figsize": (WIDTH, 1.0 + 1.2 * rows)},
    )
    figure: Figure = drawn.viz["figure"].item()
    plt.close(figure)  # pyplot need not know it any longer
    figure.set_layout_engine("constrained")
    for number, (label, value) in enumerate(p.items()):
        panel = drawn.viz["plot"]["value"].sel(parameter=label).item()
        tested = f"\np = {value:.2g}" if np.isfinite(value) else ""
        _restyle(panel, f"{broken(str(label), TITLE)}{tested}", bold=value < UNLIKELY)
        panel.tick_params(labelbottom=number + COLUMNS >= len(p), labelleft=number % COLUMNS == 0)
    figure.supylabel("share of draws less rank", fontsize=SMALL, color=INK)
    caption(
        figure,
        fit.attrs,
        "A line a chain: share of its draws at or below a fractional rank among the draws of all "
        "chains (horizontal), less that rank; dots: where chains differ. p: of the test that the "
        f"chains have one distribution, bold below {UNLIKELY}.",
    )
    return figure


def rank_test(fit: xr.DataTree) -> pd.Series:
    """Test whether the chains have one distribution.

    Returns
    -------
    pandas.Series
        p of each parameter of `main_parameters`; NaN with two chains, whose ranks mirror each
        other, so that the test says nothing.
    """
    draws = main_parameters(fit)
    if draws.sizes["chain"] < 2:
        raise ResultsError(
            "ranks of one chain say nothing; sample with CHAINS=4 to see whether chains agree"
        )
    if draws.sizes["chain"] == 2:
        return pd.Series(np.nan, index=draws["parameter"].to_numpy(), name="p")
    ranks = draws.azstats.compute_ranks(dim=["chain", "draw"], relative=True)
    p, _, _ = ranks.azstats.mchain_uniformity_test(dim=["chain", "draw"])
    return pd.Series(p.to_numpy(), index=draws["parameter"].to_numpy(), name="p")


def energy_figure(fit: xr.DataTree) -> Figure:
    """Draw the energies of the draws beside their changes from draw to draw.

    Look for a narrow distribution of the changes under a wide one of the energies, and for
    chains left of the line: there the sampler moves through the energies too slowly to see the
    tails of the posterior.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.

    Returns
    -------
    matplotlib.figure.Figure
        Left: the energy Bayesian fraction of missing information of each chain, beside the
        threshold of the gate; right: densities of the energy about its chain's mean (filled) and
        of its change from one draw to the next (dashed).

    Raises
    ------
    ResultsError
        The fit was made before changes of energy were kept.

    Notes
    -----
    Betancourt (2016), arXiv:1604.00695. Changes are those of the run: where a second try's draws
    were thinned, differences of kept draws would span several of its steps.
    """
    energies = energy_data(fit)
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 2.4])
    chains = energies["chain"].to_numpy()
    left.axvline(MIN_BFMI, color=FAINT, linestyle="--", linewidth=1)
    left.plot(energies["bfmi"], chains, "o", color=MARK, markersize=5)
    left.set_xlim(0, max(1.2, 1.05 * float(energies["bfmi"].max())))
    left.set_ylim(chains[-1] + 0.6, chains[0] - 0.6)
    left.set_yticks(chains, [f"chain {chain}" for chain in chains])
    plain_axes(left, "E-BFMI")
    for name, style in (("energy", "-"), ("change", "--")):
        values = energies[name].to_numpy().ravel()
        x, density, _ = az.kde(values[np.isfinite(values)])
        if name == "energy":
            right.fill_between(x, density, color=MARK, alpha=0.35, linewidth=0, label="energy")
        else:
            right.plot(x, density, color=OTHER, linestyle=style, label="change between draws")
    plain_axes(right, "Energy about its chain's mean, and its change")
    right.set_yticks([])
    right.set_ylim(0)
    right.spines["left"].set_visible(False)
    right.set_xlabel("kinetic energy less log density", fontsize=TEXT, color=INK)
    right.legend(frameon=False, fontsize=SMALL, loc="upper right")
    caption(
        figure,
        fit.attrs,
        "Energy of the Hamiltonian sampler. E-BFMI: mean squared change of a chain over its "
        f"variance; the dashed line is the least that the gate lets through, {MIN_BFMI}.",
    )
    return figure


def energy_data(fit: xr.DataTree) -> xr.Dataset:
    """Give what `energy_figure` draws.

    Returns
    -------
    xarray.Dataset
        ``energy`` (chain, draw; less its chain's mean), ``change`` (chain, draw; from the draw
        before, NaN for a run's first) and ``bfmi`` (chain).
    """
    stats = fit["sample_stats"]
    if "energy_change" not in stats:
        raise ResultsError(
            f"{fit.attrs['study']} {fit.attrs['model']}: the fit holds no changes of energy, "
            "which older fits lack; sample again with FORCE=1"
        )
    energy, change = (stats[each].load() for each in ("energy", "energy_change"))
    bfmi = (change**2).mean("draw") / energy.var("draw")
    return xr.Dataset({"energy": energy - energy.mean("draw"), "change": change, "bfmi": bfmi})


def _restyle(panel: Axes, title: str, *, bold: bool) -> None:
    for text in list(panel.texts):  # p, which the title says
        text.remove()
    for points in panel.collections:  # where chains differ
        points.set(sizes=[10], color=INK, zorder=3)
    plain_axes(panel)
    weight = "bold" if bold else "normal"
    panel.set_title(escaped(title), loc="left", fontsize=SMALL, color=INK, fontweight=weight)
    panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    panel.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
