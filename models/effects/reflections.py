"""Householder reflections, which turn the first axes of city space into given directions."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Reflections:
    """A product of Householder reflections: I - vectors triangle vectors'.

    Its first columns are an orthonormal basis of the given columns, and the others one of what is
    across them (Schreiber and Van Loan 1989, SIAM Journal on Scientific and Statistical Computing
    10(1)).

    Attributes
    ----------
    vectors : numpy.ndarray
        Shape (city, column).
    triangle : numpy.ndarray
        Shape (column, column).
    upper : numpy.ndarray
        Shape (column, column), upper triangular: the given columns are the basis times it.
    """

    vectors: np.ndarray
    triangle: np.ndarray
    upper: np.ndarray

    @classmethod
    def onto(cls, columns: np.ndarray) -> Self:
        """Give those that turn the first axes into the span of columns, (city, column)."""
        number = columns.shape[1]
        raw, tau = np.linalg.qr(columns, mode="raw")
        vectors = np.tril(raw.T, -1) + np.eye(*columns.shape)
        triangle = np.diag(tau)
        for k in range(1, number):
            earlier = vectors[:, :k].T @ vectors[:, k]
            triangle[:k, k] = -tau[k] * triangle[:k, :k] @ earlier
        return cls(vectors, triangle, np.triu(raw.T[:number]))
