"""Draws -> pointwise log-likelihood and replicated counts, in blocks of draws."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from models.compiled.log_prob_of_draws import log_prob_of_counts
from models.name import ModelName
from models.predictor.linear import EVERY, linear_predictor

BLOCK = 2**22  # draws x dyads held at once: 32 MiB an array
REPLICATED = 2**26  # replicated counts of a fit: 512 MiB


def log_likelihood(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, rows: np.ndarray | slice = EVERY
) -> xr.DataArray:
    """Compute the natural log of each count's probability (chain, draw, dyad) in each draw."""
    count = dyads["count"].to_numpy()[rows]
    found = _empty(draws, dyads["dyad"].to_numpy()[rows], np.float64)
    for chain, block in _blocks(found):
        arguments = family_arguments(draws.isel(chain=chain, draw=block), dyads, name, rows)
        found[chain, block] = log_prob_of_counts(name.family, count, *arguments)
    return found


def replicated(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, seed: np.random.SeedSequence
) -> xr.DataArray:
    """Draw counts (chain, draw, dyad) from the model, once for each draw of its parameters.

    Of more than 2^26 counts in all only those of every k-th draw of a chain, as few as that takes.
    """
    every = -(-draws.sizes["chain"] * draws.sizes["draw"] * dyads.sizes["dyad"] // REPLICATED)
    used = draws.isel(draw=slice(None, None, every))
    rng = np.random.default_rng(seed)
    found = _empty(used, dyads["dyad"].to_numpy(), np.int64)
    for chain, block in _blocks(found):
        arguments = family_arguments(used.isel(chain=chain, draw=block), dyads, name)
        found[chain, block] = name.family.draw(rng, *arguments)
    return found


def family_arguments(
    draws: xr.Dataset,
    dyads: xr.Dataset,
    name: ModelName,
    rows: np.ndarray | slice = EVERY,
    reference: xr.Dataset | None = None,
) -> tuple[Any, Any, Any]:
    """Compute what a family's functions take, from draws (draw, ...).

    Returns
    -------
    degree, selection, dispersion : numpy.ndarray or None
        Shapes (draw, dyad), (draw, dyad) and (draw, 1); None of what the family has not.
    """
    values: dict[str, Any] = {
        part: linear_predictor(draws, dyads, part, rows, reference).to_numpy()
        for part in name.parts
    }
    dispersion = draws["dispersion"].to_numpy()[:, None] if name.family.has_dispersion else None
    return values["degree"], values.get("selection"), dispersion


def thinned(draws: xr.Dataset, number: int) -> xr.Dataset:
    """Keep some draws, evenly spaced along the chains, as one chain (draw, ...) from 0 on."""
    length = draws.sizes["draw"]
    last = draws.sizes["chain"] * length - 1
    kept = np.unique(np.linspace(0, last, number).astype(int))
    # chain by chain, so that of a file no more is read than is kept
    blocks = [
        draws.isel(chain=chain, draw=kept[kept // length == chain] % length).drop_vars(
            ["chain", "draw"], errors="ignore"
        )
        for chain in np.unique(kept // length)
    ]
    one = xr.concat(blocks, "draw", data_vars="all", coords="minimal", compat="override")
    return one.assign_coords(draw=np.arange(one.sizes["draw"])).transpose("draw", ...)


def _empty(draws: xr.Dataset, labels: np.ndarray, dtype: type) -> xr.DataArray:
    coords = {dim: draws[dim] for dim in ("chain", "draw")} | {"dyad": labels}
    sizes = [draws.sizes["chain"], draws.sizes["draw"], len(labels)]
    return xr.DataArray(np.empty(sizes, dtype), coords, ("chain", "draw", "dyad"))


def _blocks(wanted: xr.DataArray) -> Iterator[tuple[int, slice]]:
    size = max(1, BLOCK // wanted.sizes["dyad"])
    for chain in range(wanted.sizes["chain"]):
        for first in range(0, wanted.sizes["draw"], size):
            yield chain, slice(first, first + size)
