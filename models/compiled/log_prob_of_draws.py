"""The compiled loops over the dyads, run over posterior draws and several points in each."""

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from models.compiled import log_prob_loops
from models.compiled.dense_of_draws import dense_log_prob_sums, dense_of_draws, is_dense
from models.compiled.log_prob_loops import (
    COMPILED,
    KINDS,
    PLAIN,
    log_prob_and_slopes,
    log_prob_of_draws,
    positive_counts,
)
from models.compiled.sources import keep_by, source_key
from models.likelihood.counts import NB, POISSON
from models.likelihood.families import Family
from models.likelihood.observed import Observed

AT_ONCE = 4096  # dyads of several points: their arrays fit into a core's cache
STEP = 1e-5  # of differences
SUMMING: dict[str, Any] = COMPILED | {"fastmath": {"contract", "reassoc"}}


def has_kernel(family: Family) -> bool:
    """Tell whether the loops know the distribution that a family is made of."""
    return family.distribution in (POISSON, NB) or is_dense(family)


def log_prob_of_outcomes(
    family: Family,
    observed: Observed,
    degree: np.ndarray | None,
    selection: np.ndarray | None,
    scale: np.ndarray | None,
) -> np.ndarray:
    """Compute what ``family.log_prob`` computes, for many draws and several times faster.

    Parameters
    ----------
    degree, selection, scale : numpy.ndarray
        As in `models.likelihood.families`: shapes (draw, dyad), the same, (draw, 1); None of what
        the family has not.

    Returns
    -------
    numpy.ndarray
        Natural logs, shape (draw, dyad).
    """
    if not has_kernel(family) or (scale is not None and scale.shape[-1] > 1):
        arguments = degree, selection, scale, observed.trials
        return np.asarray(family.log_prob(observed.outcome, *arguments))
    if is_dense(family) or degree is None:
        predictor = selection if degree is None else degree
        return dense_of_draws(family, observed, np.asarray(predictor), scale)
    draws = len(degree)
    value = np.empty(degree.shape)
    log_prob_of_draws(
        *(KINDS[family.kind], bool(family.scale), np.ascontiguousarray(degree)),
        np.empty((draws, 0)) if selection is None else np.ascontiguousarray(selection),
        np.ones(draws) if scale is None else np.ascontiguousarray(scale[:, 0]),
        *(*positive_counts(observed.outcome), value),
    )
    return value


