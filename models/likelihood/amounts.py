"""Amounts: the normal distribution.

In a model with dyadic reciprocity the residuals of the two directions of a pair correlate. The
density of a pair is then written as that of one direction, times that of the other given it, which
is normal too: `given_other` gives its mean and standard deviation.
"""

import numpy as np

from models.likelihood.arrays import Array, Arrays

HALF_LOG_2PI = float(np.log(2 * np.pi) / 2)


def log_density(amount: Array, degree: Array, residual_sd: Array, xp: Arrays) -> Array:
    """Give the log-density of amounts with the mean ``degree``, shape (..., dyad)."""
    return -(((amount - degree) / residual_sd) ** 2) / 2 - xp.log(residual_sd) - HALF_LOG_2PI


def given_other(
    degree: Array,
    residual_sd: Array,
    correlation: Array,
    residual: Array,
    follows: np.ndarray,
    xp: Arrays,
) -> tuple[Array, Array]:
    """Give the mean and the standard deviation of amounts, given those of the other direction.

    Parameters
    ----------
    degree : array
        Means, shape (..., dyad).
    residual_sd, correlation : array
        Shapes () or (draw, 1).
    residual : array
        Of the other direction, the amount less its mean; anything where there is none.
    follows : numpy.ndarray of bool
        Which dyads are taken given the other direction, shape (dyad,).
    """
    moved = xp.where(follows, correlation * residual, 0.0 * degree)
    kept = xp.where(follows, 1 - correlation**2 + 0.0 * degree, 1.0 + 0.0 * degree)
    return degree + moved, residual_sd * kept**0.5


def other_direction(sender: np.ndarray, receiver: np.ndarray) -> np.ndarray:
    """Give the position of each dyad's other direction, -1 where it has no row; (dyad,)."""
    place = {ends: d for d, ends in enumerate(zip(sender, receiver, strict=True))}
    backwards = zip(receiver, sender, strict=True)
    return np.array([place.get(ends, -1) for ends in backwards], dtype=np.int64)


def by_pairs(sender: np.ndarray, receiver: np.ndarray) -> tuple[np.ndarray, int]:
    """Put dyads into the order of pairs.

    Returns
    -------
    order : numpy.ndarray of int
        Positions: one direction of every pair that has both, the other directions in the same
        order, then dyads whose other direction has no row; (dyad,).
    pairs : int
        How many pairs have both directions.
    """
    other = other_direction(sender, receiver)
    first = np.flatnonzero(other > np.arange(len(other)))
    order = np.concatenate([first, other[first], np.flatnonzero(other < 0)])
    return order, len(first)


def joint_density(
    degree: Array,
    residual_sd: Array,
    correlation: Array,
    amount: Array,
    other: np.ndarray,
    kept: Array,
    xp: Arrays,
) -> Array:
    """Give the joint log-density of amounts whose residuals correlate, shape ().

    Parameters
    ----------
    other : numpy.ndarray of int
        As `other_direction` gives it.
    kept : array
        0 for a dyad that is left out, of which the other direction is taken alone, 1 for the
        others; shape (dyad,).
    """
    follows = (other >= 0) & (other < np.arange(len(other))) & (kept[other] > 0)
    residual = (amount - degree)[other]
    given = given_other(degree, residual_sd, correlation, residual, follows, xp)
    return (kept * log_density(amount, *given, xp)).sum()


def correlated_draw(
    rng: np.random.Generator,
    degree: Array,
    residual_sd: Array,
    correlation: Array,
    other: np.ndarray,
) -> np.ndarray:
    """Draw amounts whose residuals correlate between the two directions of a pair.

    Parameters
    ----------
    other : numpy.ndarray of int
        As `other_direction` gives it, of every dyad of ``degree`` (..., dyad).
    """
    standard = rng.standard_normal(np.shape(degree + 0.0 * residual_sd))
    d = np.arange(len(other))
    follows = (other >= 0) & (other < d)
    own = np.sqrt(1 - correlation**2) * standard
    value = np.where(follows, correlation * standard[..., other] + own, standard)
    return np.asarray(degree + residual_sd * value)
