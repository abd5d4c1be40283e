"""A pooled likelihood as a function of coefficients: value, score of each dyad, Hessian.

Everything here happens in standardized coordinates: columns of mean 0 and standard deviation 1
behind a column of ones, so that one unit means the same in every direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from data.roles import Part
from models.frequentist.derivatives import (
    DEGREE,
    LOG_SCALE,
    SELECTION,
    Derivatives,
    KnownCounts,
)
from models.frequentist.likelihoods import LIKELIHOODS, Likelihood
from models.likelihood.families import FAMILIES
from models.likelihood.observed import Observed

Predictors = tuple[Any, Any, float]  # arrays, None of a part that there is not
SCALE = "scale"  # the block of the family's own parameter


@dataclass(frozen=True)
class Problem:
    """Outcomes and standardized predictors, whose likelihood is to be maximised.

    Attributes
    ----------
    outcome : numpy.ndarray
        Shape (dyad,); amounts are standardized.
    designs : mapping
        For each part of the family, shape (dyad, 1 + term), ones first.
    offset : numpy.ndarray
        Added to the linear predictor of the degree, shape (dyad,).
    weight : numpy.ndarray
        How often each dyad counts, shape (dyad,).
    trials : numpy.ndarray or None
        That the outcomes are successes of, shape (dyad,).
    unit : float
        What one of the outcome is of that which densities are given of.
    """

    family: str
    outcome: np.ndarray
    designs: Mapping[Part, np.ndarray]
    offset: np.ndarray
    weight: np.ndarray
    trials: np.ndarray | None = None
    unit: float = 1.0

    @property
    def parts(self) -> tuple[Part, ...]:
        return FAMILIES[self.family].parts

    @cached_property
    def blocks(self) -> dict[Part | str, slice]:
        """Where the coefficients of each part, and the log scale, stand in a vector."""
        blocks: dict[Part | str, slice] = {}
        end = 0
        for part in self.parts:
            begin, end = end, end + self.designs[part].shape[1]
            blocks[part] = slice(begin, end)
        if FAMILIES[self.family].scale:
            blocks[SCALE] = slice(end, end + 1)
        return blocks

    @cached_property
    def size(self) -> int:
        return len(self._moves)

    def some(self, rows: np.ndarray) -> "Problem":
        """Keep some dyads, their predictors standardized as they were."""
        return replace(
            self,
            outcome=self.outcome[rows],
            designs={part: design[rows] for part, design in self.designs.items()},
            offset=self.offset[rows],
            weight=self.weight[rows],
            trials=None if self.trials is None else self.trials[rows],
        )

    def predictors(self, at: np.ndarray) -> Predictors:
        """Compute selection and degree, (dyad,) or None without such a part, and log scale.

        The log scale is 0 where the family has none; `at` are coefficients, shape (size,).
        """
        blocks = self.blocks
        selection = degree = None
        if "selection" in blocks:
            selection = self.designs[Part.SELECTION] @ at[blocks[Part.SELECTION]]
        if "degree" in blocks:
            degree = self.designs[Part.DEGREE] @ at[blocks[Part.DEGREE]] + self.offset
        return selection, degree, float(at[-1]) if SCALE in blocks else 0.0

    def derivatives(self, at: np.ndarray) -> Derivatives:
        """Compute each dyad's log-likelihood and its derivatives at coefficients, (size,)."""
        likelihood = LIKELIHOODS[self.family]
        predictors = self.predictors(at)
        if not isinstance(likelihood, Likelihood):
            found = likelihood.derivatives(Observed(self.outcome, self.trials), *predictors)
            return replace(found, value=found.value - np.log(self.unit))
        zeros = likelihood.of_zeros(*_some(predictors, self._zeros))
        positives = likelihood.of_positives(self._counts, *_some(predictors, self._positives))
        return Derivatives(
            self._in_order(zeros.value, positives.value),
            self._in_order(zeros.first, positives.first),
            self._in_order(zeros.second, positives.second),
        )

    def scores(self, found: Derivatives) -> np.ndarray:
        """Compute the gradient of each dyad's log-likelihood, (dyad, size), weights included."""
        weighted = (found.first * self.weight).take(self._moves, axis=0)
        scores: np.ndarray = (weighted * self._columns).T
        return scores

    def hessian(self, found: Derivatives) -> np.ndarray:
        """Compute the Hessian of the log-likelihood, (size, size), weights included."""
        weighted = (found.second * self.weight).take(self._moves, axis=0)
        return np.hstack(
            [
                (weighted[:, self._moves[block.start]] * self._columns) @ self._columns[block].T
                for block in self.blocks.values()
            ]
        )

    @cached_property
    def _columns(self) -> np.ndarray:
        """What each coefficient is multiplied by in each dyad, shape (size, dyad)."""
        columns = [self.designs[part].T for part in self.parts]
        if SCALE in self.blocks:
            columns.append(np.ones((1, self.outcome.size)))
        return np.vstack(columns)

    @cached_property
    def _moves(self) -> np.ndarray:
        """What each coefficient enters: the selection, the degree or the log scale."""
        index = {"selection": SELECTION, "degree": DEGREE, SCALE: LOG_SCALE}
        names = [index[name] for name in self.blocks]
        return np.repeat(names, [block.stop - block.start for block in self.blocks.values()])

    @cached_property
    def _zeros(self) -> np.ndarray:
        return np.flatnonzero(self.outcome == 0)

    @cached_property
    def _positives(self) -> np.ndarray:
        return np.flatnonzero(self.outcome)

    @cached_property
    def _counts(self) -> KnownCounts:
        return KnownCounts(self.outcome[self._positives].astype(float))

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(np.concatenate([self._zeros, self._positives]))

    def _in_order(self, of_zeros: np.ndarray, of_positives: np.ndarray) -> np.ndarray:
        both: np.ndarray = np.concatenate([of_zeros, of_positives], axis=-1)
        return both.take(self._order, axis=-1)


def _some(predictors: Predictors, where: np.ndarray) -> Predictors:
    *of_parts, log_scale = predictors
    selection, degree = (None if part is None else part[where] for part in of_parts)
    return selection, degree, log_scale


@dataclass(frozen=True)
class Point:
    """Coefficients, and the log-likelihood there with its derivatives.

    Attributes
    ----------
    at : numpy.ndarray
        Shape (size,).
    gradient : numpy.ndarray
        Shape (size,).
    hessian : numpy.ndarray
        Shape (size, size).
    """

    at: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray


def evaluate(problem: Problem, at: np.ndarray) -> Point:
    """Compute the log-likelihood with its gradient and Hessian at coefficients, (size,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = problem.derivatives(at)
        value = float(problem.weight @ found.value)
        point = Point(at, value, problem.scores(found).sum(axis=0), problem.hessian(found))
    if np.isfinite(value) and np.isfinite(point.hessian).all():
        return point
    return replace(point, value=-np.inf)
