"""The linear predictor as one operation: against NumPy, against the graph, in numba and in JAX."""

import importlib.util

import numpy as np
import pytest
from pytensor import function, grad
from pytensor import tensor as pt

from models.compiled.predictor import KnownOfDyads, predictor_of
from models.compiled.predictor_loops import runs_of
from models.effects.city import Split
from models.likelihood.amounts import by_pairs

MODES = ["NUMBA", "FAST_COMPILE", *(["JAX"] if importlib.util.find_spec("jax") else [])]
# rows of several chunks, rows that no number of streams divides, none at all of one city
SHAPES = [(3, 5, 0), (7, 42, 1), (9, 71, 2), (31, 1217, 5)]
NETWORKS = [(cities, order) for cities in (24, 40) for order in ("senders", "pairs", "gaps")]


def made_up(cities, dyads, terms):
    """Give dyads in no order, and parameters."""
    rng = np.random.default_rng([cities, dyads])
    city_of = {side: rng.integers(0, cities - 1, dyads) for side in ("sender", "receiver")}
    known = KnownOfDyads(rng.normal(size=dyads), rng.normal(size=(terms, dyads)), city_of, cities)
    parameters = rng.normal(), rng.normal(size=terms), *rng.normal(size=(2, cities))
    return known, parameters, rng.normal(size=dyads)


def network(cities, order):
    """Give a complete network, its dyads in the order of senders, of pairs, or without some."""
    rng = np.random.default_rng(cities)
    i, j = np.nonzero(~np.eye(cities, dtype=bool))
    chosen = {
        "senders": np.arange(i.size),
        "pairs": by_pairs(i, j)[0],
        "gaps": np.flatnonzero(rng.random(i.size) > 0.05),
    }[order]
    city_of = {"sender": i[chosen], "receiver": j[chosen]}
    offset, design = rng.normal(size=chosen.size), rng.normal(size=(2, chosen.size))
    known = KnownOfDyads(offset, design, city_of, cities)
    return (
        known,
        (0.3, rng.normal(size=2), *rng.normal(size=(2, cities))),
        rng.normal(size=chosen.size),
    )


def compiled(known, sides, mode, *, fused=True):
    """Compile the linear predictor and the derivatives of its weighted sum."""
    if mode == "JAX":
        import models.compiled.in_jax  # noqa: F401, PLC0415 - it registers the operation
    inputs = [
        pt.scalar(),
        *(pt.vector(shape=(n,)) for n in (len(known.design), *[known.cities] * 2)),
    ]
    weights = pt.vector()
    effects = {
        side: inputs[2 + k] for k, side in enumerate(("sender", "receiver")) if side in sides
    }
    value = predictor_of(known, *inputs[:2], effects, fused=fused)
    wanted = [*inputs[:2], *effects.values()]
    slopes = grad((value * weights).sum(), wanted, disconnected_inputs="ignore")
    return function([*inputs, weights], [value, *slopes], mode=mode, on_unused_input="ignore")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES + NETWORKS)
def test_it_is_the_sum_and_its_gradient_the_sums_by_city(shape, mode):
    is_whole = isinstance(shape[1], str)
    known, parameters, weights = network(*shape) if is_whole else made_up(*shape)
    intercept, coef, sender, receiver = parameters
    assert (len(runs_of(*known.city_of.values())) > 0) == is_whole
    i, j = known.city_of["sender"], known.city_of["receiver"]
    found = compiled(known, ("sender", "receiver"), mode)(
        intercept, coef, sender, receiver, weights
    )
    expected = (
        known.offset + intercept + coef @ known.design + sender[i] + receiver[j],
        weights.sum(),
        known.design @ weights,
        np.bincount(i, weights, known.cities),
        np.bincount(j, weights, known.cities),
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", ["senders", "pairs", "gaps"])
def test_runs_are_every_dyad_once_in_its_place(order):
    known, *_ = network(20, order)
    places, ends = [], []
    for first, length, i, j, senders_advance in runs_of(*known.city_of.values()):
        for k in range(length):
            places.append(first + k)
            ends.append((i + k * senders_advance, j + k * (not senders_advance)))
    assert places == list(range(known.offset.size))
    assert ends == list(zip(*known.city_of.values(), strict=True))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("shape", [SHAPES[1], SHAPES[3], *NETWORKS])
def test_factors_add_their_products_and_have_the_gradient_of_the_matrix(shape, rank, mode):
    is_whole = isinstance(shape[1], str)
    known, (intercept, coef, *effects), weights = network(*shape) if is_whole else made_up(*shape)
    factors = np.random.default_rng(rank).normal(size=(2, known.cities, rank))
    if mode == "JAX":
        import models.compiled.in_jax  # noqa: F401, PLC0415 - it registers the operation
    sides, weighted = [pt.matrix(shape=(known.cities, rank)) for _ in range(2)], pt.vector()
    of_city = dict(zip(known.city_of, effects, strict=True))
    value = predictor_of(known, intercept, coef, of_city, sides, fused=True)
    slopes = grad((value * weighted).sum(), sides)
    found = function([*sides, weighted], [value, *slopes], mode=mode)(*factors, weights)
    i, j = known.city_of.values()
    of_matrix = np.zeros((known.cities, known.cities))
    np.add.at(of_matrix, (i, j), weights)  # several dyads may be of the same two cities
    plain = known.offset + intercept + coef @ known.design + effects[0][i] + effects[1][j]
    expected = (
        plain + (factors[0] @ factors[1].T)[i, j],
        of_matrix @ factors[1],
        of_matrix.T @ factors[0],
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("sides", [("sender", "receiver"), ("sender",), ("receiver",)])
def test_it_is_the_graph(sides):
    known, parameters, weights = made_up(9, 71, 2)
    fused, graph = (
        compiled(known, sides, "NUMBA", fused=fused)(*parameters, weights)
        for fused in (True, False)
    )
    assert len(fused) == 3 + len(sides)
    for one, other in zip(fused, graph, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def city_columns(along):
    rng = np.random.default_rng(along)
    return np.column_stack([np.ones(11), rng.normal(1e-4, 1e-3, size=(11, along - 1))])


# the last: columns that lie on axes already, which nothing need be reflected for
@pytest.mark.parametrize("columns", [*map(city_columns, (1, 2, 4)), np.eye(11, 2)])
def test_city_space_is_split_into_orthogonal_parts(columns):
    split, along = Split(columns, {}), columns.shape[1]
    across = np.column_stack([split.across(each) for each in np.eye(11 - along)])
    basis = np.hstack([columns @ split.weights, across])
    np.testing.assert_allclose(basis.T @ basis, np.eye(11), atol=1e-12)
