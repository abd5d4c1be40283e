"""The maximum of a pooled likelihood: several starts, trust-region Newton steps, the best one wins.

A zero-inflated likelihood has several local maxima and flat directions; a search from one start
is not enough. SciPy's trust-exact ends as high with the same Hessian; but most searches take 1.2 to
2.8 times as long, all of it between evaluations, and permutations search thousands of times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from data.roles import Part
from models.frequentist.likelihoods import LIKELIHOODS, Likelihood
from models.frequentist.problem import SCALE, Point, Problem, evaluate
from models.likelihood.observed import Observed

FLAT = 1e-7  # norm of the gradient at which a search ends
ROUNDING = 1e-12  # a gain, relative to the log-likelihood, that rounding may make or hide
FARTHEST = 100.0  # the longest step
SAME = 1e-5  # log-likelihoods that differ by less are of the same maximum
DISTINCT = 1e-3  # log-likelihoods that differ by more are of different ones
FLAT_ENOUGH = 1e-6  # norm of the gradient, in standardized coefficients, at a maximum
SPLIT = 2.0  # logits that the zeros' chance of being eligible differs by, a sd of a predictor
SPLIT_ROUNDS = 4
GLANCE = 4  # steps from where one predictor tells who is eligible
LOOKS = (8, 5), (10, 3)  # steps of first climbs, and how many of them are carried on
NEAR = 6.0  # log-likelihood below the best end, within which they are carried to their ends
STEEP, BELOW = 20.0, 0.05  # of a selection that is a step: its slope, and what lies below its edge
SEARCHED = 200_000  # dyads times cities, up to which fits without a city are searched anew
FAR = 30.0  # a selection intercept, or minus a log dispersion, that stands for infinity
EM_ROUNDS = 8
MOVABLE = 4.0  # a standardized coefficient from which a search can still move
INNER = 5.0  # selection coefficients that expectation and maximisation may reach


@dataclass(frozen=True)
class Optimum:
    """The best maximum that was found.

    Attributes
    ----------
    reached, starts : int
        How many searches ended there, of how many.
    maxima : tuple of Point
        The distinct maxima, the best first; ends at which the likelihood still rises are not
        among them.
    """

    point: Point
    reached: int
    starts: int
    maxima: tuple[Point, ...]


def climb(problem: Problem, start: np.ndarray, steps: int = 200) -> Point:
    """Search uphill from coefficients, shape (size,); give the point where the search ends.

    Newton steps within a trust region: Nocedal and Wright 2006, algorithm 4.1.
    """
    here, radius = evaluate(problem, start), 1.0
    for _ in range(steps):
        if not np.isfinite(here.value) or np.linalg.norm(here.gradient) < FLAT:
            break
        step, promised = _step(here, radius)
        there = evaluate(problem, here.at + step)
        gain, length = there.value - here.value, np.linalg.norm(step)
        if promised < ROUNDING * abs(here.value):  # too near for values; gradients still tell
            if not np.linalg.norm(there.gradient) < np.linalg.norm(here.gradient):
                break
            here = there
            continue
        if gain > 0.15 * promised:
            here = there
        if gain < 0.25 * promised:
            radius = length / 4
        elif gain > 0.75 * promised and length > 0.9 * radius:
            radius = min(2 * radius, FARTHEST)
    return here


def _step(here: Point, radius: float) -> tuple[np.ndarray, float]:
    """Give the best step that is no longer than the radius, and what it promises to gain.

    Where gradient g and Hessian H are those of the log-likelihood, the step s solves
    (c I - H) s = g for the smallest c >= 0 with c I - H positive definite and |s| <= radius
    (Nocedal and Wright 2006, theorem 4.1). H is small enough for its eigenvectors, in which this
    is an equation in c alone, 1 / |s(c)| = 1 / radius. Newton's method solves it from below, and
    never overshoots.
    """
    bend, directions = np.linalg.eigh(-here.hessian)
    slope = directions.T @ here.gradient
    if bend[0] <= 0:  # on a ridge, the gradient may say nothing of the direction that leads away
        slope[0] += np.copysign(1e-10 * (1 + np.abs(bend).max()), slope[0])
    # the largest c at which an element of s alone is as long as the radius, or zero
    shift = max(0.0, float((np.abs(slope) / radius - bend).max()))
    if bend[0] > 0 and np.linalg.norm(slope / bend) <= radius:
        shift = 0.0
    along = slope / (bend + shift)
    for _ in range(20):
        length = np.linalg.norm(along)
        if length < 1.1 * radius:
            break
        shift += (length / radius - 1) * length**2 / (along**2 / (bend + shift)).sum()
        along = slope / (bend + shift)
    return directions @ along, float(along @ slope - along @ (bend * along) / 2)


def _height(end: Point) -> float:
    return end.value


def best_of(ends: Sequence[Point]) -> Optimum:
    """Choose the highest of several ends; of the same height the nearest, not one at infinity."""
    best = max(end.value for end in ends)
    same = [end for end in ends if end.value >= best - SAME]
    nearest = min(same, key=lambda end: float(np.linalg.norm(end.at)))
    maxima = [nearest]
    for end in sorted(ends, key=_height, reverse=True):
        if end.value < maxima[-1].value - DISTINCT and np.linalg.norm(end.gradient) < FLAT_ENOUGH:
            maxima.append(end)
    return Optimum(nearest, len(same), len(ends), tuple(maxima))


def search_without(
    problem: Problem,
    weight: np.ndarray,
    whole: Optimum,
    near: np.ndarray,
    *,
    seed: int | None = None,
) -> tuple[Point, bool]:
    """Search again with some dyads left out: uphill, and in another maximum where that is higher.

    Parameters
    ----------
    problem : Problem
        With every dyad.
    weight : numpy.ndarray
        Shape (dyad,): 0 for those that are left out, 1 for the others.
    whole : Optimum
        What the search of every dyad found; each of its maxima is a start, the best drawn inward.
    near : numpy.ndarray
        Where to go uphill from, shape (size,).
    seed : int, optional
        Of a search anew, as if the others were all; without one there is none.

    Returns
    -------
    point : Point
        The best end; of the same height the one uphill from ``near``.
    elsewhere : bool
        Whether it is another maximum than that one.
    """
    kept = replace(problem, weight=weight)
    uphill = climb(kept, near)
    inward = drawn_inward(problem, whole.point.at)
    others = [point.at for point in whole.maxima[1:]]
    if not np.array_equal(inward, whole.point.at):
        others.append(inward)
    ends = [climb(kept, start) for start in others]
    if seed is not None:
        ends.append(find_optimum(kept, seed=seed).point)
    best = max([uphill, *ends], key=_height)
    return (best, True) if best.value > uphill.value + SAME else (uphill, False)


def drawn_inward(problem: Problem, at: np.ndarray) -> np.ndarray:
    """Move coefficients, shape (size,), away from a boundary, where a search would stay."""
    inward: np.ndarray = np.clip(at, -MOVABLE, MOVABLE)
    level = problem.blocks[problem.parts[-1]].start
    inward[level] = at[level]
    return inward


def find_optimum(
    problem: Problem,
    *,
    random_starts: int = 3,
    seed: int = 0,
    known: dict[str, Point] | None = None,
) -> Optimum:
    """Search from several starts and keep the best maximum.

    The first start is the maximum of the family without its zeros, with as many eligible dyads as
    there are excess zeros to explain. The others are some rounds of expectation and maximisation
    from there, the best intercepts alone, and points drawn around the first one. Where zeros may
    be extra ones, they are also parted by each predictor in turn, the upper ones eligible and the
    lower ones, and selection begins as a step: a predictor that rules inflation is found by that,
    and a rule of several predictors. The maxima of families that
    are limits of this one are starts too, as they are and drawn inward: it can fit no worse than
    they do.

    Parameters
    ----------
    random_starts : int
        How many points are drawn; with none, zeros are not parted either.
    known : dict of str to Point, optional
        The families that were searched on the way, each of them once.
    """
    known = {} if known is None else known
    likelihood = LIKELIHOODS[problem.family]

    def maximum(family: str) -> np.ndarray:
        if family not in known:
            other = replace(problem, family=family)
            # searched as it would be by itself, or this family could end below it
            found = find_optimum(other, random_starts=random_starts, seed=seed, known=known)
            known[family] = found.point
        return known[family].at

    if likelihood.plain:
        plain = maximum(likelihood.plain)
        first = _with_selection(problem, plain, logit(_eligible_share(problem, plain)))
    else:
        first = _moments(problem)
    rng = np.random.default_rng(seed)
    starts = [first, *(first + rng.normal(0, 0.5, (random_starts, problem.size)))]
    if likelihood.plain:
        starts.append(_intercepts(problem, first))
    if likelihood.kind == "inflated":
        starts.append(_em(problem, first))
    ends = [climb(problem, start) for start in starts]
    if likelihood.kind == "inflated" and random_starts:
        ends += _further(problem, first, best_of(ends))
    for limit in likelihood.limits:
        end = evaluate(problem, _embed(problem, limit, maximum(limit)))
        ends.append(climb(problem, drawn_inward(problem, end.at)))
        # the family is never worse than its limit; a limit that is lower leads nowhere better
        if end.value >= max(end.value for end in ends) - SAME:
            ends.append(climb(problem, end.at))
    return best_of(ends)


def _moments(problem: Problem) -> np.ndarray:
    """Coefficients of zero; intercept and scale from the mean and variance of the outcomes."""
    at = np.zeros(problem.size)
    likelihood = LIKELIHOODS[problem.family]
    if not isinstance(likelihood, Likelihood):
        observed = Observed(problem.outcome, problem.trials)
        intercept, log_scale = likelihood.start(observed, problem.weight)
        at[0] = intercept
        if SCALE in problem.blocks:
            at[-1] = log_scale
        return at
    rate = problem.outcome / np.exp(problem.offset - problem.offset.mean())
    mean = max(float(np.average(rate, weights=problem.weight)), 1e-3)
    at[problem.blocks[Part.DEGREE].start] = np.log(mean) - problem.offset.mean()
    if SCALE in problem.blocks:
        variance = float(np.average((rate - mean) ** 2, weights=problem.weight))
        at[-1] = np.log(np.clip((variance - mean) / mean**2, 0.05, 20.0))
    return at


def _with_selection(problem: Problem, plain: np.ndarray, intercept: float) -> np.ndarray:
    selection = np.zeros(problem.designs[Part.SELECTION].shape[1])
    selection[0] = intercept
    return np.concatenate([selection, plain])


def _eligible_share(problem: Problem, plain: np.ndarray) -> float:
    """The share of dyads that are eligible, were every excess zero an extra one."""
    positive = float(np.average(problem.outcome > 0, weights=problem.weight))
    log_p_zero = _log_p_zero(problem, plain)
    expected = 1 - float(np.average(np.exp(log_p_zero), weights=problem.weight))
    return float(np.clip(positive / max(expected, 1e-6), 0.1, 0.9))


def _log_p_zero(problem: Problem, plain: np.ndarray) -> np.ndarray:
    """Each dyad's log-probability of a zero where it is eligible, shape (dyad,)."""
    inner = replace(problem, family=LIKELIHOODS[problem.family].plain)
    likelihood = LIKELIHOODS[inner.family]
    if not isinstance(likelihood, Likelihood):
        raise TypeError(f"{inner.family} is no family of counts")
    with np.errstate(over="ignore"):
        return likelihood.of_zeros(*inner.predictors(plain)).value


