"""The No-U-Turn sampler of nutpie, on the gradient that numba compiles.

nutpie can compile a model by itself, and takes twice as long: it has every parameter computed by
compiled code, draw by draw, and what it compiles around the density is in no cache.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Self

import numba
import numpy as np
import nutpie
import pymc as pm
import xarray as xr
from numba import types
from nutpie.compile_pymc import CompiledPyMCModel
from pymc.blocking import DictToArrayBijection

from data.errors import ModelError
from models.effects.centering import has_city_effects
from models.inference.flat_model import FlatModel, flat_model
from models.inference.samplers.starts import ADVICE, highest, jittered
from models.settings import Settings, seed_of
from models.work.progress import Reporter

POINT = "point"
DOUBLES = types.CPointer(types.double)
# nutpie's low-rank metric: directions whose variance is ten times larger or smaller than the
# diagonal says are scaled by their own. Its default is two: then steps are so long that draws
# diverge. With its default of gamma, matrices are so near to singular that all takes ten times as
# long.
LOW_RANK = {
    "adaptation": "low_rank",
    "mass_matrix_eigval_cutoff": 10.0,
    "mass_matrix_gamma": 1e-3,
}
MANY = 256  # coordinates, above which that metric costs more than it saves; a model without city
# effects has few, and a skewed likelihood in which its long steps diverge
CLIMBS = 16  # starts of a search for modes; on trade one in twelve finds the highest
NOT_FINITE = 1  # the density or its gradient; the trajectory ends there


@dataclass(frozen=True)
class Compiled:
    """A model, compiled for nutpie: `models.inference.samplers.Compiled`.

    Attributes
    ----------
    inner : nutpie.CompiledModel
        What nutpie takes. Its one variable is the point in the sampler's coordinates.
    anew : callable
        A seed to a point to start from that knows of no other run.
    """

    flat: FlatModel
    inner: CompiledPyMCModel
    anew: Callable[[int], np.ndarray]

    @property
    def is_correlated(self) -> bool:
        """Whether the low-rank metric pays."""
        return self.flat.middle.size <= MANY and has_city_effects(self.flat.names)

    def with_data(self, **values: Any) -> Self:
        """Exchange data of the model."""
        flat = self.flat.with_data(**values)
        return replace(self, flat=flat, inner=replace(self.inner, user_data=flat.data))

    def starting_at(self, points: np.ndarray | None) -> Self:
        """Begin each chain at one of some points, or, where they are of another model, anew."""
        start = self.anew
        if points is not None and points.shape[1] == self.flat.middle.size:

            def start(seed: int) -> np.ndarray:
                chosen: np.ndarray = points[np.random.default_rng(seed).integers(len(points))]
                return chosen.copy()

        return replace(self, inner=replace(self.inner, initial_point_func=start))

    def at_the_highest(self, seed: int) -> Self:
        """Begin each chain at the highest mode that is climbed from several starts."""
        starts = [self.anew(seed_of(seed, f"climb {k}")) for k in range(CLIMBS)]
        return self.starting_at(highest(self.flat.gradient, starts)[None])

    def draw(self, settings: Settings, reporter: Reporter) -> xr.DataTree:
        """Tune and draw."""
        reporter.stage("tuning and drawing")
        sampler = nutpie.sample(
            self.inner,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=min(settings.chains, os.process_cpu_count() or 1),
            seed=settings.seed,
            target_accept=settings.target_accept,
            **(LOW_RANK if self.is_correlated else {}),
            save_warmup=False,
            progress_bar=False,
            progress_callback=_teller(reporter),
            progress_rate=200,
            blocking=False,
        )
        try:
            fit: xr.DataTree = sampler.wait()
        except RuntimeError as error:
            text = " ".join(str(error).split())
            raise ModelError(f"the sampler stopped: {text}; {ADVICE}") from None
        except BaseException:  # an interrupt too: nutpie's threads must end with us
            sampler.cancel()
            raise
        points = fit["posterior"][POINT].to_numpy()
        return xr.DataTree.from_dict(
            {
                "posterior": self.flat.labelled(points),
                "sample_stats": fit["sample_stats"].to_dataset(),
                "coordinates": xr.Dataset(
                    {"point": (("chain", "draw", "coordinate"), points)} | self.flat.centering
                ),
            }
        )


def _teller(reporter: Reporter) -> Callable[[list[Any]], None]:
    def tell(chains: list[Any]) -> None:
        done = sum(chain.finished_draws for chain in chains)
        total = sum(chain.total_draws for chain in chains)
        divergences = sum(chain.divergences for chain in chains if not chain.tuning)
        reporter.advance(done, total, f"{divergences} divergences" if divergences else "")

    return tell


def compiled(model: pm.Model, names: list[str]) -> Compiled:
    """Compile a model."""
    flat, points, lock = flat_model(model, names), jittered(model), Lock()

    def start(seed: int) -> np.ndarray:
        with lock:  # nutpie asks from a thread a chain
            return np.asarray(DictToArrayBijection.map(points(seed)).data)

    size = flat.middle.size
    inner = CompiledPyMCModel(
        dims={},
        _coords={},
        _n_dim=size,
        _shapes={POINT: (size,)},
        shape_info=([POINT], [slice(0, size)], [(size,)]),
        n_expanded=size,
        initial_point_func=start,
        compiled_logp_func=_density(flat),
        compiled_expand_func=_copied,
        user_data=flat.data,
        shared_data={},
        shared_var_keys={},
        logp_func=None,
        expand_func=None,
    )
    return Compiled(flat, inner, start)


def _density(flat: FlatModel) -> Any:
    """Compile what nutpie calls from its own threads at every step."""
    call, exchangeable = flat.density.vm.jit_fn, flat.data.size

    def density(size, point, gradient, value, data):  # type: ignore[no-untyped-def]
        at, known = numba.carray(point, (size,)), numba.carray(data, (exchangeable,), np.float64)
        try:
            log_density, slopes = call(at, known)
        except Exception:  # noqa: BLE001 - numba knows no other; it would be printed, and go on
            return NOT_FINITE
        value[0] = log_density.item()
        finite = np.isfinite(value[0])
        for k in range(slopes.size):
            gradient[k] = slopes[k]
            finite &= np.isfinite(slopes[k])
        return 0 if finite else NOT_FINITE

    return numba.cfunc(types.int64(types.uint64, DOUBLES, DOUBLES, DOUBLES, types.voidptr))(density)


@numba.cfunc(types.int64(types.uint64, types.uint64, DOUBLES, DOUBLES, types.voidptr), cache=True)
def _copied(size, kept, point, out, data):  # type: ignore[no-untyped-def]  # noqa: ARG001
    for k in range(size):
        out[k] = point[k]
    return 0
