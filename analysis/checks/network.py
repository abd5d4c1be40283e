"""Statistics of a directed network, observed and in what a fit's model draws.

The five of dependence are those of `gofstats` in Hoff's R package amen. With Y (sender, receiver),
its diagonal and the directed dyads without a row missing, D = 1 where Y is there, and E = Y less
its mean, 0 where Y is missing:

    sender sd              standard deviation of the senders' mean outcomes
    receiver sd            standard deviation of the receivers' mean outcomes
    dyadic dependence      correlation of Y_ij with Y_ji
    cyclic dependence      tr(E E E) / (tr(D D D) sd(Y)^3)
    transitive dependence  tr(E E' E) / (tr(D D' D) sd(Y)^3)

Standard deviations have the divisor n - 1. Of undirected dyads Y is symmetric, the sender sd is the
``degree sd``, and the first three of the others that tell of directions are not there.
"""

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from analysis.checks.replicated import DRAWS, replicated_outcomes
from analysis.posterior.summary import CI_PROB
from data.outcomes import AMOUNT, TIE
from data.roles import DYAD_PERIOD, PERIOD, sides_of
from models.inference.fit import Fit
from models.predictor.linear import city_position, period_position

BLOCK = 2**22  # draws x senders x receivers held at once: 32 MiB an array
NOT_OF = {
    TIE: ("share of zeros", "maximum"),  # of ties the mean says as much
    AMOUNT: ("share of zeros",),
}
OF_DIRECTIONS = ("receiver sd", "dyadic dependence", "cyclic dependence")
DEGREE_SD = "degree sd"  # standard deviation of the cities' mean outcomes, of undirected dyads
STATISTICS = (
    "sender sd",
    "receiver sd",
    "dyadic dependence",
    "cyclic dependence",
    "transitive dependence",
    "share of zeros",
    "mean",
    "maximum",
)