def _intercepts(problem: Problem, first: np.ndarray) -> np.ndarray:
    """Give the maximum of the model without predictors, in this one's coefficients."""
    columns = [block.start for block in problem.blocks.values()]
    bare = {part: np.ones((problem.outcome.size, 1)) for part in problem.parts}
    at = np.zeros(problem.size)
    at[columns] = climb(replace(problem, designs=bare), first[columns]).at
    return at


def _parted(problem: Problem, plain: np.ndarray) -> Iterator[np.ndarray]:
    """Give starts from zeros that are parted by one predictor of selection, either way."""
    block, X = problem.blocks[Part.SELECTION], problem.designs[Part.SELECTION]
    inner = replace(problem, family=LIKELIHOODS[problem.family].plain)
    for column in X.T[1:]:
        for slope in (SPLIT, -SPLIT):
            eligible = np.where(problem.outcome > 0, 1.0, expit(slope * column))
            gamma = np.zeros(block.stop - block.start)
            for _ in range(SPLIT_ROUNDS):
                gamma = _logistic_step(X, problem.weight, eligible, gamma)
            weighted = replace(inner, weight=problem.weight * eligible)
            yield np.concatenate([gamma, climb(weighted, plain, steps=SPLIT_ROUNDS).at])


def _further(problem: Problem, first: np.ndarray, best: Optimum) -> list[Point]:
    """Look where one predictor rules selection, or several do; give the ends that are higher.

    The looks are short climbs, and the best of them are carried on. Where every search so far
    ended at the same maximum, not far out, and a look from each predictor finds nothing higher,
    steps are tried along few directions. Ends that are no higher are no maxima: where selection is
    a step, the likelihood is flat between its edges.
    """
    block = problem.blocks[Part.SELECTION]
    if block.stop - block.start == 1:  # no predictor, which could rule
        return []
    plain = first[block.stop :]
    known, higher = best.point.value + SAME, []
    glance = max((climb(problem, start, GLANCE) for start in _split(problem, first)), key=_height)
    if glance.value > known:
        higher.append(climb(problem, glance.at))
        known = higher[0].value + SAME
    directions = [_apart(problem, plain)]
    directions += [drawn_inward(problem, end.at) for end in (*best.maxima[:3], *higher)]
    is_far = (np.abs(best.point.at[block][1:]) > MOVABLE).any()
    if best.reached < best.starts or is_far or higher:
        directions += _parted(problem, plain)
    looks, starts = [], [_sharpened(problem, at) for at in directions]
    for steps, kept in LOOKS:
        looks = sorted((climb(problem, at, steps) for at in starts), key=_height)[-kept:]
        starts = [end.at for end in looks]
    near = [end.at for end in looks if end.value > known - NEAR]
    while near:
        end = climb(problem, near.pop())
        if end.value > known:
            higher.append(end)
            known = end.value + SAME
            near.append(_sharpened(problem, end.at))  # an edge that lies better
    return higher


