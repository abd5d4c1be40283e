"""interlocal, sampled as `interlocal sample` does it, without what comes after."""

from data.study import Study
from models.build import build
from models.settings import Settings
from peers.drawn import Drawn
from peers.nutpie_sampling import by_nutpie


def draw(study: Study, model: str, how: Settings, sampler: str) -> Drawn:
    """Sample by nutpie."""
    return by_nutpie(build(study, model), how)
