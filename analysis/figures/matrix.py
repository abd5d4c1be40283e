"""Every directed dyad: what was observed, and what the model predicts."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.checks.replicated import predicted_mean
from analysis.figures import style
from data.outcomes import AMOUNT, COUNT, TIE, OutcomeKind
from data.roles import BOTH, PERIOD, sides_of
from models.inference.fit import Fit
from models.predictor.linear import city_position

LABELS = 24  # city names that an axis has room for


def matrix_data(fit: xr.DataTree) -> xr.Dataset:
    """Lay out outcomes and their predictions by sender and receiver.

    ``observed`` outcomes and ``predicted`` means over all draws; dims (sender, receiver), not a
    number on the diagonal and where a directed dyad has no row; of a panel, means over a dyad's
    periods. Cities are ordered by what they
    send and receive together, most first, equal ones by name.
    """
    dyads = fit["constant_data"].to_dataset()
    cities = dyads["city"].to_numpy()
    sides = sides_of(dyads.coords)
    sender, receiver = (city_position(dyads, side) for side in sides)
    outcome = fit["observed_data"]["outcome"].to_numpy()
    total = np.bincount(sender, outcome, len(cities)) + np.bincount(receiver, outcome, len(cities))
    order = np.argsort(-total, kind="stable")
    whole = xr.Dataset(coords={"sender": cities, "receiver": cities})
    for name, values in (("observed", outcome), ("predicted", predicted_mean(fit).to_numpy())):
        matrix, there = np.zeros((2, len(cities), len(cities)))
        np.add.at(there, (sender, receiver), 1)
        np.add.at(matrix, (sender, receiver), values)
        matrix = np.where(there > 0, matrix, np.nan) / np.maximum(there, 1)
        if sides == BOTH:
            matrix = np.fmax(matrix, matrix.T)
        whole[name] = ("sender", "receiver"), matrix
    return whole.isel(sender=order, receiver=order)


def _scale(data: xr.Dataset, kind: OutcomeKind) -> tuple[Normalize, Sequence[float], str]:
    """Give the scale of colours, its ticks and its label: of counts nearly that of their logs."""
    both = data[["observed", "predicted"]].to_dataarray()
    if kind in (AMOUNT, TIE):
        least, largest = (0.0, 1.0) if kind is TIE else (float(both.min()), float(both.max()))
        ticks = MaxNLocator(5).tick_values(least, largest)
        inside = [float(tick) for tick in ticks if least <= tick <= largest]
        return Normalize(least, largest), inside, "chance" if kind is TIE else kind.noun
    largest, mean = max(float(both.max()), 1.0), float(data["observed"].mean())
    # below this count the scale is nearly linear: 1, or less in a sparse network
    unit = min(1.0, float(f"{mean:.0e}")) if mean > 0 else 1.0
    scale = FuncNorm((lambda y: np.log1p(y / unit), lambda z: unit * np.expm1(z)), 0, largest)
    places = style.ticks_apart(largest, lambda y: float(np.log1p(y / unit)), -4)
    called = "count" if kind is COUNT else "successes"
    over = f" / {unit:g}" if unit < 1 else ""
    return scale, places, f"{called}, on the scale of log(1 + {called}{over})"


@style.styled()
def matrix_figure(fit: xr.DataTree) -> Figure:
    """Draw the outcomes of all directed dyads beside their predicted means, in the same colours.

    Look for rows, columns and blocks that are darker on the left than on the right: cities, and
    groups of cities, that the model does not follow. Single dark cells without a counterpart are
    outcomes that it takes for chance.

    Parameters
    ----------
    fit : xarray.DataTree
        A fit.

    Returns
    -------
    matplotlib.figure.Figure
        Left: observed, right: mean of the replicated outcomes; senders by row, receivers by column,
        those with the largest observed totals first; hatched: no such directed dyad.
    """
    data, kind = matrix_data(fit), Fit(fit).name.family.outcome
    scale, ticks, shown_on = _scale(data, kind)
    directed = Fit(fit).declaration.dyads.directed
    figure = Figure(figsize=(style.WIDTH, 4.5))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    cities = [style.shortened(city) for city in data["sender"].to_numpy().tolist()]
    named = style.thinned_labels(cities, LABELS)
    for panel, name in zip(panels, ("observed", "predicted"), strict=True):
        panel.patch.set(facecolor="#dddddd", edgecolor=style.FAINT, hatch="//////", linewidth=0)
        # stretched: else the caption would lie upon the labels
        look = {"cmap": "Blues", "norm": scale, "interpolation": "nearest", "aspect": "auto"}
        shown = panel.imshow(np.ma.masked_invalid(data[name].to_numpy()), **look)
        panel.set_title(f"Observed {kind.noun}" if name == "observed" else "Predicted mean")
        panel.set_xlabel("receiver" if directed else "")
        panel.spines[:].set_visible(False)
        panel.set_xticks(list(named), list(named.values()), rotation=90, parse_math=False)
        panel.set_yticks(list(named), list(named.values()), parse_math=False)
        panel.tick_params(length=2 if len(named) < len(cities) else 0)
    panels[0].set_ylabel("sender" if directed else "")
    bar = figure.colorbar(shown, ax=panels, pad=0.01)
    bar.set_ticks(ticks, labels=[f"{tick:,g}" for tick in ticks])
    bar.set_label(shown_on)
    bar.outline.set_visible(False)
    said = (
        f"Cities in the order of what they {'send and receive' if directed else 'have'} together, "
        "the most first; hatched: no "
        "such directed dyad in the data. Predicted mean: over all draws of the replicated outcomes."
        f"{' Both are means over periods.' * (PERIOD in fit['constant_data'].coords)}"
    )
    style.write_below(figure, *style.caption(fit, said))
    return figure
