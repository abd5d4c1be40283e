"""Closed-form derivatives against the families that sampling uses, and central differences."""

from dataclasses import replace

import numpy as np
import pytest
from likelihoods import FAMILIES
from scipy import stats

from models.frequentist.derivatives import KnownCounts
from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.problem import Problem, evaluate

COUNTS = np.array([0, 0, 0, 1, 1, 2, 5, 30, 1000, 1001, 5000, 10**6])
STEP = 1e-6


def at_points(family, seed, size=1.0):
    rng = np.random.default_rng(seed)
    n = COUNTS.size
    degree = rng.normal(1, 2 * size, n)
    selection = rng.normal(0, 2 * size, n) if "selection" in FAMILIES[family].parts else None
    return selection, degree, float(rng.normal(0, size))


def whole(family, selection, degree, log_dispersion):
    zero = COUNTS == 0

    def some(where):
        return None if selection is None else selection[where], degree[where]

    likelihood = LIKELIHOODS[family]
    return (
        likelihood.of_zeros(*some(zero), log_dispersion),
        likelihood.of_positives(
            KnownCounts(COUNTS[~zero].astype(float)), *some(~zero), log_dispersion
        ),
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_the_families(family, seed):
    selection, degree, t = at_points(family, seed)
    zeros, positives = whole(family, selection, degree, t)
    expected = FAMILIES[family].log_prob(COUNTS, degree, selection, np.exp(t))
    found = np.concatenate([zeros.value, positives.value])
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_negative_binomial_is_scipys():
    counts = KnownCounts(np.array([1.0, 7.0, 40.0]))
    mu, dispersion = np.array([0.3, 9.0, 25.0]), 0.7
    found = LIKELIHOODS["nb"].of_positives(counts, None, np.log(mu), np.log(dispersion))
    expected = stats.nbinom.logpmf(counts.count, 1 / dispersion, 1 / (1 + dispersion * mu))
    np.testing.assert_allclose(found.value, expected, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1.0, 3.0])
def test_derivatives_are_central_differences(family, size):
    rng = np.random.default_rng(5)
    n = COUNTS.size
    column = np.column_stack([np.ones(n), rng.normal(size=n)])
    problem = Problem(
        family, COUNTS, {"selection": column, "degree": column}, np.zeros(n), rng.uniform(1, 2, n)
    )
    at = rng.normal(0, size, problem.size)
    point = evaluate(problem, at)
    moves = STEP * np.eye(problem.size)
    up, down = ([evaluate(problem, at + sign * move) for move in moves] for sign in (1, -1))
    slope = np.array([(u.value - d.value) / (2 * STEP) for u, d in zip(up, down, strict=True)])
    bend = np.array([(u.gradient - d.gradient) / (2 * STEP) for u, d in zip(up, down, strict=True)])
    scale = abs(point.value)  # differences lose as many digits as the value has
    np.testing.assert_allclose(point.gradient, slope, rtol=1e-6, atol=1e-9 * scale)
    scale = np.abs(point.gradient).max()
    np.testing.assert_allclose(point.hessian, bend, rtol=1e-6, atol=1e-9 * scale)
    np.testing.assert_allclose(
        problem.scores(problem.derivatives(at)).sum(axis=0), point.gradient, rtol=1e-12
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("log_dispersion", [np.log(1e-8), 0.0, np.log(1e4)])
def test_extremes_are_numbers(family, log_dispersion):
    for degree in (-300.0, 0.0, 300.0):
        for selection in (-700.0, 0.0, 700.0):
            n = COUNTS.size
            logits = np.full(n, selection) if "selection" in FAMILIES[family].parts else None
            with np.errstate(over="ignore"):
                for found in whole(family, logits, np.full(n, degree), log_dispersion):
                    assert not np.isnan(found.value).any()
                    assert not np.isnan(found.first).any()
                    assert not np.isnan(found.second).any()


def test_a_weight_of_two_is_a_dyad_seen_twice():
    rng = np.random.default_rng(6)
    n = COUNTS.size
    column = np.column_stack([np.ones(n), rng.normal(size=n)])
    once = Problem("zinb", COUNTS, {"selection": column, "degree": column}, np.zeros(n), np.ones(n))
    weight = np.ones(n)
    weight[3] = 2
    twice = np.append(np.arange(n), 3)
    repeated = Problem(
        "zinb",
        COUNTS[twice],
        dict.fromkeys(once.designs, column[twice]),
        np.zeros(n + 1),
        np.ones(n + 1),
    )
    at = rng.normal(size=once.size)
    one, other = evaluate(replace(once, weight=weight), at), evaluate(repeated, at)
    assert one.value == pytest.approx(other.value, rel=1e-13)
    np.testing.assert_allclose(one.hessian, other.hessian, rtol=1e-10)