def log_prob_sums(
    family: Family,
    observed: Observed,
    base: Mapping[str, np.ndarray],
    uses: Mapping[str, np.ndarray],
    scale: np.ndarray | None,
    effects: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Give the joint log-probability of outcomes at several points a draw, with its derivatives.

    Parameters
    ----------
    base : mapping of str to numpy.ndarray
        For each part the linear predictor without the effects, shape (draw, dyad).
    uses : mapping of str to numpy.ndarray
        For each part how each effect enters it, shape (effect, dyad), or (draw, effect, dyad) where
        draws differ.
    scale : numpy.ndarray or None
        Shape (draw,); None where the family has none.
    effects : numpy.ndarray
        The points, shape (draw, point, effect).

    Returns
    -------
    value : numpy.ndarray
        Natural log, shape (draw, point).
    gradient : numpy.ndarray
        Its derivatives in the effects, shape (draw, point, effect).
    """
    if not has_kernel(family):
        return _by_differences(family, observed, base, uses, scale, effects)
    uses = {part: use if use.ndim == 3 else use[None] for part, use in uses.items()}
    if is_dense(family):
        (part,) = family.parts
        return dense_log_prob_sums(family, observed, base[part], uses[part], scale, effects)
    count = observed.outcome
    draws, points, _ = effects.shape
    together = max(1, min(points, AT_ONCE // max(1, count.size)))
    value, gradient = np.empty((draws, points)), np.empty(effects.shape)
    none = np.empty((draws, 0)), np.empty((1, effects.shape[-1], 0))
    _sums(
        *(KINDS[family.kind], bool(family.scale)),
        *(np.ascontiguousarray(part["degree"]) for part in (base, uses)),
        *(
            np.ascontiguousarray(part.get("selection", empty))
            for part, empty in zip((base, uses), none, strict=True)
        ),
        np.ones(draws) if scale is None else np.ascontiguousarray(scale),
        np.ascontiguousarray(effects),
        together,
        *positive_counts(np.tile(count, together)),
        *(value, gradient),
    )
    return value, gradient


def _by_differences(
    family: Family,
    observed: Observed,
    base: Mapping[str, np.ndarray],
    uses: Mapping[str, np.ndarray],
    scale: np.ndarray | None,
    effects: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Do the same for outcomes that the loops do not know: slower, derivatives to 1e-8."""

    def value(at: np.ndarray) -> np.ndarray:
        predictors: dict[str, Any] = {
            part: base[part][:, None] + at @ uses[part] for part in family.parts
        }
        of_draw = None if scale is None else scale[:, None, None]
        given = predictors.get("degree"), predictors.get("selection"), of_draw
        pointwise = family.log_prob(observed.outcome, *given, observed.trials)
        return np.asarray(pointwise.sum(axis=-1))

    moves = STEP * np.eye(effects.shape[-1])
    slopes = [(value(effects + move) - value(effects - move)) / (2 * STEP) for move in moves]
    return value(effects), np.stack(slopes, axis=-1)


# all arrays are made once: workers of dask hand freed memory back to the system at once, and would
# spend half of their time asking for it again
@numba.njit(cache=True, **SUMMING)
def _sums(
    kind: int,
    has_dispersion: bool,
    degree_base: np.ndarray,
    degree_use: np.ndarray,
    selection_base: np.ndarray,
    selection_use: np.ndarray,
    dispersion: np.ndarray,
    effects: np.ndarray,
    together: int,
    at: np.ndarray,
    count: np.ndarray,
    constant: np.ndarray,
    slot: np.ndarray,
    distinct: np.ndarray,
    value: np.ndarray,
    gradient: np.ndarray,
) -> None:
    has_selection = kind != PLAIN
    draws, points, size = effects.shape
    dyads, positives = degree_base.shape[1], at.size // together
    degree, by_degree = np.empty(together * dyads), np.empty(together * dyads)
    selected = together * dyads if has_selection else 0
    selection, by_selection = np.empty(selected), np.empty(selected)
    log_prob, by_dispersion = np.empty(together * dyads), np.empty(together * dyads)
    for s in range(draws):
        degree_of_draw = degree_use[s if degree_use.shape[0] > 1 else 0]
        selection_of_draw = selection_use[s if selection_use.shape[0] > 1 else 0]
        for first in range(0, points, together):
            number = min(together, points - first)
            end, some = number * dyads, number * positives
            here = effects[s, first : first + number]
            _predict(degree_base[s], degree_of_draw, here, degree)
            chosen = 0
            if has_selection:
                _predict(selection_base[s], selection_of_draw, here, selection)
                chosen = end
            log_prob_and_slopes(
                *(kind, has_dispersion, degree[:end], selection[:chosen], dispersion[s]),
                *(at[:some], count[:some], constant[:some], slot[:some], distinct),
                *(log_prob[:end], by_degree[:end], by_selection[:chosen], by_dispersion[:end]),
            )
            for p in range(number):
                row = slice(p * dyads, (p + 1) * dyads)
                value[s, first + p] = _sum(log_prob[row])
                for k in range(size):
                    slope = _product(by_degree[row], degree_of_draw[k])
                    if has_selection:
                        slope += _product(by_selection[row], selection_of_draw[k])
                    gradient[s, first + p, k] = slope


@numba.njit(**SUMMING)
def _predict(base: np.ndarray, use: np.ndarray, effects: np.ndarray, into: np.ndarray) -> None:
    """Write the linear predictors of some points, one behind the other."""
    dyads = base.size
    for p in range(effects.shape[0]):
        row = into[p * dyads : (p + 1) * dyads]
        for d in range(dyads):
            row[d] = base[d]
        for k in range(effects.shape[1]):
            effect = effects[p, k]
            for d in range(dyads):
                row[d] += effect * use[k, d]


@numba.njit(**SUMMING)
def _sum(values: np.ndarray) -> float:
    found = 0.0
    for d in range(values.size):
        found += values[d]
    return found


@numba.njit(**SUMMING)
def _product(one: np.ndarray, other: np.ndarray) -> float:
    found = 0.0
    for d in range(one.size):
        found += one[d] * other[d]
    return found


keep_by(source_key(__file__, log_prob_loops.__file__), _sums)
