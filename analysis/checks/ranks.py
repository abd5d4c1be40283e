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
from scipy import optimize, stats

LEVEL = 0.99  # of the envelope, over all of a calibration's parameters together


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
    share = shares(ranked)
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


def shares(ranked: int) -> np.ndarray:
    return np.arange(1, ranked + 1) / (ranked + 1)


def _bounds(replicates: int, ranked: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the lowest and the highest number whose tails have at least the level."""
    number = np.arange(replicates + 1)
    share = shares(ranked)[:, None]
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
        difference = below / len(values) - shares(ranked)
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
