"""Exponential and logarithm that a compiler can put into vector registers.

Numba calls the C library for `math.exp`, one value at a time. These are polynomials without
branches, so that LLVM computes four or eight values at once. Relative errors are below 4e-16 where
results are normal numbers (`tests/unit/test_kernel.py`).
"""

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

INLINE: dict[str, Any] = {
    "inline": "always",
    "fastmath": {"contract"},  # a b + c in one instruction; nothing else is reordered
    "error_model": "numpy",  # a division by zero is not looked for
}
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # their sum is log 2
LN2 = 0.6931471805599453
TO_INTEGER = 6755399441055744.0  # 1.5 x 2^52: adding it leaves a whole number in the last bits
LARGEST_EXPONENT = 709.0
SQRT2_LESS_1 = 0.41421356237309503


@intrinsic
def _bits_of(typing_context: Any, value: Any) -> Any:  # noqa: ARG001 - numba passes it
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def _float_of(typing_context: Any, value: Any) -> Any:  # noqa: ARG001 - numba passes it
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


@numba.njit(**INLINE)
def exp(x: float) -> float:
    """Compute the exponential; 0 below -709, exp(709) above 709, NaN of NaN.

    Parameters
    ----------
    x : float
        A number.

    Returns
    -------
    float
        e^x = 2^n e^f, where n is the whole number nearest to x / log 2 and e^f, for f within half
        of log 2, is its Taylor polynomial.
    """
    bounded = min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT)
    shifted = bounded * LOG2_E + TO_INTEGER
    n = shifted - TO_INTEGER
    f = (bounded - n * LN2_HIGH) - n * LN2_LOW
    p = 1.6059043836821613e-10  # 1 / 13!
    p = p * f + 2.08767569878681e-09
    p = p * f + 2.505210838544172e-08
    p = p * f + 2.755731922398589e-07
    p = p * f + 2.7557319223985893e-06
    p = p * f + 2.48015873015873e-05
    p = p * f + 0.0001984126984126984
    p = p * f + 0.001388888888888889
    p = p * f + 0.008333333333333333
    p = p * f + 0.041666666666666664
    p = p * f + 0.16666666666666666
    p = p * f + 0.5
    p = p * f + 1.0
    p = p * f + 1.0
    power = _float_of((_bits_of(shifted) + 1023) << 52)
    result = p * power if x >= -LARGEST_EXPONENT else 0.0
    return result if x == x else x  # noqa: PLR0124 - not a number stays so


@numba.njit(**INLINE)
def log1p_unit(z: float) -> float:
    """Compute log(1 + z) for z between 0 and 1.

    Parameters
    ----------
    z : float
        Between 0 and 1.

    Returns
    -------
    float
        2 atanh(w) for w = z / (2 + z), from the series of atanh; above sqrt(2) - 1 the same of
        (1 + z) / 2, and log 2.
    """
    large = z > SQRT2_LESS_1
    w = (z - 1.0) / (z + 3.0) if large else z / (z + 2.0)
    s = w * w
    p = 1.0 / 23.0
    p = p * s + 1.0 / 21.0
    p = p * s + 1.0 / 19.0
    p = p * s + 1.0 / 17.0
    p = p * s + 1.0 / 15.0
    p = p * s + 1.0 / 13.0
    p = p * s + 1.0 / 11.0
    p = p * s + 1.0 / 9.0
    p = p * s + 1.0 / 7.0
    p = p * s + 1.0 / 5.0
    p = p * s + 1.0 / 3.0
    p = p * s + 1.0
    twice = 2.0 * w * p
    return twice + LN2 if large else twice


@numba.njit(**INLINE)
def softplus_sigmoid(x: float) -> tuple[float, float]:
    """Compute log(1 + e^x) and its derivative, without overflow.

    Parameters
    ----------
    x : float
        A number.

    Returns
    -------
    softplus, sigmoid : float
        log(1 + e^x), and 1 / (1 + e^-x).
    """
    e = exp(-abs(x))
    sigmoid = (1.0 if x >= 0.0 else e) / (1.0 + e)
    return max(x, 0.0) + log1p_unit(e), sigmoid
