"""Whether ranks are uniform: a table, a figure, and the envelope behind both.

For ranks 0 to L that are uniform, the number of R ranks below k has the law Binomial(R, k / (L +
1)) for each k, and all L of these numbers are held to the same pointwise level, set so that
together they stay inside with the probability asked for (Sailynoja, Buerkner and Vehtari 2022,
Statistics and Computing 32:32). That probability is computed, not simulated: the numbers have the
law of a Poisson process given its total, whose path is followed from k to k + 1.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from scipy import optimize, stats

from analysis.figures.style import FAINT, INK, MARK

LEVEL = 0.99  # of the envelope, over all of a calibration's parameters together
COLUMNS = 4


@dataclass(frozen=True)
class Envelope:
    """How far the number of ranks below k may go where ranks are uniform.

    Attributes
    ----------
    level : float
        The pointwise level: each bound has at least this tail probability.
    """

    level: float
    lower: np.ndarray
    upper: np.ndarray


@lru_cache
def envelope(replicates: int, ranked: int, coverage: float) -> Envelope:
    """Give the simultaneous envelope of one parameter's ranks."""

    def _excess(log_level: float) -> float:
        bounds = _bounds(replicates, ranked, float(np.exp(log_level)))
        return _coverage(replicates, *bounds) - coverage

    # coverage falls as the level rises, in steps: bisect to the step, then stay on its safe side
    log_level = optimize.bisect(_excess, np.log(1e-15), np.log(0.5), xtol=1e-9)
    while _excess(log_level) < 0:
        log_level -= 1e-8
    level = float(np.exp(log_level))
    return Envelope(level, *_bounds(replicates, ranked, level))


def uniformity_p_value(ranks: np.ndarray, ranked: int) -> float:
    """Test whether ranks are uniform.

    Parameters
    ----------
    ranks : numpy.ndarray
        Whole numbers from 0 to ``ranked``, shape (replicate,).

    Returns
    -------
    float
        The probability that uniform ranks go as far out, anywhere, as these do at their
        farthest, in terms of pointwise tail probability.
    """
    number = len(ranks)
    below = ranks_below(ranks, ranked)
    share = _shares(ranked)
    lower = np.asarray(stats.binom.cdf(below, number, share))
    upper = np.asarray(stats.binom.sf(below - 1, number, share))
    farthest = min(float(lower.min()), float(upper.min()))
    # strictly nearer than the farthest; tail probabilities that should be equal differ in the
    # last digits
    bounds = _bounds(number, ranked, farthest * (1 + 1e-9))
    return float(np.clip(1 - _coverage(number, *bounds), 0, 1))


def ranks_below(ranks: np.ndarray, ranked: int) -> np.ndarray:
    """Count ranks.

    Parameters
    ----------
    ranks : numpy.ndarray
        Whole numbers from 0 to ``ranked``, shape (replicate,).
    """
    return np.bincount(ranks, minlength=ranked + 1).cumsum()[:ranked]


def _shares(ranked: int) -> np.ndarray:
    return np.arange(1, ranked + 1) / (ranked + 1)


