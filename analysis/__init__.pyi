from .compare import compare
from .loading import load
from .summary import coefficients, shares, spreads

__all__ = ["coefficients", "compare", "load", "shares", "spreads"]
