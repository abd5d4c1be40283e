"""A part's linear predictor, and its derivatives' sums over dyads, compiled by numba.

In a network that is nearly complete dyads come in runs: one city stays, and the other is the next
city in each row. Along a run nothing is looked up, and rows are worked at several at once. In a
sparse network each row looks its cities up.

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
SHORT = 6  # dyads: runs that are shorter, on average, cost more than they save
COMPILED: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
Row = np.ndarray  # one value a dyad


def runs_of(sender_of: np.ndarray, receiver_of: np.ndarray) -> np.ndarray:
    """Find the runs of dyads.

    Returns
    -------
    numpy.ndarray of int
        A row a run: the first dyad, how many there are, the position of the first sender, that of
        the first receiver, whether senders advance (1) or receivers (0). Empty, shape (0, 5), where
        runs are short.
    """
    ends = np.column_stack([sender_of, receiver_of]).astype(np.int64)
    step = np.diff(ends, axis=0)
    kind = np.where((step == [0, 1]).all(axis=1), 0, np.where((step == [1, 0]).all(axis=1), 1, -1))
    found, first = [], 0
    while first < len(ends):
        of = kind[first] if first < len(kind) else -1
        last = first
        while of >= 0 and last < len(kind) and kind[last] == of:
            last += 1
        found.append((first, last + 1 - first, *ends[first], max(of, 0)))
        first = last + 1
    if len(found) * SHORT > len(ends):
        return np.zeros((0, 5), dtype=np.int64)
    return np.array(found, dtype=np.int64)


@numba.njit(cache=True, **COMPILED)
def predict(
    intercept: float,
    coef: np.ndarray,
    sender: np.ndarray,
    receiver: np.ndarray,
    senders: np.ndarray,
    receivers: np.ndarray,
    offset: Row,
    design: np.ndarray,
    sender_of: Row,
    receiver_of: Row,
    runs: np.ndarray,
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
    senders, receivers : numpy.ndarray
        Factors, shape (rank, city), whose products are added.
    offset : numpy.ndarray
        Shape (dyad,).
    design : numpy.ndarray
        Shape (term, dyad), a term's values side by side.
    sender_of, receiver_of : numpy.ndarray of uint64
        The position of each dyad's city, shape (dyad,).
    runs : numpy.ndarray of int
        As `runs_of` gives them.
    out : numpy.ndarray
        Written, shape (dyad,).
    """
    for run in range(runs.shape[0]):
        first, length, i, j, senders_advance = runs[run]
        place = slice(first, first + length)
        if senders_advance:
            _along(intercept, offset[place], sender[i : i + length], receiver[j], out[place])
        else:
            _across(intercept, offset[place], sender[i], receiver[j : j + length], out[place])
        for k in range(senders.shape[0]):
            if senders_advance:
                _add_multiple(receivers[k, j], senders[k, i : i + length], out[place])
            else:
                _add_multiple(senders[k, i], receivers[k, j : j + length], out[place])
    for first in range(0, out.size, CHUNK):
        last = min(first + CHUNK, out.size)
        chunk = out[first:last]
        if runs.shape[0] == 0:
            _of_cities(
                *(intercept, sender, receiver, offset[first:last]),
                *(sender_of[first:last], receiver_of[first:last], chunk),
            )
            for k in range(senders.shape[0]):
                _add_products(
                    *(senders[k], receivers[k], sender_of[first:last], receiver_of[first:last]),
                    chunk,
                )
        for term in range(coef.size):
            _add_multiple(coef[term], design[term, first:last], chunk)


