"""A part's linear predictor, and its derivatives' sums over dyads, compiled by numba.

Positions are unsigned: a signed one might count from the end, which a compiler must look for in
every row. No sum may be reordered: code that is loaded from a cache is not compiled into its
callers, fresh code may be, and the same seed shall give the same draws either way.
"""

from typing import Any

import numba
import numpy as np

from models.compiled.sources import keep_by, source_key

CHUNK = 512  # dyads: what is added up stays in the fastest cache
STREAMS = 4  # of rows that are added up side by side
COMPILED: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
Row = np.ndarray  # one value a dyad


@numba.njit(cache=True, **COMPILED)
def predict(
    intercept: float,
    coef: np.ndarray,
    sender: np.ndarray,
    receiver: np.ndarray,
    offset: Row,
    design: np.ndarray,
    sender_of: Row,
    receiver_of: Row,
    out: Row,
) -> None:
    """Compute the linear predictor of every dyad.

    Parameters
    ----------
    intercept : float
        The intercept.
    coef : numpy.ndarray
        Shape (term,).
    sender, receiver : numpy.ndarray
        Effects, shape (city,).
    offset : numpy.ndarray
        Shape (dyad,).
    design : numpy.ndarray
        Shape (term, dyad), a term's values side by side.
    sender_of, receiver_of : numpy.ndarray of uint64
        The position of each dyad's city, shape (dyad,).
    out : numpy.ndarray
        Written, shape (dyad,).
    """
    for first in range(0, out.size, CHUNK):
        last = min(first + CHUNK, out.size)
        chunk = out[first:last]
        _of_cities(
            *(intercept, sender, receiver, offset[first:last]),
            *(sender_of[first:last], receiver_of[first:last], chunk),
        )
        for term in range(coef.size):
            _add_multiple(coef[term], design[term, first:last], chunk)


@numba.njit(cache=True, **COMPILED)
def add_up(
    slopes: Row,
    design: np.ndarray,
    sender_of: Row,
    receiver_of: Row,
    coef: np.ndarray,
    sender: np.ndarray,
    receiver: np.ndarray,
) -> None:
    """Add up derivatives in the linear predictor to those in what it is made of.

    Parameters
    ----------
    slopes : numpy.ndarray
        Derivatives in each dyad's linear predictor, shape (dyad,); their sum is the derivative in
        the intercept.
    design, sender_of, receiver_of : numpy.ndarray
        As `predict` takes them.
    coef, sender, receiver : numpy.ndarray
        Written: the derivatives, shapes (term,), (city,) and (city,).
    """
    if coef.size:
        np.dot(design, slopes, coef)
    _add_by_city(slopes, sender_of, sender)
    _add_by_city(slopes, receiver_of, receiver)


@numba.njit(**COMPILED)
def _of_cities(
    intercept: float,
    sender: np.ndarray,
    receiver: np.ndarray,
    offset: Row,
    sender_of: Row,
    receiver_of: Row,
    out: Row,
) -> None:
    for d in range(out.size):
        out[d] = intercept + offset[d] + sender[sender_of[d]] + receiver[receiver_of[d]]


@numba.njit(**COMPILED)
def _add_multiple(weight: float, values: Row, out: Row) -> None:
    for d in range(out.size):
        out[d] += weight * values[d]


@numba.njit(**COMPILED)
def _add_by_city(values: Row, city_of: Row, total: np.ndarray) -> None:
    total[:] = 0.0
    # rows of one city follow each other, and each addition would wait for the one before
    length = values.size // STREAMS
    for d in range(length):
        for stream in range(STREAMS):
            row = d + stream * length
            total[city_of[row]] += values[row]
    for row in range(STREAMS * length, values.size):
        total[city_of[row]] += values[row]


keep_by(source_key(__file__), predict, add_up)
