"""Exponential and logarithm that a compiler can put into vector registers.

Numba calls the C library for `math.exp`, one value at a time. These are polynomials without
branches, so that LLVM computes four or eight values at once. Relative errors are below 4e-16 where
results are normal numbers (`tests/models/compiled/test_log_prob.py`).
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
# Polynomials through the Chebyshev nodes of the interval, computed with 60 digits. EXP: of
# (e^f - 1 - f) / f^2 for |f| <= log(2) / 2. ATANH: of (atanh(w) / w - 1) / w^2, in s = w^2, for
# s <= 0.02945. Errors relative to e^f and atanh(w): 2e-17 and 5e-18.
EXP = (
    *(0.5000000000000001, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062),
    *(0.0013888888917213717, 0.00019841269863053618, 2.4801521295954376e-05),
    *(2.7557268459997064e-06, 2.7620088445409746e-07, 2.510038549551032e-08),
)
ATANH = (
    *(0.3333333333333335, 0.1999999999994962, 0.14285714313047945, 0.1111110555757208),
    *(0.09091445278347801, 0.0766583701508393, 0.07308518774395825),
)


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
        of log 2, is a polynomial.
    """
    result = _exp(min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT))
    result = result if x >= -LARGEST_EXPONENT else 0.0
    return result if x == x else x  # noqa: PLR0124 - not a number stays so


@numba.njit(**INLINE)
def _exp(bounded: float) -> float:
    shifted = bounded * LOG2_E + TO_INTEGER
    n = shifted - TO_INTEGER
    f = (bounded - n * LN2_HIGH) - n * LN2_LOW
    # pairs, and pairs of pairs: Horner's rule would wait for each multiplication in turn
    f2 = f * f
    f4 = f2 * f2
    low = (EXP[0] + EXP[1] * f) + (EXP[2] + EXP[3] * f) * f2
    high = (EXP[4] + EXP[5] * f) + (EXP[6] + EXP[7] * f) * f2
    last = EXP[8] + EXP[9] * f
    p = 1.0 + (f + f2 * (low + f4 * (high + f4 * last)))
    power: float = _float_of((_bits_of(shifted) + 1023) << 52)
    return p * power


@numba.njit(**INLINE)
def softplus_sigmoid(x: float) -> tuple[float, float, float, float]:
    """Compute log(1 + e^x) and its derivative, of a number and of its negative.

    Parameters
    ----------
    x : float
        A number.

    Returns
    -------
    softplus, sigmoid, softplus_of_negative, sigmoid_of_negative : float
        log(1 + e^x), 1 / (1 + e^-x), log(1 + e^-x), 1 / (1 + e^x), none of which overflows or is
        a difference of the others. With e = e^-|x| and w = e / (2 + e), log(1 + e) =
        2 atanh(w); for e above sqrt(2) - 1, w is that of (1 + e) / 2, and log 2 is added.
    """
    e = _exp(max(-abs(x), -LARGEST_EXPONENT))
    large = e > SQRT2_LESS_1
    over, under = (e - 1.0, e + 3.0) if large else (e, e + 2.0)
    above = 1.0 + e
    inverse = 1.0 / (above * under)  # one division for two
    w = over * above * inverse
    s = w * w
    s2 = s * s
    low = (ATANH[0] + ATANH[1] * s) + (ATANH[2] + ATANH[3] * s) * s2
    high = (ATANH[4] + ATANH[5] * s) + ATANH[6] * s2
    twice = 2.0 * w * (1.0 + s * (low + s2 * s2 * high))
    rest = twice + LN2 if large else twice
    likely, unlikely = under * inverse, e * under * inverse
    positive = x >= 0.0
    return (
        max(x, 0.0) + rest,
        likely if positive else unlikely,
        max(-x, 0.0) + rest,
        unlikely if positive else likely,
    )
