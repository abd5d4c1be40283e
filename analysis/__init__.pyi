from . import figures
from .comparison.compare import compare
from .fits.opening import load, load_comparison
from .hypothesis.verdicts import hypotheses
from .posterior.marginal_effects import marginal_effects
from .posterior.predictions import predictions
from .posterior.sensitivity import sensitivity
from .posterior.summary import coefficients, shares, spreads

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