def _split(problem: Problem, first: np.ndarray) -> Iterator[np.ndarray]:
    """Give starts at which one predictor tells who is eligible, either way."""
    block = problem.blocks[Part.SELECTION]
    for column in range(block.start + 1, block.stop):
        for slope in (SPLIT, -SPLIT):
            at = first.copy()
            at[block], at[column] = 0, slope
            yield at


def _apart(problem: Problem, plain: np.ndarray) -> np.ndarray:
    """Give a start whose selection tells positive counts from zeros, as a logistic regression."""
    positive = (problem.outcome > 0).astype(float)
    gamma = np.zeros(problem.designs[Part.SELECTION].shape[1])
    for _ in range(SPLIT_ROUNDS):
        gamma = _logistic_step(problem.designs[Part.SELECTION], problem.weight, positive, gamma)
    return np.concatenate([gamma, plain])


def _sharpened(problem: Problem, at: np.ndarray) -> np.ndarray:
    """Let selection be a step, in the direction it has, below which hardly a positive count lies.

    Where inflation is a rule of the predictors, the likelihood rises to infinity along some
    directions, and is flat between them.
    """
    block, design = problem.blocks[Part.SELECTION], problem.designs[Part.SELECTION]
    slopes = at[block][1:] * STEEP / max(float(np.linalg.norm(at[block][1:])), 1e-9)
    reached = design[(problem.outcome > 0) & (problem.weight > 0), 1:] @ slopes
    edge = float(np.quantile(reached, BELOW)) if reached.size else 0.0
    return np.concatenate([[SPLIT - edge], slopes, at[block.stop :]])


