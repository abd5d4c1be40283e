"""Sender against receiver effects: generalized reciprocity."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.naming import place_names
from analysis.figures.style import FAINT, INK, MARK, SMALL, WIDTH, caption, plain_axes
from analysis.posterior.city_effects import city_effects, of_role, parts_and_sides, roles_of
from analysis.posterior.summary import CI_PROB, INNER_PROB, part_unit
from data.errors import ResultsError
from data.roles import Part
from models.name import CITY_CORRELATION, role_pairs

MANY = 60  # cities, from which on marks are drawn small
TAILS = [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]


def reciprocity_figure(fit: xr.DataTree) -> Figure:
    """Draw the sender effect of each city against its receiver effect.

    Look for a cloud that rises: cities that send much also receive much. Where bars are long, the
    means are drawn together by the model, and the correlation that is printed, with its interval,
    says more than the cloud does.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit of a model with sender and receiver effects in one part at least.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a part; a point a city, at its posterior means, with 50 % equal-tailed intervals;
        in words the posterior mean and the 89 % interval of the generalized reciprocity. Names
        stand where they have room, the outermost cities first.

    Raises
    ------
    ResultsError
        No part of the model has effects of both sides.
    """
    tables = reciprocity_data(fit)
    figure = Figure(
        figsize=(WIDTH, 0.9 + min(WIDTH / len(tables), 4.6) + 0.3), layout="constrained"
    )
    panels = figure.subplots(1, len(tables), squeeze=False)[0]
    for panel, (part, table) in zip(panels, tables.items(), strict=True):
        _draw_cities(panel, table)
        plain_axes(panel, f"{part.capitalize()}\n{_correlation_words(fit, part)}")
        for axis in ("x", "y"):
            side = "sender" if axis == "x" else "receiver"
            panel.set(**{f"{axis}label": f"{side} effect"})
        panel.xaxis.label.set(fontsize=SMALL, color=INK)
        panel.yaxis.label.set(fontsize=SMALL, color=INK)
        panel.locator_params(nbins=5)
    units = "; ".join(f"{part}: {part_unit(fit, part)}" for part in tables)
    correlated = (
        " Generalized reciprocity, the correlation of the two effects of a city: posterior mean "
        f"and {CI_PROB:.0%} interval."
        if any(generalized_reciprocity(fit, part) for part in tables)
        else ""
    )
    caption(
        figure,
        fit.attrs,
        f"City effects: posterior means and {INNER_PROB:.0%} intervals ({units}).{correlated} "
        "Names where there is room.",
    )
    for panel, table in zip(panels, tables.values(), strict=True):
        _name_cities(panel, table)
    return figure


def reciprocity_data(fit: xr.DataTree) -> dict[Part, pd.DataFrame]:
    """Tabulate the effects of both sides.

    Returns
    -------
    dict of str to pandas.DataFrame
        For each part that has effects of both sides a row a city; columns (side, figure), the
        figures of `analysis.posterior.city_effects.city_effects`.
    """
    effects = city_effects(fit)
    tables = {}
    for part in parts_and_sides(effects)[0]:
        if set(part.roles) <= set(roles_of(effects)):
            both = {role.side: of_role(effects, role) for role in part.roles}
            tables[part] = pd.concat(both, axis=1)
    if not tables:
        raise ResultsError(
            f"{fit.attrs['model']} has effects of one side only; take a model such as zinb_srm"
        )
    return tables


def generalized_reciprocity(fit: xr.DataTree, part: Part) -> tuple[float, float, float] | None:
    """Summarise the correlation of a city's two effects.

    Returns
    -------
    tuple of float or None
        Posterior mean, and the limits of the 89 % equal-tailed interval; None where the effects
        are independent in the model.
    """
    posterior, pair = fit["posterior"], role_pairs(part.roles)[0]
    if part.generalized_reciprocity in posterior:
        draws = posterior[part.generalized_reciprocity].load()
    elif CITY_CORRELATION in posterior and pair in posterior["role_pair"].to_numpy():
        draws = posterior[CITY_CORRELATION].load().sel(role_pair=pair)
    else:
        return None
    low, high = draws.quantile(TAILS).to_numpy()
    return float(draws.mean()), float(low), float(high)


def _correlation_words(fit: xr.DataTree, part: Part) -> str:
    found = generalized_reciprocity(fit, part)
    if found is None:
        return "the two effects of a city are independent in this model"
    mean, low, high = found
    return f"generalized reciprocity {mean:.2f} ({low:.2f} to {high:.2f})"


def _draw_cities(panel: Axes, table: pd.DataFrame) -> None:
    many = len(table) > MANY
    sender, receiver = table["sender"], table["receiver"]
    panel.axvline(0, color=FAINT, linewidth=0.6)
    panel.axhline(0, color=FAINT, linewidth=0.6)
    width, alpha = (0.5, 0.45) if many else (0.9, 0.7)
    panel.hlines(
        receiver["mean"],
        sender["inner_lower"],
        sender["inner_upper"],
        color=MARK,
        linewidth=width,
        alpha=alpha,
    )
    panel.vlines(
        sender["mean"],
        receiver["inner_lower"],
        receiver["inner_upper"],
        color=MARK,
        linewidth=width,
        alpha=alpha,
    )
    panel.plot(
        sender["mean"],
        receiver["mean"],
        "o",
        color=MARK,
        markeredgecolor="white",
        markeredgewidth=0.5,
        markersize=3.5 if many else 5,
    )
    panel.margins(0.1)
    panel.set_aspect("equal", adjustable="datalim")  # one unit on both axes


def _name_cities(panel: Axes, table: pd.DataFrame) -> None:
    means = pd.DataFrame({side: table[side]["mean"] for side in ("sender", "receiver")})
    means = means.iloc[np.argsort(-np.hypot(*means.to_numpy().T), kind="stable")]
    x, y = means["sender"].tolist(), means["receiver"].tolist()
    place_names(panel, x, y, means.index.tolist(), [2.5] * len(means))
