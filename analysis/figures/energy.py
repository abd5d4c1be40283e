"""Whether chains move through the posterior's energies."""

import arviz as az
import pandas as pd
import xarray as xr

from analysis.figures import style
from data.errors import ResultsError
from models.inference.fit import Fit
from models.inference.gate import MIN_BFMI


@style.styled()
def energy_figure(fit: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw the energies of the draws beside their changes from draw to draw.

    Look for a narrow distribution of the changes under a wide one of the energies, and for
    chains left of the line: there the sampler moves through the energies too slowly to see the
    tails of the posterior.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        Left: the energy Bayesian fraction of missing information of each chain, beside the
        threshold of the gate; right: densities of the energy about its chain's mean and of its
        change from one draw to the next (dashed).

    Raises
    ------
    ResultsError
        The fit was made before changes of energy were kept.

    Notes
    -----
    Betancourt (2016), arXiv:1604.00695. Changes are those of the run: where a second try's draws
    were thinned, differences of kept draws, which `arviz.plot_energy` takes, span several of its
    steps.
    """
    energies = energy_data(fit)
    kinds = pd.Index(["marginal", "transition"], name="energy")
    both = xr.concat([energies["energy"], energies["change"]], kinds, coords="minimal")
    density = both.azstats.kde(dim=["chain", "draw"]).assign_attrs(kind="kde")
    drawn = az.plot_energy(
        fit,
        threshold=MIN_BFMI,
        stats={"dist": density.to_dataset(name="Energy")},
        visuals={"bfmi_points": False, "title": False, "ylabel": False}
        | {"ref_line": {"color": style.INK, "width": 1, "alpha": 1}},
        aes={"color": ["energy"], "linestyle": ["energy"]},
        aes_by_visuals={"face": ["color"], "dist": ["color", "linestyle"]},
        color=[style.MARK, style.OTHER],
        linestyle=["C0", "C1"],
        backend=backend,
        figure_kwargs=style.sized(backend, 2.9, width_ratios=[1, 2.4]),
    )
    chains = energies["chain"].to_numpy()
    left, right = (drawn.get_target("Energy", {"column": name}) for name in ("bfmi", "energy"))
    on = style.canvas(drawn)
    on.scatter(energies["bfmi"].to_numpy(), -chains, left, color=style.MARK, size=25)
    on.xlim((0, max(1.2, 1.05 * float(energies["bfmi"].max()))), left)
    on.ylim((-chains[-1] - 0.6, 0.6 - chains[0]), left)
    on.yticks(-chains, [f"chain {chain}" for chain in chains], left)
    on.xlabel("kinetic energy less log density", right)
    titles = {"bfmi": "E-BFMI", "energy": "Energy about its chain's mean, and its change"}
    style.titled(drawn, "column", titles)
    shown = (
        "Energy of the Hamiltonian sampler (blue), and its change between draws (orange, dashed). "
        "E-BFMI: mean squared change of a chain over its variance; the dashed line is the least "
        f"that the gate lets through, {MIN_BFMI}."
    )
    return style.finished(drawn, style.caption(fit, shown))


def energy_data(fit: xr.DataTree) -> xr.Dataset:
    """Give what `energy_figure` draws.

    ``energy`` (chain, draw; less its chain's mean), ``change`` (chain, draw; from the draw before,
    NaN for a run's first) and ``bfmi`` (chain).
    """
    stats = fit["sample_stats"]
    if "energy_change" not in stats:
        raise ResultsError(
            f"{Fit(fit).study} {Fit(fit).model}: the fit holds no changes of energy, "
            "which older fits lack; sample again with FORCE=1"
        )
    energy, change = (stats[name].load() for name in ("energy", "energy_change"))
    bfmi = (change**2).mean("draw") / energy.var("draw")
    return xr.Dataset({"energy": energy - energy.mean("draw"), "change": change, "bfmi": bfmi})