def _logistic_step(
    design: np.ndarray, weight: np.ndarray, share: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
    """Take a Newton step of a logistic regression, no coefficient beyond `INNER`."""
    p = expit(design @ gamma)
    ridge = 1e-6 * np.eye(design.shape[1])
    information = (design.T * (weight * p * (1 - p))) @ design + ridge
    step = np.linalg.solve(information, design.T @ (weight * (share - p)))
    inner: np.ndarray = np.clip(gamma + step, -INNER, INNER)
    return inner


def _em(problem: Problem, at: np.ndarray) -> np.ndarray:
    """Some rounds of expectation and maximisation: which zeros are extra ones?"""
    selection = problem.blocks[Part.SELECTION]
    X, positive = problem.designs[Part.SELECTION], problem.outcome > 0
    inner = replace(problem, family=LIKELIHOODS[problem.family].plain)
    for _ in range(EM_ROUNDS):
        gamma, plain = at[selection], at[selection.stop :]
        eligible = np.where(positive, 1.0, expit(X @ gamma + _log_p_zero(problem, plain)))
        plain = climb(replace(inner, weight=problem.weight * eligible), plain, steps=2).at
        at = np.concatenate([_logistic_step(X, problem.weight, eligible, gamma), plain])
    return at


def _embed(problem: Problem, limit: str, at: np.ndarray) -> np.ndarray:
    """Write the maximum of a family that is a limit of this one in this one's coefficients."""
    if limit == LIKELIHOODS[problem.family].plain:  # every dyad is eligible
        return _with_selection(problem, at, FAR)
    return np.append(at, -FAR)  # no dispersion