@numba.njit(cache=True, **COMPILED)
def add_up(
    slopes: Row,
    senders: np.ndarray,
    receivers: np.ndarray,
    design: np.ndarray,
    sender_of: Row,
    receiver_of: Row,
    runs: np.ndarray,
    coef: np.ndarray,
    sender: np.ndarray,
    receiver: np.ndarray,
    of_senders: np.ndarray,
    of_receivers: np.ndarray,
) -> None:
    """Add up derivatives in the linear predictor to those in what it is made of.

    Parameters
    ----------
    slopes : numpy.ndarray
        Derivatives in each dyad's linear predictor, shape (dyad,); their sum is the derivative in
        the intercept.
    senders, receivers, design, sender_of, receiver_of, runs : numpy.ndarray
        As `predict` takes them.
    coef, sender, receiver : numpy.ndarray
        Written: the derivatives, shapes (term,), (city,) and (city,).
    of_senders, of_receivers : numpy.ndarray
        Written: the derivatives in the factors, shape (rank, city).
    """
    if coef.size:
        np.dot(design, slopes, coef)
    if runs.shape[0] == 0:
        _add_by_city(slopes, sender_of, sender)
        _add_by_city(slopes, receiver_of, receiver)
        for k in range(senders.shape[0]):
            _add_weighted(slopes, receivers[k], receiver_of, sender_of, of_senders[k])
            _add_weighted(slopes, senders[k], sender_of, receiver_of, of_receivers[k])
        return
    sender[:], receiver[:] = 0.0, 0.0
    of_senders[:], of_receivers[:] = 0.0, 0.0
    for run in range(runs.shape[0]):
        first, length, i, j, senders_advance = runs[run]
        values = slopes[first : first + length]
        if senders_advance:
            receiver[j] += _add_row(values, sender[i : i + length])
        else:
            sender[i] += _add_row(values, receiver[j : j + length])
        for k in range(senders.shape[0]):
            if senders_advance:
                _add_multiple(receivers[k, j], values, of_senders[k, i : i + length])
                of_receivers[k, j] += _dot(values, senders[k, i : i + length])
            else:
                _add_multiple(senders[k, i], values, of_receivers[k, j : j + length])
                of_senders[k, i] += _dot(values, receivers[k, j : j + length])


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
def _along(intercept: float, offset: Row, sender: Row, receiver: float, out: Row) -> None:
    for d in range(out.size):
        out[d] = intercept + offset[d] + sender[d] + receiver


@numba.njit(**COMPILED)
def _across(intercept: float, offset: Row, sender: float, receiver: Row, out: Row) -> None:
    for d in range(out.size):
        out[d] = intercept + offset[d] + sender + receiver[d]


@numba.njit(**COMPILED)
def _add_row(values: Row, total: np.ndarray) -> float:
    """Add the values of a run to their own cities; give their sum."""
    for d in range(values.size):
        total[d] += values[d]
    # several sums side by side: each addition would wait for the one before
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    length = values.size // STREAMS
    for d in range(length):
        one += values[STREAMS * d]
        two += values[STREAMS * d + 1]
        three += values[STREAMS * d + 2]
        four += values[STREAMS * d + 3]
    for d in range(STREAMS * length, values.size):
        one += values[d]
    return (one + two) + (three + four)


@numba.njit(**COMPILED)
def _add_multiple(weight: float, values: Row, out: Row) -> None:
    for d in range(out.size):
        out[d] += weight * values[d]


@numba.njit(**COMPILED)
def _add_products(
    sender: np.ndarray, receiver: np.ndarray, sender_of: Row, receiver_of: Row, out: Row
) -> None:
    for d in range(out.size):
        out[d] += sender[sender_of[d]] * receiver[receiver_of[d]]


@numba.njit(**COMPILED)
def _dot(values: Row, weights: Row) -> float:
    # several sums side by side, as in _add_row
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    length = values.size // STREAMS
    for d in range(length):
        one += values[STREAMS * d] * weights[STREAMS * d]
        two += values[STREAMS * d + 1] * weights[STREAMS * d + 1]
        three += values[STREAMS * d + 2] * weights[STREAMS * d + 2]
        four += values[STREAMS * d + 3] * weights[STREAMS * d + 3]
    for d in range(STREAMS * length, values.size):
        one += values[d] * weights[d]
    return (one + two) + (three + four)


@numba.njit(**COMPILED)
def _add_weighted(
    values: Row, weight: np.ndarray, weight_of: Row, city_of: Row, total: np.ndarray
) -> None:
    total[:] = 0.0
    for d in range(values.size):
        total[city_of[d]] += values[d] * weight[weight_of[d]]


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
