"""The regularised horseshoe of Piironen and Vehtari (2017), Electronic Journal of Statistics 11."""

from collections.abc import Mapping
from typing import Any

import pymc as pm
from pytensor import tensor as pt


def regularised_horseshoe(name: str, arguments: Mapping[str, Any], size: int) -> Any:
    """Add coefficients that share one horseshoe to the model in whose context it is called.

    Parameters
    ----------
    name : str
        What the names of the sampler's own variables begin with.
    arguments : mapping
        ``scale`` and ``global_df`` of the half-t prior of the global scale, ``local_df`` of those
        of the local ones, ``slab_scale`` and ``slab_df`` of the Student t that is left of large
        coefficients.
    size : int
        How many coefficients.

    Returns
    -------
    pytensor.tensor.TensorVariable
        The coefficients, shape (size,), equation 2.8: normal with variance tau^2 c^2 lambda^2 /
        (c^2 + tau^2 lambda^2).
    """
    tau = pm.HalfStudentT(f"{name}_global", nu=arguments["global_df"], sigma=arguments["scale"])
    local = pm.HalfStudentT(f"{name}_local", nu=arguments["local_df"], sigma=1.0, shape=size)
    half_df = arguments["slab_df"] / 2
    slab = pm.InverseGamma(
        f"{name}_slab", alpha=half_df, beta=half_df * arguments["slab_scale"] ** 2
    )
    standard = pm.Normal(f"{name}_standard", 0.0, 1.0, shape=size)
    grown = (tau * local) ** 2
    return standard * pt.sqrt(slab * grown / (slab + grown))
