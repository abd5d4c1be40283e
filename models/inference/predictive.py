"""Draws -> pointwise log-likelihood and replicated outcomes, in blocks of draws."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from data.roles import Part
from models.compiled.log_prob_of_draws import log_prob_of_outcomes
from models.likelihood.amounts import correlated_draw, given_other, other_direction
from models.likelihood.arrays import NUMPY
from models.likelihood.observed import Observed, trials_of
from models.name import ModelName
from models.predictor.linear import EVERY, linear_predictor

BLOCK = 2**22  # draws x dyads held at once: 32 MiB an array
REPLICATED = 2**26  # replicated counts of a fit: 512 MiB


def log_likelihood(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, rows: np.ndarray | slice = EVERY
) -> xr.DataArray:
    """Compute the natural log of each outcome's probability (chain, draw, dyad) in each draw.

    Where the residuals of the two directions correlate, an amount is taken given the other
    direction, unless this is among the rows and comes later: the sum over any rows is their joint
    log-density given all others.
    """
    observed = Observed.of(dyads)[rows]
    found = _empty(draws, dyads["dyad"].to_numpy()[rows], np.float64)
    for chain, block in _blocks(found):
        some = draws.isel(chain=chain, draw=block)
        degree, selection, scale, _ = family_arguments(some, dyads, name, rows)
        if name.has_correlated_residuals:
            degree, scale = _given_other(some, dyads, rows, degree, scale)
        found[chain, block] = log_prob_of_outcomes(name.family, observed, degree, selection, scale)
    return found


def _given_other(
    draws: xr.Dataset, dyads: xr.Dataset, rows: np.ndarray | slice, degree: Any, scale: Any
) -> tuple[Any, Any]:
    every = np.arange(dyads.sizes["dyad"])[rows]
    other = other_direction(dyads["sender"].to_numpy(), dyads["receiver"].to_numpy())[every]
    place = np.full(dyads.sizes["dyad"], -1)
    place[every] = np.arange(len(every))
    follows = (other >= 0) & (place[other] < np.arange(len(every)))
    there = np.where(other >= 0, other, every)
    expected = linear_predictor(draws, dyads, Part.DEGREE, there).to_numpy()
    residual = dyads["outcome"].to_numpy()[there] - expected
    correlation = draws[Part.DEGREE.dyadic_reciprocity].to_numpy()[:, None]
    return given_other(degree, scale, correlation, residual, follows, NUMPY)


def replicated(
    draws: xr.Dataset, dyads: xr.Dataset, name: ModelName, seed: np.random.SeedSequence
) -> xr.DataArray:
    """Draw outcomes (chain, draw, dyad) from the model, once for each draw of its parameters.

    Of more than 2^26 in all only those of every k-th draw of a chain, as few as that takes.
    """
    every = -(-draws.sizes["chain"] * draws.sizes["draw"] * dyads.sizes["dyad"] // REPLICATED)
    used = draws.isel(draw=slice(None, None, every))
    rng = np.random.default_rng(seed)
    dtype = np.int64 if name.family.outcome.is_whole else np.float64
    found = _empty(used, dyads["dyad"].to_numpy(), dtype)
    for chain, block in _blocks(found):
        some = used.isel(chain=chain, draw=block)
        found[chain, block] = drawn_outcomes(rng, some, dyads, name)
    return found


def drawn_outcomes(
    rng: np.random.Generator, draws: xr.Dataset, dyads: xr.Dataset, name: ModelName
) -> np.ndarray:
    """Draw the outcomes of a study's dyads, once for each draw of the parameters (draw, ...).

    Returns
    -------
    numpy.ndarray
        Shape (draw, dyad), int64 but for amounts.
    """
    arguments = family_arguments(draws, dyads, name)
    if name.has_correlated_residuals:
        other = other_direction(dyads["sender"].to_numpy(), dyads["receiver"].to_numpy())
        correlation = draws[Part.DEGREE.dyadic_reciprocity].to_numpy()[:, None]
        return correlated_draw(rng, arguments[0], arguments[2], correlation, other)
    return name.family.draw(rng, *arguments)


def family_arguments(
    draws: xr.Dataset,
    dyads: xr.Dataset,
    name: ModelName,
    rows: np.ndarray | slice = EVERY,
    reference: xr.Dataset | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Compute what a family's functions take, from draws (draw, ...).

    Returns
    -------
    degree, selection, scale, trials : numpy.ndarray or None
        Shapes (draw, dyad), (draw, dyad), (draw, 1) and (dyad,); None of what the family or the
        study has not.
    """
    values: dict[str, Any] = {
        part: linear_predictor(draws, dyads, part, rows, reference).to_numpy()
        for part in name.parts
    }
    scale = draws[name.family.scale].to_numpy()[:, None] if name.family.scale else None
    trials = trials_of(dyads) if name.family.outcome.has_trials else None
    some = None if trials is None else trials[rows]
    return values.get("degree"), values.get("selection"), scale, some


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
