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
