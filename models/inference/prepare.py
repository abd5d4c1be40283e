"""A model compiled while the one before it is sampled.

nutpie draws outside Python, so that a thread can compile meanwhile. PyTensor is not made for two
threads: whoever uses it holds `COMPILING`.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from time import perf_counter

import pymc as pm

from data.study import Study
from models.build import build
from models.inference.chains import Chains, compiled_model, draw_chains, kept_names
from models.inference.first_look import FirstLook, first_look
from models.inference.flat_model import flat_model
from models.priors.prior_set import Priors
from models.settings import ADVI, Settings
from models.work.progress import Reporter

COMPILING = Lock()


@dataclass(frozen=True)
class Prepared:
    """A model that is ready to be drawn from."""

    model: pm.Model
    draw: Callable[[Settings, Reporter], Chains | FirstLook]
    seconds: float


def prepared(study: Study, model: str, priors: Priors, how: Settings) -> Prepared:
    """Build a model and compile it."""
    with COMPILING:
        began = perf_counter()
        built = build(study, model, priors)
        draw: Callable[[Settings, Reporter], Chains | FirstLook]
        if how.method == ADVI:
            draw = partial(first_look, flat_model(built, kept_names(built)))
        else:
            draw = partial(draw_chains, *compiled_model(built, how.sampler))
        return Prepared(built, draw, perf_counter() - began)


def in_turn[T](works: Iterable[Callable[[], T]], *, ahead: bool) -> Iterator[T]:
    """Do one piece of work after another."""
    waiting = iter(works)
    work = next(waiting, None)
    while work is not None:
        done, following = work(), next(waiting, None)
        work = _begun(following) if ahead and following is not None else following
        yield done


def _begun[T](work: Callable[[], T]) -> Callable[[], T]:
    """Begin work in a thread, which ends with the process; give what waits for the result."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future.result
