"""The time of our gradient beside that of PyMC's own distributions, in one process and in turn."""

import time
from collections.abc import Callable

import numpy as np
import pymc as pm
from plain_models import plain_model

from data.study import Study
from models.build import build

ROUNDS = 15
LEAST = 0.1  # seconds of calls for one time


def gradient_seconds(study: Study, model: str) -> dict[str, list[float]]:
    """Give the seconds of one call, value and gradient of the joint log-density, for each round."""
    calls = {
        "ours": _gradient_call(build(study, model)),
        "pymc-nutpie": _gradient_call(plain_model(study, model)),
    }
    seconds: dict[str, list[float]] = {label: [] for label in calls}
    for _ in range(ROUNDS):
        for label, call in calls.items():
            seconds[label].append(_timed(call))
    return seconds


def _gradient_call(model: pm.Model) -> Callable[[], object]:
    function = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    function.set_extra_values({})
    start = np.concatenate([np.ravel(value) for value in model.initial_point().values()])
    point = start + np.random.default_rng(0).normal(0, 0.05, start.size)
    compiled = function._pytensor_function
    compiled(point)
    return lambda: compiled(point)


def _timed(call: Callable[[], object]) -> float:
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < LEAST:
        call()
        calls += 1
    return (time.perf_counter() - began) / calls