def network_statistics(outcome: xr.DataArray, dyads: xr.Dataset) -> xr.DataArray:
    """Compute the statistics of a network, or of many over the same dyads.

    Parameters
    ----------
    outcome : xarray.DataArray
        Dims (dyad,) or (draw, dyad).
    dyads : xarray.Dataset
        The dyads of a study: ``city``, and ``sender`` and ``receiver`` along ``dyad``. A directed
        dyad without a row counts as missing.

    Returns
    -------
    xarray.DataArray
        Dims (statistic,) or (draw, statistic); not a number where a statistic is not defined: a
        dependence of outcomes that are all equal, of cities none of which are partners in both
        directions, or none of which are in a triangle. Of a panel, means over the periods in which
        they are defined.
    """
    if PERIOD in dyads.coords:
        of_rows = period_position(dyads)
        periods = [
            network_statistics(outcome.isel(dyad=rows), _without_periods(dyads, rows))
            for rows in (np.flatnonzero(of_rows == place) for place in np.unique(of_rows))
        ]
        return xr.concat(periods, PERIOD).mean(PERIOD)
    single = "draw" not in outcome.dims
    values = (
        (outcome.expand_dims("draw") if single else outcome).transpose("draw", "dyad").to_numpy()
    )
    one, other = (city_position(dyads, side) for side in sides_of(dyads.coords))
    position = one, other
    if "sender" not in dyads.coords:  # of both directions, which are the same
        position = np.concatenate([one, other]), np.concatenate([other, one])
        values = np.tile(values, 2)
    cities = dyads.sizes["city"]
    size = max(1, BLOCK // cities**2)
    with threadpool_limits(1):  # products of matrices this small lose more by threads than they win
        blocks = [
            _statistics(values[first : first + size].astype(float), *position, cities)
            for first in range(0, len(values), size)
        ]
    found = xr.DataArray(
        np.concatenate(blocks), {"statistic": list(STATISTICS)}, ("draw", "statistic")
    )
    return found.isel(draw=0) if single else found


def _without_periods(dyads: xr.Dataset, rows: np.ndarray) -> xr.Dataset:
    return dyads.isel(dyad=rows).drop_vars([PERIOD, DYAD_PERIOD])


def network_check(fit: xr.DataTree, draws: int = DRAWS) -> xr.Dataset:
    """Compute the statistics of the observed network and of replicated ones.

    Returns
    -------
    xarray.Dataset
        ``observed`` (statistic) and ``predictive`` (draw, statistic), of the statistics that say
        something of such outcomes.
    """
    dyads = fit["constant_data"].to_dataset()
    observed = fit["observed_data"].to_dataset()["outcome"]
    undirected = "sender" not in dyads.coords
    left_out = NOT_OF.get(Fit(fit).name.family.outcome, ()) + OF_DIRECTIONS * undirected
    told = [name for name in STATISTICS if name not in left_out]
    found = xr.Dataset(
        {
            "observed": network_statistics(observed, dyads),
            "predictive": network_statistics(replicated_outcomes(fit, draws), dyads),
        }
    )
    found = found.sel(statistic=told)
    if undirected:
        names = [DEGREE_SD if name == "sender sd" else name for name in told]
        found = found.assign_coords(statistic=names)
    return found


def network_table(check: xr.Dataset) -> pd.DataFrame:
    """Hold the observed statistics against the replicated ones.

    Returns
    -------
    pandas.DataFrame
        A row a statistic: ``observed``; ``mean``, ``lower`` and ``upper`` (89 % equal-tailed
        interval) of the replicated networks; ``p``, the share of them at or above the observed
        one, those that equal it counted half; ``defined``, in how many of them the statistic is
        defined, which the other columns speak of. Near 0 or 1, ``p`` says that the model does not
        draw networks like the observed one in this respect.
    """
    tails = [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]
    rows = {}
    for statistic in check["statistic"].to_numpy().tolist():
        observed = float(check["observed"].sel(statistic=statistic))
        drawn = check["predictive"].sel(statistic=statistic).to_numpy()
        drawn = drawn[~np.isnan(drawn)]
        # sums in another order: the same network up to its cities' names may differ by rounding
        equal = np.isclose(drawn, observed, rtol=1e-9, atol=1e-12)
        at_or_above = np.where(equal, 0.5, drawn > observed)
        known = len(drawn) > 0
        lower, upper = np.quantile(drawn, tails) if known else (np.nan, np.nan)
        rows[statistic] = {
            "observed": observed,
            "mean": drawn.mean() if known else np.nan,
            "lower": lower,
            "upper": upper,
            "p": at_or_above.mean() if known and not np.isnan(observed) else np.nan,
            "defined": len(drawn),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("statistic")


def _statistics(
    values: np.ndarray, sender: np.ndarray, receiver: np.ndarray, cities: int
) -> np.ndarray:
    """Compute the statistics in the order of STATISTICS; values have the shape (draw, dyad)."""
    mean = values.mean(axis=1)
    there = np.zeros((cities, cities))
    there[sender, receiver] = 1
    counts = np.zeros((len(values), cities, cities))
    counts[:, sender, receiver] = values
    centered = (counts - mean[:, None, None]) * there
    with np.errstate(invalid="ignore", divide="ignore"):  # what is not defined is not a number
        cubed = values.std(axis=1, ddof=1) ** 3 if values.shape[1] > 1 else np.nan
        return np.column_stack(
            [
                _sd_of_means(counts, there),
                _sd_of_means(np.swapaxes(counts, 1, 2), there.T),
                _dyadic(counts, there),
                _cycles(centered) / (_cycles(there) * cubed),
                _transitive(centered) / (_transitive(there) * cubed),
                (values == 0).mean(axis=1),
                mean,
                values.max(axis=1),
            ]
        )


def _sd_of_means(counts: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Give the standard deviation of the rows' means, of those rows that are not empty."""
    number = there.sum(axis=1)
    means = counts.sum(axis=2)[:, number > 0] / number[number > 0]
    if means.shape[1] < 2:
        return np.full(len(means), np.nan)
    return np.asarray(means.std(axis=1, ddof=1))


def _dyadic(counts: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Correlate both directions of each pair: a pair counts twice, once either way round."""
    both = np.nonzero(there * there.T)
    if not both[0].size:
        return np.full(len(counts), np.nan)
    one, other = counts[:, both[0], both[1]], counts[:, both[1], both[0]]
    mean = one.mean(axis=1, keepdims=True)  # of either: they are the same numbers
    one, other = one - mean, other - mean
    return np.asarray((one * other).sum(axis=1) / (one**2).sum(axis=1))


def _cycles(matrix: np.ndarray) -> np.ndarray:
    """Give tr(M M M)."""
    turned = np.swapaxes(matrix, -1, -2)
    return np.asarray((matrix @ matrix * turned).sum(axis=(-2, -1)))


def _transitive(matrix: np.ndarray) -> np.ndarray:
    """Give tr(M M' M)."""
    turned = np.swapaxes(matrix, -1, -2)
    return np.asarray((matrix @ turned * turned).sum(axis=(-2, -1)))
