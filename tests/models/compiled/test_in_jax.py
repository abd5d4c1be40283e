"""The likelihood in JAX against the one that numba compiles, and against the graph."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likelihoods import COUNTS, FAMILIES, agrees_to_last_digits, compiled, points
from pytensor import tensor as pt
from pytensor.graph.fg import FunctionGraph

from models import build
from models.compiled.log_prob import fused_log_prob
from models.likelihood.arrays import pytensor_arrays

pytestmark = pytest.mark.slow

jax = pytest.importorskip("jax", reason="JAX is an optional dependency")
dispatch = pytest.importorskip("pytensor.link.jax.dispatch")
pymc_jax = pytest.importorskip("pymc.sampling.jax")
kernel_jax = pytest.importorskip("models.compiled.in_jax")


def differentiated_by_jax(family):
    """Do what `likelihoods.compiled` does, but let JAX differentiate, as numpyro does."""
    degree, selection, dispersion = pt.vector(), pt.vector(), pt.scalar()
    has_selection = "selection" in family.parts
    value = fused_log_prob(
        family,
        COUNTS,
        degree,
        selection if has_selection else None,
        dispersion if family.scale else None,
    )
    graph = FunctionGraph([degree, selection, dispersion], [value], clone=True)
    log_prob = dispatch.jax_funcify(graph)
    weights = 1 + np.arange(len(COUNTS)) / 10

    @jax.jit
    def call(degree, selection, log_dispersion):
        def weighted(*at):
            value = log_prob(*at[:2], jax.numpy.exp(at[2]))[0]
            return (value * weights).sum(), value

        at = (degree, selection, log_dispersion)
        (_, value), slopes = jax.value_and_grad(weighted, (0, 1, 2), has_aux=True)(*at)
        wanted = (True, has_selection, family.scale)
        return value, *(each for each, is_wanted in zip(slopes, wanted, strict=True) if is_wanted)

    return lambda *at: [np.asarray(each) for each in call(*at)]


@pytest.fixture(scope="module")
def ways():
    """Give, for every family: the graph, numba, JAX with PyTensor's gradient and with its own."""
    xp = pytensor_arrays()
    return {
        name: (
            compiled(family, lambda *at, f=family: f.log_prob(COUNTS, *at, xp=xp), "NUMBA"),
            compiled(family, lambda *at, f=family: fused_log_prob(f, COUNTS, *at), "NUMBA"),
            compiled(family, lambda *at, f=family: fused_log_prob(f, COUNTS, *at), "JAX"),
            differentiated_by_jax(family),
        )
        for name, family in FAMILIES.items()
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_the_graph_and_numbas(ways, name):
    for at in points():
        graph, numba, *in_jax = (each(*at) for each in ways[name])
        for found in in_jax:
            assert found[0].dtype == np.float64
            np.testing.assert_allclose(found[0], graph[0], rtol=1e-9)
            for slope, of_graph, of_numba in zip(found[1:], graph[1:], numba[1:], strict=True):
                np.testing.assert_allclose(slope, of_graph, rtol=1e-8, atol=1e-8)
                np.testing.assert_allclose(slope, of_numba, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 1.0, 1e4])
def test_it_is_numbas_at_the_extremes(ways, name, dispersion):
    for degree in (-700.0, -30.0, 0.0, 30.0, 700.0):
        for selection in (-700.0, -30.0, 0.0, 30.0, 700.0):
            at = (np.full(12, degree), np.full(12, selection), np.log(dispersion))
            _, numba, *in_jax = (each(*at) for each in ways[name])
            for found in in_jax:
                assert all(np.isfinite(each).all() for each in found)
                assert agrees_to_last_digits(found[0], numba[0], degree)
                scale = 1e-8 * np.maximum(1, np.abs(numba[0]).max())
                for one, other in zip(found[1:], numba[1:], strict=True):
                    np.testing.assert_allclose(one, other, rtol=1e-8, atol=scale)


@given(
    degree=st.floats(-750, 750),
    selection=st.floats(-750, 750),
    log_dispersion=st.floats(np.log(1e-8), np.log(1e4)),
)
@settings(max_examples=300, deadline=None)
def test_it_is_never_nan(ways, degree, selection, log_dispersion):
    at = (np.full(12, degree), np.full(12, selection), log_dispersion)
    for _, _, *in_jax in ways.values():
        for each in in_jax:
            assert not any(np.isnan(found).any() for found in each(*at))


@pytest.mark.parametrize("model", ["zinb_srm_joint", "hurdle_nb_crossed", "poisson_pooled"])
def test_a_model_that_jax_differentiates_has_the_gradient_of_pytensor(guangdong, model):
    built = build(guangdong, model)
    rng = np.random.default_rng(2)
    point = {
        name: value + rng.normal(0, 0.1, np.shape(value))
        for name, value in built.initial_point().items()
    }
    log_density = pymc_jax.get_jaxified_logp(built)
    at = [np.asarray(point[each.name]) for each in built.value_vars]
    value, slopes = jax.value_and_grad(log_density)(at)
    assert float(value) == pytest.approx(
        float(built.compile_logp(mode="FAST_COMPILE")(point)), rel=1e-12
    )
    flat = np.concatenate([np.ravel(each) for each in slopes])
    np.testing.assert_allclose(
        flat, built.compile_dlogp(mode="FAST_COMPILE")(point), rtol=1e-9, atol=1e-9
    )


def test_without_a_positive_count_it_is_log_p_of_zero():
    known = kernel_jax.Known(*np.zeros((2, 3)), np.zeros(3, int), np.zeros(1, int))
    degree = np.array([-2.0, 0.0, 3.0])
    value, by_degree, _, by_dispersion = kernel_jax.with_derivatives(
        "plain", known, has_dispersion=True
    )(degree, np.empty(0), np.array(0.5))
    # log P(0) = -log(1 + mu / 2) / (1 / 2), differentiated by hand
    mu = np.exp(degree)
    np.testing.assert_allclose(value, -2 * np.log1p(mu / 2), rtol=1e-14)
    np.testing.assert_allclose(by_degree, -mu / (1 + mu / 2), rtol=1e-14)
    expected = 4 * np.log1p(mu / 2) - 2 * mu / (1 + mu / 2)
    np.testing.assert_allclose(by_dispersion, expected, rtol=1e-12)


def test_the_kernel_does_not_import_jax():
    code = (
        "import sys, models.build, models.compiled.log_prob; raise SystemExit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
