"""One gradient of the joint log-density, our operation beside PyMC's own distributions.

What is timed is the function that nutpie calls, compiled by numba: its value and its gradient at a
point, without what a call from Python would add to both sides.
"""

import ctypes
import time
from collections.abc import Callable

import numpy as np
import nutpie
from nutpie.compile_pymc import CompiledPyMCModel
from plain_models import plain_model

from data.study import Study
from models.build import build
from models.inference.samplers.nutpie_nuts import compiled

ROUNDS = 15
LEAST = 0.1  # seconds of calls for one time
DOUBLES = ctypes.POINTER(ctypes.c_double)


def gradient_seconds(study: Study, model: str) -> dict[str, list[float]]:
    """Give the seconds of one call, value and gradient of the joint log-density, for each round."""
    calls = {
        "ours": _gradient_call(compiled(build(study, model), []).inner),
        "pymc-nutpie": _gradient_call(nutpie.compile_pymc_model(plain_model(study, model))),
    }
    seconds: dict[str, list[float]] = {label: [] for label in calls}
    for _ in range(ROUNDS):
        for label, call in calls.items():
            seconds[label].append(_timed(call))
    return seconds


def _gradient_call(compiled: CompiledPyMCModel) -> Callable[[], object]:
    point = np.random.default_rng(0).normal(0, 0.05, compiled.n_dim)
    arrays = point, np.empty(point.size), np.empty(1)
    pointers = [each.ctypes.data_as(DOUBLES) for each in arrays]

    # `ctypes` makes a new function each time that it is asked for
    function, data = compiled.compiled_logp_func.ctypes, compiled.user_data.ctypes.data

    def call() -> int:
        return int(function(point.size, *pointers, data))

    if call():
        raise ValueError("the log-density or its gradient is not finite")
    return call


def _timed(call: Callable[[], object]) -> float:
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < LEAST:
        call()
        calls += 1
    return (time.perf_counter() - began) / calls