def _bounds(replicates: int, ranked: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the lowest and the highest number whose tails have at least the level."""
    number = np.arange(replicates + 1)
    share = _shares(ranked)[:, None]
    low_tail = np.asarray(stats.binom.cdf(number, replicates, share))
    high_tail = np.asarray(stats.binom.sf(number - 1, replicates, share))
    lower = (low_tail >= level).argmax(axis=1)
    upper = replicates - (high_tail >= level)[:, ::-1].argmax(axis=1)
    return lower, upper


def _coverage(replicates: int, lower: np.ndarray, upper: np.ndarray) -> float:
    """Give the probability that the numbers of ranks below k stay within bounds for every k."""
    number = np.arange(replicates + 1)
    step = stats.poisson.pmf(number, replicates / (len(lower) + 1))
    path = np.zeros(replicates + 1)
    path[0] = 1
    for low, high in zip(lower, upper, strict=True):
        path = np.convolve(path, step)[: replicates + 1]
        path[(number < low) | (number > high)] = 0
    ends_at_all = np.convolve(path, step)[replicates]
    return float(ends_at_all / stats.poisson.pmf(replicates, replicates))


def uniformity(ranks: xr.DataArray, ranked: int, level: float = LEVEL) -> pd.DataFrame:
    """Hold the ranks of every parameter against the uniform law.

    Parameters
    ----------
    ranks : xarray.DataArray
        Whole numbers from 0 to ``ranked``; dims (replicate, parameter).
    level : float
        The probability that uniform ranks of all parameters stay inside their envelopes
        (Bonferroni: each parameter's own is higher).

    Returns
    -------
    pandas.DataFrame
        A row a parameter: ``mean`` and ``sd`` of the ranks relative to those of uniform ranks
        (a mean below 1: the posterior lies too high; a sd above 1: it is too narrow),
        ``deviation`` (the largest difference of the ranks' distribution function from the uniform
        one, with its sign), ``p`` (`uniformity_p_value`), ``p_all`` (times the number of
        parameters, at most 1) and ``outside`` (whether it leaves the envelope).
    """
    rows = {}
    parameters = ranks["parameter"].to_numpy().tolist()
    own = envelope(ranks.sizes["replicate"], ranked, 1 - (1 - level) / len(parameters))
    for parameter in parameters:
        values = ranks.sel(parameter=parameter).to_numpy()
        below = ranks_below(values, ranked)
        difference = below / len(values) - _shares(ranked)
        p = uniformity_p_value(values, ranked)
        rows[parameter] = {
            "mean": values.mean() / (ranked / 2),
            "sd": np.sqrt(((values - ranked / 2) ** 2).mean() * 12 / (ranked * (ranked + 2))),
            "deviation": difference[np.abs(difference).argmax()],
            "p": p,
            "p_all": min(1.0, p * len(parameters)),
            "outside": bool(((below < own.lower) | (below > own.upper)).any()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")


def rank_figure(ranks: xr.DataArray, ranked: int, caption: str, level: float = LEVEL) -> Figure:
    """Draw how far each parameter's ranks are from uniform.

    Look for a line that leaves its envelope. A hump above zero: the truth lies below the
    posterior too often; below zero: above it. An S, first above and then below zero: posteriors
    too narrow; the other way round: too wide.

    Parameters
    ----------
    ranks : xarray.DataArray
        Whole numbers from 0 to ``ranked``; dims (replicate, parameter).
    ranked : int
        How many draws each truth is ranked among.
    caption : str
        What was calibrated.
    level : float
        As in `uniformity`.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a parameter: the ranks' distribution function less the uniform one, and the
        simultaneous envelope of all.
    """
    parameters = ranks["parameter"].to_numpy().tolist()
    number = ranks.sizes["replicate"]
    own = envelope(number, ranked, 1 - (1 - level) / len(parameters))
    rows = -(-len(parameters) // COLUMNS)
    figure = Figure(figsize=(7.0, 0.8 + 1.25 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    share = _shares(ranked)
    edges = np.concatenate([[0], share, [1]])
    low, high = (np.concatenate([[0], b / number - share, [0]]) for b in (own.lower, own.upper))
    for panel, parameter in zip(panels, parameters, strict=False):
        below = ranks_below(ranks.sel(parameter=parameter).to_numpy(), ranked)
        leaves = bool(((below < own.lower) | (below > own.upper)).any())
        panel.fill_between(edges, low, high, color=FAINT, alpha=0.25, linewidth=0)
        panel.axhline(0, color=FAINT, linewidth=0.6)
        line = np.concatenate([[0], below / number - share, [0]])
        panel.plot(edges, line, color="#d55e00" if leaves else MARK, linewidth=1.1)
        heading = f"{parameter}{' (outside)' if leaves else ''}".replace("[", "\n[")
        panel.set_title(heading, fontsize=6.5, loc="left", color=INK)
        panel.tick_params(labelsize=6.5, colors=INK)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xticks([0, 0.5, 1])
    for panel in panels[len(parameters) :]:
        panel.set_visible(False)
    for panel in panels[: len(parameters)][-COLUMNS:]:  # the lowest of each column
        panel.tick_params(labelbottom=True)
        panel.set_xlabel(f"rank / {ranked + 1}", fontsize=6.5, color=INK)
    figure.supylabel("distribution function of the ranks, less uniform", fontsize=7.5, color=INK)
    figure.supxlabel(caption, fontsize=7, color=INK, x=0.01, ha="left")
    return figure
