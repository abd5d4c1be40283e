"""How far draws of one posterior are apart, in Monte Carlo standard errors."""

import arviz as az
import numpy as np


def largest_z(one, other, compute, **how):
    """Compare a statistic, whose error `arviz.mcse` knows as told; give each variable's largest."""
    error = np.hypot(az.mcse(one, **how), az.mcse(other, **how))
    apart = (compute(one) - compute(other)) / error
    return {name: float(abs(values).max()) for name, values in apart.data_vars.items()}
