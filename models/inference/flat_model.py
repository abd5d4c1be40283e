"""A model as functions of two vectors: the sampler's coordinates, and the data that can change."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pymc as pm
import xarray as xr
from pymc.backends.arviz import coords_and_dims_for_inferencedata
from pymc.blocking import DictToArrayBijection
from pymc.pytensorf import join_nonshared_inputs, rewrite_pregrad
from pytensor import config
from pytensor import tensor as pt
from pytensor.compile.executor import Function
from pytensor.graph.replace import clone_replace, vectorize_graph

from data.roles import PARTS

# of functions that numba compiles: it reorders sums by what it compiles together, which depends on
# what a cache holds, and the same seed shall give the same draws
FIXED_ORDER = {"numba__fastmath": False}
BLOCK = 2**22  # draws x coordinates whose parameters are computed at once: 32 MiB an array


@dataclass(frozen=True)
class FlatModel:
    """A model, compiled.

    Attributes
    ----------
    density : pytensor.compile.Function
        A point (coordinate,) and data to the joint log-density () and its gradient (coordinate,).
    parameters : pytensor.compile.Function
        Points (draw, coordinate) and data to the parameters to keep, each (draw, ...).
    middle : numpy.ndarray
        The point that a search starts from, shape (coordinate,).
    """

    model: pm.Model
    names: list[str]
    data: np.ndarray
    places: dict[str, slice]
    density: Function
    parameters: Function
    middle: np.ndarray

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model."""
        data = self.data.copy()
        for name, value in values.items():
            data[self.places[name]] = np.ravel(value)
        return replace(self, data=data)

    @property
    def centering(self) -> dict[str, tuple[str, np.ndarray]]:
        """How far the effects of each city are centered, by the names of the model's data."""
        names = (role.centering for part in PARTS for role in part.all_roles)
        return {
            name: ("city", self.data[self.places[name]]) for name in names if name in self.places
        }

    def gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute the joint log-density at a point (coordinate,), and its gradient there."""
        value, gradient = self.density(point, self.data)
        return float(value), gradient

    def labelled(self, points: np.ndarray) -> xr.Dataset:
        """Give the parameters to keep at points (chain, draw, coordinate), with their labels."""
        coords, dims = coords_and_dims_for_inferencedata(self.model)
        chains, draws, _ = points.shape
        step = max(1, BLOCK // self.middle.size)
        found: dict[str, np.ndarray] = {}
        for chain in range(chains):
            for first in range(0, draws, step):
                rows = slice(first, first + step)
                block = self.parameters(points[chain, rows], self.data)
                for name, values in zip(self.names, block, strict=True):
                    if name not in found:
                        found[name] = np.empty((chains, draws, *values.shape[1:]))
                    found[name][chain, rows] = values
        made = {name: (("chain", "draw", *dims.get(name, ())), found[name]) for name in self.names}
        labels = {dim: coords[dim] for of, _ in made.values() for dim in of[2:]}
        return xr.Dataset(made, {"chain": np.arange(chains), "draw": np.arange(draws), **labels})


def flat_model(model: pm.Model, names: list[str]) -> FlatModel:
    """Compile a model."""
    values = {variable: np.asarray(variable.get_value()) for variable in model.data_vars}
    flat = np.concatenate([np.empty(0), *map(np.ravel, values.values())])
    data = pt.vector("data", shape=flat.shape)
    places, of_data, first = {}, {}, 0
    for variable, value in values.items():
        places[variable.name] = place = slice(first, first + value.size)
        of_data[variable] = data[place].reshape(value.shape).astype(value.dtype)
        first += value.size
    start = model.initial_point()
    log_density = rewrite_pregrad(model.logp())
    slopes = [slope.ravel() for slope in pt.grad(log_density, model.value_vars)]
    kept = model.replace_rvs_by_values([model[name] for name in names])
    rewritten = clone_replace([log_density, pt.concatenate(slopes), *kept], of_data)
    (value, gradient, *kept), point = join_nonshared_inputs(start, rewritten, model.value_vars)
    with model, config.change_flags(**FIXED_ORDER):
        density = pm.compile(
            [point, data], [value, gradient], mode="NUMBA", on_unused_input="ignore"
        )
    points = pt.matrix("points", shape=(None, point.type.shape[0]))
    # of all draws at once: then code that is not compiled is as fast, and nothing waits for it
    parameters = pm.compile(
        [points, data],
        vectorize_graph(kept, {point: points}),
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    return FlatModel(
        model=model,
        names=names,
        data=flat,
        places=places,
        density=density,
        parameters=parameters,
        middle=DictToArrayBijection.map(start).data,
    )
