"""Models compiled one after the other, each while the one before it is sampled.

nutpie draws outside Python, so that a thread can compile meanwhile. PyTensor is not made for two
threads: whoever uses it holds `COMPILING`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import perf_counter

import pymc as pm

from data.study import Study
from models.build import build
from models.inference.background import begun
from models.inference.chains import Chains, as_many, compiled_model, draw_chains
from models.name import ModelName, named
from models.priors.prior_set import Priors
from models.settings import Settings
from models.work.progress import Reporter

COMPILING = Lock()


@dataclass(frozen=True)
class Prepared:
    """A model that is ready to be drawn from, and what it was made of."""

    study: Study
    name: ModelName
    priors: Priors
    settings: Settings
    model: pm.Model
    draw: Callable[[Reporter], Chains]
    seconds: float


def prepared(study: Study, model: str, priors: Priors, settings: Settings) -> Prepared:
    """Build a model and compile it."""
    with COMPILING:
        began = perf_counter()
        built = build(study, model, priors)
        compiled, names = compiled_model(built, settings.sampler)
        run, thin = as_many(settings, names)
        draw = partial(draw_chains, compiled, names, run, thin=thin)
        seconds = perf_counter() - began
    return Prepared(study, named(model, study), priors, settings, built, draw, seconds)


def prepared_models(
    wanted: Sequence[tuple[Study, str, Priors]], settings: Settings
) -> Iterator[Prepared]:
    """Prepare models in turn; with nutpie, the next while one is in use.

    Other samplers use PyTensor meanwhile, or start processes.
    """
    works = [partial(prepared, *model, settings) for model in wanted]
    return in_turn(works, ahead=settings.sampler == "nutpie")


def in_turn[T](works: Iterable[Callable[[], T]], *, ahead: bool) -> Iterator[T]:
    """Do one piece of work after another; ahead, the next in a thread while one is in use."""
    waiting = iter(works)
    work = next(waiting, None)
    while work is not None:
        done, following = work(), next(waiting, None)
        work = begun(following) if ahead and following is not None else following
        yield done
