"""The No-U-Turn sampler of numpyro: XLA compiles it together with the density and its gradient.

On a CPU each chain has a device of its own, which PyMC has XLA make of a thread; on a GPU all
chains advance together. They advance a few draws at a time: inside XLA nothing hears of an
interrupt.
"""

from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import xarray as xr
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState
from pymc.backends.arviz import coords_and_dims_for_inferencedata
from pymc.sampling.jax import get_jaxified_graph, get_jaxified_logp

import models.compiled.in_jax  # noqa: F401 - registers the likelihood
from models.inference.samplers import Uncompiled
from models.inference.samplers.starts import Point, jittered, starting_points
from models.settings import Settings
from models.work.progress import Reporter

BLOCK = 10  # draws from one look at progress and interrupts to the next
DEEPEST = 10  # doublings of a trajectory, as in the other samplers


class Compiled(Uncompiled):
    """A model for numpyro's sampler: `models.inference.samplers.Compiled`."""

    def draw(self, settings: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw."""
        reporter.stage("compiling by XLA")
        pm.set_data(self.data, model=self.model)
        coordinates, stats = self._drawn(settings, reporter)
        kept = self.model.replace_rvs_by_values([self.model[name] for name in self.names])
        parameters = jax.jit(jax.vmap(jax.vmap(get_jaxified_graph(self.model.value_vars, kept))))
        posterior = dict(zip(self.names, parameters(*coordinates), strict=True))
        coords, dims = coords_and_dims_for_inferencedata(self.model)
        groups = {"posterior": posterior, "sample_stats": stats}
        fit: xr.DataTree = az.from_dict(groups, coords=coords, dims=dims)
        return fit

    def _drawn(self, settings: Settings, reporter: Reporter) -> Any:
        """Give coordinates and statistics (chain, draw, ...)."""
        energy = get_jaxified_logp(self.model, negative_logp=False)
        slopes = jax.jit(jax.value_and_grad(energy))

        def is_finite(point: Point) -> bool:
            return all(np.isfinite(x).all() for x in jax.tree.leaves(slopes([*point.values()])))

        points = starting_points(jittered(self.model), is_finite, settings)
        kernel = NUTS(
            potential_fn=energy,
            target_accept_prob=settings.target_accept,
            max_tree_depth=DEEPEST,
        )

        def begin(key: jax.Array, *start: jax.Array) -> HMCState:
            return kernel.init(key, settings.tune, list(start), (), {})

        def advance(state: HMCState) -> tuple[HMCState, Any]:
            def one(state: HMCState, _: None) -> tuple[HMCState, Any]:
                state = kernel.sample(state, (), {})
                return state, (state.z, _stats(state))

            return jax.lax.scan(one, state, length=BLOCK)

        chains: Any = jax.pmap if jax.local_device_count() >= settings.chains else jax.vmap
        keys = jax.random.split(jax.random.PRNGKey(settings.seed), settings.chains)
        starts = map(np.stack, zip(*(point.values() for point in points), strict=True))
        state = chains(begin)(keys, *starts)
        advance_all = jax.jit(chains(advance)).lower(state).compile()
        reporter.stage("tuning and drawing")
        total, blocks = settings.tune + settings.draws, []
        for done in range(0, total, BLOCK):
            state, block = advance_all(state)
            blocks.append(jax.device_get(block))
            reporter.advance(min(done + BLOCK, total), total)
        kept = slice(settings.tune, total)
        return jax.tree.map(lambda *parts: np.concatenate(parts, axis=1)[:, kept], *blocks)


def _stats(state: HMCState) -> dict[str, jax.Array]:
    steps = state.num_steps
    return {
        "diverging": state.diverging,
        "energy": state.energy,
        "logp": -state.potential_energy,
        "n_steps": steps,
        "depth": jnp.floor(jnp.log2(steps)).astype(int) + 1,
        "maxdepth_reached": steps >= 2**DEEPEST - 1,
        "step_size": state.adapt_state.step_size,
        "mean_tree_accept": state.accept_prob,
    }


compiled = Compiled.of
