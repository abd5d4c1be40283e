"""The fused likelihood against the graph that it replaces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytensor import function, grad
from pytensor import tensor as pt

from models import build
from models.arrays import pytensor_arrays
from models.families import FAMILIES
from models.fast_math import exp, log1p_unit, softplus_sigmoid
from models.kernel import fused_log_prob

COUNTS = np.array([0, 0, 1, 0, 7, 40, 1000, 1001, 0, 1, 10**6, 2])


def compiled(family, log_prob, mode):
    """Compile a family's log-probability, with gradients in predictors and log dispersion."""
    degree, selection = pt.vector("degree"), pt.vector("selection")
    log_dispersion = pt.scalar("log_dispersion")
    dispersion = pt.exp(log_dispersion) if family.has_dispersion else None
    value = log_prob(degree, selection if "selection" in family.parts else None, dispersion)
    inputs = [degree]
    inputs += [selection] * ("selection" in family.parts)
    inputs += [log_dispersion] * family.has_dispersion
    # weights that differ, so that a derivative in the wrong place is seen
    weights = 1 + np.arange(len(COUNTS)) / 10
    slopes = grad((value * weights).sum(), inputs)
    return function([degree, selection, log_dispersion], [value, *slopes], mode=mode, **UNUSED)


UNUSED = {"on_unused_input": "ignore"}


@pytest.fixture(scope="module")
def both():
    """Give, for every family, the graph and the fused operation, compiled by numba."""
    xp = pytensor_arrays()
    return {
        name: (
            compiled(family, lambda *at, f=family: f.log_prob(COUNTS, *at, xp), "NUMBA"),
            compiled(family, lambda *at, f=family: fused_log_prob(f, COUNTS, *at), "NUMBA"),
        )
        for name, family in FAMILIES.items()
    }


def points():
    rng = np.random.default_rng(5)
    for _ in range(20):
        yield rng.normal(0, 3, len(COUNTS)), rng.normal(0, 3, len(COUNTS)), rng.normal(0, 1.5)


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_the_graph(both, name):
    for at in points():
        graph, fused = (each(*at) for each in both[name])
        np.testing.assert_allclose(fused[0], graph[0], rtol=1e-9)
        for one, other in zip(fused[1:], graph[1:], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 1.0, 1e4])
def test_it_is_the_graph_at_the_extremes(both, name, dispersion):
    for degree in (-700.0, -30.0, 0.0, 30.0, 700.0):
        for selection in (-700.0, -30.0, 0.0, 30.0, 700.0):
            at = (np.full(12, degree), np.full(12, selection), np.log(dispersion))
            graph, fused = (each(*at) for each in both[name])
            assert all(np.isfinite(each).all() for each in fused)
            # what is left of large terms that cancel is known to their last digit
            lost = 5e-12 + 1e-15 * COUNTS * (abs(degree) + np.log1p(COUNTS))
            assert np.all(np.abs(fused[0] - graph[0]) <= 1e-9 * np.abs(graph[0]) + lost)
            scale = 1e-8 * np.maximum(1, np.abs(graph[0]).max())
            for one, other in zip(fused[1:], graph[1:], strict=True):
                if name == "hurdle_nb" and degree == -700.0 and other.ndim == 0:
                    continue  # the graph loses P(y > 0), which is no normal number: see below
                np.testing.assert_allclose(one, other, rtol=1e-8, atol=scale)


@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 1.0, 1e4])
def test_where_every_count_would_be_zero_the_dispersion_acts_by_the_rising_product_alone(
    both, dispersion
):
    # P(y > 0) = mu: what is left is d/d log alpha of sum_{k<y} log(1 + k alpha), term by term
    at = (np.full(12, -700.0), np.zeros(12), np.log(dispersion))
    steps = [dispersion * np.arange(y) for y in COUNTS]
    rising = np.array([(each / (1 + each)).sum() for each in steps])
    expected = float((rising * (1 + np.arange(12) / 10)).sum())
    assert both["hurdle_nb"][1](*at)[3] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_outside_numba_it_is_the_same(both, name):
    family = FAMILIES[name]
    plain = compiled(family, lambda *at: fused_log_prob(family, COUNTS, *at), "FAST_COMPILE")
    at = next(points())
    for one, other in zip(plain(*at), both[name][1](*at), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


@given(
    degree=st.floats(-750, 750),
    selection=st.floats(-750, 750),
    log_dispersion=st.floats(np.log(1e-8), np.log(1e4)),
)
@settings(max_examples=300, deadline=None)
def test_it_is_never_nan(both, degree, selection, log_dispersion):
    at = (np.full(12, degree), np.full(12, selection), log_dispersion)
    for _, fused in both.values():
        assert not any(np.isnan(each).any() for each in fused(*at))


@pytest.mark.parametrize("model", ["zinb_srm", "hurdle_nb_crossed", "poisson_pooled"])
def test_a_model_has_the_same_density_either_way(guangdong, model):
    built = [build(guangdong, model, likelihood=each) for each in ("fused", "graph")]
    rng = np.random.default_rng(2)
    point = {name: value + rng.normal(0, 0.1) for name, value in built[0].initial_point().items()}
    values = [each.compile_logp()(point) for each in built]
    slopes = [each.compile_dlogp()(point) for each in built]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-12)
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-9, atol=1e-9)


def test_exponential_and_logarithm_are_those_of_numpy():
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.uniform(-708, 709, 5000), rng.normal(0, 1, 5000)])
    np.testing.assert_allclose([exp(each) for each in x], np.exp(x), rtol=4e-16)
    z = np.concatenate([rng.uniform(0, 1, 5000), 10 ** rng.uniform(-300, 0, 5000)])
    np.testing.assert_allclose([log1p_unit(each) for each in z], np.log1p(z), rtol=5e-16)
    softplus, sigmoid = np.array([softplus_sigmoid(each) for each in x[5000:]]).T
    np.testing.assert_allclose(softplus, np.logaddexp(0, x[5000:]), rtol=1e-15)
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-x[5000:])), rtol=1e-15)
