from . import figures
from .compare import compare
from .hypotheses import hypotheses
from .loading import load, load_comparison
from .marginal_effects import marginal_effects
from .predictions import predictions
from .sensitivity import sensitivity
from .summary import coefficients, shares, spreads

__all__ = [
    "coefficients",
    "compare",
    "figures",
    "hypotheses",
    "load",
    "load_comparison",
    "marginal_effects",
    "predictions",
    "sensitivity",
    "shares",
    "spreads",
]
