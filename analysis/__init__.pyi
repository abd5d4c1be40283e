from .loading import load
from .summary import coefficients, spreads

__all__ = ["coefficients", "load", "spreads"]
