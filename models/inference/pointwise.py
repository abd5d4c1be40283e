"""The pointwise log-likelihood of a fit, read from it or, of a large one, computed again."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import xarray as xr

from models.inference.fit import Fit
from models.inference.predictive import log_likelihood

BLOCK = 2**23  # draws x dyads held at once: 64 MiB

Read = Callable[[np.ndarray], np.ndarray]  # positions of dyads to (chain, draw, dyad)


def total_log_likelihood(fit: xr.DataTree) -> xr.DataArray:
    """Add the log-likelihood of all dyads up.

    Returns
    -------
    xarray.DataArray
        Natural log; dims (chain, draw).
    """
    dyads = np.arange(fit["constant_data" if _is_large(fit) else "log_likelihood"].sizes["dyad"])
    some = np.array_split(dyads, -(-len(dyads) // _at_once(fit)))
    blocks = joint_blocks(fit, {str(k): rows for k, rows in enumerate(some)})
    return xr.concat([joint for _, joint in blocks], "unit").sum("unit")


def joint_blocks(
    fit: xr.DataTree, rows: Mapping[str, np.ndarray]
) -> Iterator[tuple[list[str], xr.DataArray]]:
    """Add the log-likelihood of each unit's dyads up, some units at a time.

    Yields
    ------
    joint : xarray.DataArray
        The natural log of the joint probability of each one's outcomes; dims (chain, draw, unit).
    """
    labels, sizes = list(rows), [len(some) for some in rows.values()]
    read = _computed(fit) if _is_large(fit) else _kept(fit, np.concatenate(list(rows.values())))
    block_of = (np.cumsum(sizes) - 1) // _at_once(fit)
    for block in np.unique(block_of):
        of = np.flatnonzero(block_of == block)
        chosen = [rows[labels[k]] for k in of]
        starts = np.cumsum([0, *(len(some) for some in chosen[:-1])])
        joint = np.add.reduceat(read(np.concatenate(chosen)), starts, axis=-1)
        yield [labels[k] for k in of], xr.DataArray(joint, dims=("chain", "draw", "unit"))


def observed_dyads(fit: xr.DataTree) -> xr.Dataset:
    """Give the dyads of a fit with their outcomes."""
    return fit["constant_data"].to_dataset().load().assign(fit["observed_data"].to_dataset())


def _is_large(fit: xr.DataTree) -> bool:
    return "log_likelihood" not in fit.children


def _at_once(fit: xr.DataTree) -> int:
    draws = fit["posterior"].to_dataset()
    return int(max(1, BLOCK // (draws.sizes["chain"] * draws.sizes["draw"])))


def _kept(fit: xr.DataTree, wanted: np.ndarray) -> Read:
    values = fit["log_likelihood"].to_dataset()["outcome"].transpose("chain", "draw", "dyad")
    if np.array_equal(wanted, np.arange(len(wanted))):  # in the file's order, block by block
        return lambda rows: values.isel(dyad=slice(rows[0], rows[-1] + 1)).to_numpy()
    whole = values.to_numpy()
    return lambda rows: whole.take(rows, axis=-1)


def _computed(fit: xr.DataTree) -> Read:
    draws = fit["posterior"].to_dataset().load()
    dyads, name = observed_dyads(fit), Fit(fit).name
    return lambda rows: log_likelihood(draws, dyads, name, rows).to_numpy()
