from .loading import load
from .summary import coefficients, shares, spreads

__all__ = ["coefficients", "load", "shares", "spreads"]
