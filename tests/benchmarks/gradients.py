"""One gradient of the joint log-density, our operation beside PyMC's own distributions.

What is timed is the function that nutpie calls, compiled by numba: its value and its gradient at a
point, without what a call from Python would add to both sides.

    export PYTHONPATH=tests/helpers
    .venv/bin/python tests/benchmarks/gradients.py --cities 130 bernoulli_srm normal_srm_dyadic

times our own model in PyTensor's operations, ``build(..., likelihood="graph")``, beside the fused
one, and prints their ratio.

    .venv/bin/python tests/benchmarks/gradients.py --cities 130 --beside nb_srm nb_ame2

times another model of the same outcomes beside it instead, both fused.
"""

import argparse
import ctypes
import time
from collections.abc import Callable, Sequence

import numpy as np
import nutpie
from nutpie.compile_pymc import CompiledPyMCModel
from plain_models import plain_model

from data.study import Study
from models.build import build
from models.inference.samplers.nutpie_nuts import compiled
from models.simulation.simulate import simulate_study

ROUNDS = 15
LEAST = 0.1  # seconds of calls for one time
DOUBLES = ctypes.POINTER(ctypes.c_double)


def gradient_seconds(study: Study, model: str) -> dict[str, list[float]]:
    """Give the seconds of one call, value and gradient of the joint log-density, for each round."""
    ours = _gradient_call(compiled(build(study, model), []).inner)
    plain = _gradient_call(nutpie.compile_pymc_model(plain_model(study, model)))
    return _in_turn({"ours": ours, "pymc-nutpie": plain})


def seconds_of_graph(study: Study, model: str) -> dict[str, list[float]]:
    """Give the same of the fused model and of the one in PyTensor's own operations."""
    ways = {"fused": build(study, model), "graph": build(study, model, likelihood="graph")}
    return _in_turn({way: _gradient_call(compiled(built, []).inner) for way, built in ways.items()})


def seconds_beside(study: Study, models: Sequence[str]) -> dict[str, list[float]]:
    """Give the same of several models of one study."""
    return _in_turn(
        {name: _gradient_call(compiled(build(study, name), []).inner) for name in models}
    )


def _in_turn(calls: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
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


def main() -> None:
    """Print the ratio of each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--cities", type=int, default=130)
    parser.add_argument("--beside", help="another model, in place of the graph")
    given = parser.parse_args()
    for model in given.models:
        study, _ = simulate_study(given.cities, model, seed=1)
        if given.beside:
            found = seconds_beside(study, [given.beside, model])
        else:
            found = seconds_of_graph(study, model)
        (one, first), (other, second) = ((way, np.array(each)) for way, each in found.items())
        ratio = second / first
        print(
            f"{model}, {given.cities} cities: {one} {1e6 * np.median(first):.0f} us, "
            f"{other} {1e6 * np.median(second):.0f} us; ratio {np.median(ratio):.2f} "
            f"({ratio.min():.2f} to {ratio.max():.2f} in {len(ratio)} rounds)"
        )


if __name__ == "__main__":
    main()
