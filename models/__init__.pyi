from .build import build
from .priors import Priors
from .sampling import sample

__all__ = ["Priors", "build", "sample"]
