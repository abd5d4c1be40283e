"""The samplers: each compiles a model once, and draws from it with other settings and data.

A module of this folder a sampler, imported when it is asked for: what it needs may be missing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

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
        """Exchange data of the model; what was compiled is shared."""

    def draw(self, how: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw.

        Returns
        -------
        xarray.DataTree
            ``posterior`` with the parameters that are kept and ``sample_stats``, both (chain,
            draw). Of the latter every sampler has ``diverging``, ``energy``, ``logp``,
            ``n_steps`` (gradients), ``depth`` (doublings), ``maxdepth_reached``, ``step_size``
            and ``mean_tree_accept``.
        """


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
