"""interlocal, sampled as `interlocal sample` does it, without what comes after."""

import time

from data.study import Study
from models.build import build
from models.inference.chains import compiled_model
from models.settings import Settings
from models.work.progress import Reporter
from peers.drawn import Drawn, counted


def draw(study: Study, model: str, how: Settings, sampler: str) -> Drawn:
    """Sample by nutpie."""
    compiled, _ = compiled_model(build(study, model), sampler)
    began = time.perf_counter()
    fit = compiled.draw(how, Reporter())
    return counted(fit, time.perf_counter() - began)
