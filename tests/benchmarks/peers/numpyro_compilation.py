"""How much of the seconds that PyMC reports for numpyro were compilation.

JAX compiles a function when it is first called, so PyMC's clock runs meanwhile; those of the other
samplers start after it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def compile_seconds(chains: int) -> Iterator[Callable[[float], float]]:
    """Listen to JAX; give a function of the seconds of sampling to those spent on compilation."""
    import numpyro  # noqa: PLC0415 - absent where numpyro is not installed

    numpyro.set_host_device_count(chains)  # else chains would be drawn one after the other
    import jax  # noqa: PLC0415 - it reads the count above

    spans: list[tuple[float, float]] = []
    began: list[float] = []
    run = numpyro.infer.MCMC.run

    def timed_run(*arguments: Any, **named: Any) -> None:
        began.append(time.time())
        run(*arguments, **named)

    def listen(event: str, start: float, stop: float, **about: Any) -> None:
        spans.append((start, stop))

    def seconds(sampling: float) -> float:
        return covered(spans, began[0], began[0] + sampling)

    jax.monitoring.register_event_time_span_listener(listen)
    try:
        with patch.object(numpyro.infer.MCMC, "run", timed_run):
            yield seconds
    finally:
        jax.monitoring.unregister_event_time_span_listener(listen)


def covered(spans: list[tuple[float, float]], low: float, high: float) -> float:
    """Give how much of an interval is covered by spans, which may overlap."""
    total, reached = 0.0, low
    for start, stop in sorted(spans):
        begin, end = max(start, reached), min(stop, high)
        if end > begin:
            total += end - begin
            reached = end
    return total
