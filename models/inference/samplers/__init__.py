"""The samplers: each takes a model once, and draws from it with other settings and data.

A module of this folder a sampler, imported when it is asked for: what it needs may be missing.
"""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import numpy as np
import xarray as xr

from data.errors import ModelError
from models.settings import Settings
from models.work.progress import Reporter

if TYPE_CHECKING:
    import pymc as pm

# what each is made of, by the names of distributions and modules
PACKAGES = {"nutpie": ("nutpie",), "pymc": ("pymc",), "numpyro": ("numpyro", "jax")}


class Compiled(Protocol):
    """A model, compiled for a sampler."""

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model."""

    def starting_at(self, points: np.ndarray | None) -> Self:
        """Begin each chain at one of some points in the sampler's coordinates, or anew.

        Parameters
        ----------
        points : numpy.ndarray or None
            Shape (start, coordinate), as ``coordinates`` of an earlier run has them.
        """

    def at_the_highest(self, seed: int) -> Self:
        """Begin each chain at the highest mode that is climbed from several starts.

        Only nutpie's does; others begin anew.
        """

    def draw(self, settings: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw.

        Returns
        -------
        xarray.DataTree
            ``posterior`` with the parameters that are kept and ``sample_stats``, both (chain,
            draw). Of the latter every sampler has ``diverging``, ``energy``, ``logp``,
            ``n_steps`` (gradients), ``depth`` (doublings), ``maxdepth_reached``, ``step_size``
            and ``mean_tree_accept``. nutpie tells of its own ``coordinates`` too: ``point``
            (chain, draw, coordinate) and how far each city's effects are centered.
        """


@dataclass(frozen=True)
class Uncompiled:
    """A model that a sampler compiles in every run, and the data of the next one."""

    model: "pm.Model"
    names: list[str]
    data: dict[str, Any]

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model."""
        return replace(self, data=self.data | values)

    def starting_at(self, points: np.ndarray | None) -> Self:  # noqa: ARG002 - of the protocol
        """Begin anew: no such run has told of its coordinates."""
        return self

    def at_the_highest(self, seed: int) -> Self:  # noqa: ARG002 - of the protocol
        """Begin anew."""
        return self

    @classmethod
    def of(cls, model: "pm.Model", names: list[str]) -> Self:
        """Take a model as it is."""
        return cls(model, names, {data.name: data.get_value() for data in model.data_vars})


def compiled_for(sampler: str, model: "pm.Model", names: list[str]) -> Compiled:
    """Compile a model."""
    try:
        module = import_module(f"models.inference.samplers.{sampler}_nuts")
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES[sampler]:
            raise
        raise ModelError(
            f"sampler '{sampler}' needs {error.name}, which is not installed; "
            f"pip install 'interlocal[{sampler}]' installs it"
        ) from None
    return cast("Compiled", module.compiled(model, names))
