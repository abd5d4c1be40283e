"""The regularised horseshoe of Piironen and Vehtari (2017), Electronic Journal of Statistics 11."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from data.roles import behind

TWO = np.asarray(2.0)  # an array, because PyTensor would compute with 2.0 in single precision


def regularised_horseshoe(name: str, arguments: Mapping[str, Any], size: int) -> Any:
    """Add coefficients that share one horseshoe to the model in whose context it is called.

    Parameters
    ----------
    arguments : mapping
        ``scale`` and ``global_df`` of the half-t prior of the global scale, ``local_df`` of those
        of the local ones, ``slab_scale`` and ``slab_df`` of the Student t that is left of large
        coefficients.

    Returns
    -------
    pytensor.tensor.TensorVariable
        The coefficients, shape (size,), equation 2.8: normal with variance tau^2 c^2 lambda^2 /
        (c^2 + tau^2 lambda^2).
    """
    tau = arguments["scale"] * _half_t(behind(name, "global"), arguments["global_df"], ())
    local = _half_t(behind(name, "local"), arguments["local_df"], (size,))
    half_df = arguments["slab_df"] / TWO
    slab = pm.InverseGamma(
        behind(name, "slab"), alpha=half_df, beta=half_df * arguments["slab_scale"] ** 2
    )
    standard = pm.Normal(behind(name, "standard"), shape=size)
    grown = (tau * local) ** 2
    return standard * pt.sqrt(slab * grown / (slab + grown))


def _half_t(name: str, df: np.ndarray, shape: tuple[int, ...]) -> Any:
    # A Student t is a normal over a variance that is inverse gamma (df / 2, df / 2). As two
    # variables, neither has the heavy tail that makes draws diverge (appendix C.2).
    normal = pm.HalfNormal(behind(name, "normal"), shape=shape)
    variance = pm.InverseGamma(behind(name, "variance"), alpha=df / TWO, beta=df / TWO, shape=shape)
    return normal * pt.sqrt(variance)
