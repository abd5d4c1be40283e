"""The No-U-Turn sampler of numpyro: XLA compiles it together with the density and its gradient.

On a GPU all chains advance together; on a CPU each has a thread, which measured three times as
fast with two cores: chains that advance together wait for the longest trajectory among them.
Chains are advanced a few draws at a time, for inside XLA nothing hears of an interrupt.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any, Self

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import xarray as xr
from numpyro.infer.hmc import HMCState, hmc
from pymc.backends.arviz import coords_and_dims_for_inferencedata
from pymc.sampling.jax import get_jaxified_graph
from pytensor.graph.replace import clone_replace

import models.compiled.in_jax  # noqa: F401 - registers the likelihood
from models.inference.samplers.starts import Point, jittered, starting_points
from models.likelihood.arrays import Array
from models.settings import Settings
from models.work.progress import Reporter

BLOCK = 10  # draws from one look at progress and interrupts to the next
DEEPEST = 10  # doublings of a trajectory, as in the other samplers
Data = dict[str, np.ndarray]
Drawn = tuple[list[jax.Array], dict[str, jax.Array]]  # parameters, statistics


@dataclass(frozen=True)
class Compiled:
    """A model in JAX: `models.inference.samplers.Compiled`.

    Attributes
    ----------
    energy : callable
        The sampler's coordinates, by name, and data to minus the log density.
    loops : dict
        What XLA has compiled, by draws that tune and target acceptance.
    """

    model: pm.Model
    names: list[str]
    data: Data
    energy: Callable[[Point, Data], jax.Array]
    parameters: Callable[[Point, Data], list[jax.Array]]
    jittered: Callable[[int], Point]
    loops: dict[tuple[int, float], tuple[Any, Any]] = field(default_factory=dict)

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model."""
        new = {name: np.asarray(value, self.data[name].dtype) for name, value in values.items()}
        return replace(self, data=self.data | new)

    def draw(self, how: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw."""
        reporter.stage("compiling by XLA")
        slopes = jax.jit(jax.value_and_grad(self.energy))
        starts = starting_points(
            self.jittered, lambda point: _all_finite(slopes(point, self.data)), how
        )
        begun, advance = self._begun(starts, how)
        reporter.stage("tuning and drawing")
        parameters, stats = _draw_in_threads(
            lambda state: advance(state, self.data), begun, how, reporter
        )
        coords, dims = coords_and_dims_for_inferencedata(self.model)
        fit: xr.DataTree = az.from_dict(
            {"posterior": dict(zip(self.names, parameters, strict=True)), "sample_stats": stats},
            coords=coords,
            dims=dims,
        )
        return fit

    def _begun(self, starts: list[Point], how: Settings) -> tuple[list[Any], Any]:
        """Give the state of each chain, or of all together, and what advances it by a block."""
        together = chains_advance_together()
        keys = jax.random.split(jax.random.key(how.seed), how.chains)
        places: list[Any] = list(zip(starts, keys, strict=True))
        if together:
            places = [(jax.tree.map(lambda *each: jnp.stack(each), *starts), keys)]
        key = how.tune, how.target_accept
        if key in self.loops:
            begin, advance = self.loops[key]
            return [begin(*place, self.data) for place in places], advance
        begin, uncompiled = _loop(self.energy, self.parameters, how, together=together)
        states = [begin(*place, self.data) for place in places]
        # here, or each thread would do it
        advance = uncompiled.lower(states[0], self.data).compile()
        self.loops[key] = begin, advance
        return states, advance


def chains_advance_together() -> bool:
    """Tell whether all chains are advanced by one program."""
    return jax.default_backend() != "cpu"


def _all_finite(values: Any) -> bool:
    return all(bool(jnp.isfinite(each).all()) for each in jax.tree.leaves(values))


def _loop(
    energy: Callable[[Point, Data], jax.Array],
    parameters: Callable[[Point, Data], list[jax.Array]],
    how: Settings,
    *,
    together: bool,
) -> tuple[Any, Any]:
    """Give the functions that begin a chain and that advance it by a block, not yet compiled."""
    initial, following = hmc(potential_fn_gen=lambda data: lambda point: energy(point, data))

    def begin(point: Point, key: jax.Array, data: Data) -> HMCState:
        return initial(
            point,
            how.tune,
            target_accept_prob=how.target_accept,
            max_tree_depth=DEEPEST,
            model_args=(data,),
            rng_key=key,
        )

    def advance(state: HMCState, data: Data) -> tuple[HMCState, Drawn]:
        def one(state: HMCState, _: None) -> tuple[HMCState, tuple[Point, dict[str, jax.Array]]]:
            new = following(state, (data,))
            return new, (new.z, _stats(new))

        state, (points, stats) = jax.lax.scan(one, state, length=BLOCK)
        return state, (jax.vmap(parameters, (0, None))(points, data), stats)

    def advance_one(state: HMCState, data: Data) -> tuple[HMCState, Drawn]:
        state, drawn = advance(state, data)
        return state, jax.tree.map(lambda each: each[None], drawn)  # as if of several chains

    if together:
        return jax.jit(jax.vmap(begin, (0, 0, None))), jax.jit(jax.vmap(advance, (0, None)))
    return jax.jit(begin), jax.jit(advance_one)


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


def _draw_in_threads(
    advance: Callable[[Any], tuple[Any, Drawn]],
    states: list[Any],
    how: Settings,
    reporter: Reporter,
) -> Any:
    """Advance every state to its end; give parameters and statistics (chain, draw, ...)."""
    blocks, first = -(-(how.tune + how.draws) // BLOCK), how.tune // BLOCK
    kept = slice(how.tune - first * BLOCK, how.tune - first * BLOCK + how.draws)
    done, divergences, stop = [0] * len(states), [0] * len(states), threading.Event()

    def work(number: int) -> Any:
        state, drawn = states[number], []
        while done[number] < blocks and not stop.is_set():
            state, block = jax.block_until_ready(advance(state))  # type: ignore[no-untyped-call]
            if done[number] >= first:
                drawn.append(jax.device_get(block))
                divergences[number] += int(drawn[-1][1]["diverging"].sum())
            done[number] += 1
        return jax.tree.map(lambda *each: np.concatenate(each, axis=1)[:, kept], *drawn)

    with ThreadPoolExecutor(min(len(states), os.process_cpu_count() or 1)) as pool:
        try:
            futures = [pool.submit(work, number) for number in range(len(states))]
            while wait(futures, 0.2, FIRST_EXCEPTION).not_done:
                if any(each.done() and each.exception() for each in futures):
                    break
                note = f"{sum(divergences)} divergences" if sum(divergences) else ""
                reporter.advance(sum(done), blocks * len(states), note)
        finally:
            stop.set()
    groups = [each.result() for each in futures]
    return jax.tree.map(lambda *each: np.concatenate(each), *groups)


def compiled(model: pm.Model, names: list[str]) -> Compiled:
    """Write a model in JAX."""
    data = {each.name: each for each in model.data_vars}
    coordinates = [each.name for each in model.value_vars]
    # arguments, so that other data need no other program
    arguments = {each: each.type() for each in data.values()}

    def in_jax(outputs: list[Array]) -> Callable[[Point, Data], list[jax.Array]]:
        function = get_jaxified_graph(
            [*model.value_vars, *arguments.values()], clone_replace(outputs, arguments)
        )

        def call(point: Point, values: Data) -> list[jax.Array]:
            at = [jnp.asarray(point[name]) for name in coordinates]
            return list(function(*at, *(values[name] for name in data)))

        return call

    log_density = in_jax([model.logp()])
    return Compiled(
        model=model,
        names=names,
        data={name: each.get_value() for name, each in data.items()},
        energy=lambda point, values: -log_density(point, values)[0],
        parameters=in_jax(model.replace_rvs_by_values([model[name] for name in names])),
        jittered=jittered(model),
    )
