"""A model as functions of vectors: the same as the functions that PyMC compiles of it by itself."""

import numpy as np
import pymc as pm
import pytest
from pymc.blocking import DictToArrayBijection, RaveledVars
from pytensor.raise_op import Assert

from models import simulate_study
from models.build import build
from models.inference import flat_model as module
from models.inference.chains import kept_names
from models.inference.flat_model import flat_model
from models.inference.samplers.nutpie_nuts import compiled

POINTS = np.random.default_rng(4).normal(0, 0.3, (2, 5, 200))


@pytest.fixture(scope="module", params=["poisson_pooled", "nb_srm", "hurdle_nb_crossed"])
def model(request):
    """Give a model of a small study, with data that can be exchanged."""
    study, _ = simulate_study(7, request.param, seed=3)
    return build(study, request.param, exchangeable=("kept",), likelihood="graph")


@pytest.fixture(scope="module")
def ready(model):
    """Give the model as nutpie takes it."""
    return compiled(model, kept_names(model))


@pytest.fixture(scope="module")
def flat(ready):
    """Give the model as functions of vectors."""
    return ready.flat


def named(model, point):
    """Give a point as PyMC's own functions take it."""
    known = DictToArrayBijection.map(model.initial_point()).point_map_info
    return DictToArrayBijection.rmap(RaveledVars(point, known))


def test_the_density_and_its_gradient_are_those_of_pymc(model, flat):
    value = model.compile_logp(mode="FAST_COMPILE")
    gradient = model.compile_dlogp(mode="FAST_COMPILE")
    for point in POINTS[0, :, : flat.middle.size]:
        found = flat.gradient(point)
        assert found[0] == pytest.approx(float(value(named(model, point))), rel=1e-10)
        np.testing.assert_allclose(found[1], gradient(named(model, point)), rtol=1e-8, atol=1e-10)


def test_parameters_are_those_of_pymc_whatever_is_computed_at_once(model, flat, monkeypatch):
    points = POINTS[..., : flat.middle.size]
    whole = flat.labelled(points)
    monkeypatch.setattr(module, "BLOCK", 2 * flat.middle.size)
    assert flat.labelled(points).identical(whole)
    each = model.compile_fn(
        model.replace_rvs_by_values([model[name] for name in flat.names]),
        inputs=model.value_vars,
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )
    for chain, draw in np.ndindex(2, 5):
        expected = each(named(model, points[chain, draw]))
        for name, values in zip(flat.names, expected, strict=True):
            np.testing.assert_allclose(whole[name][chain, draw], values, rtol=1e-10, atol=1e-12)
            labels = model.named_vars_to_dims.get(name) or ()
            assert whole[name].dims == ("chain", "draw", *labels)


def test_other_data_leave_the_first_model_alone(model, flat):
    point = POINTS[0, 0, : flat.middle.size]
    before = flat.gradient(point)[0]
    kept = np.arange(len(model.coords["dyad"])) % 3 > 0
    other = flat.with_data(kept=kept).gradient(point)[0]
    assert flat.gradient(point)[0] == before
    pm.set_data({"kept": kept.astype(float)}, model=model)
    expected = float(model.compile_logp(mode="FAST_COMPILE")(named(model, point)))
    pm.set_data({"kept": np.ones(kept.size)}, model=model)
    assert other == pytest.approx(expected, rel=1e-10)
    assert abs(other - before) > 1


def test_whole_numbers_among_the_data_stay_whole():
    with pm.Model(coords={"row": range(4)}) as model:
        which = pm.Data("which", np.array([0, 1, 1]))
        level = pm.Normal("level", shape=2)
        pm.Normal("seen", level[which], observed=np.array([1.0, 2.0, 3.0]))
    flat, point = flat_model(model, ["level"]), np.array([0.5, -0.5])
    swapped = flat.with_data(which=[1, 0, 0]).gradient(point)[0]
    assert swapped == pytest.approx(flat.gradient(point[::-1].copy())[0], rel=1e-12)


def test_points_start_near_the_middle_and_differ(ready, flat):
    first, again, other = map(ready.inner.initial_point_func, (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (abs(first - flat.middle) <= 1).all()
    assert not np.allclose(first, other)


def called(ready, point):
    """Call what nutpie calls; give the status, the value and the gradient."""
    call = ready.inner.compiled_logp_func.ctypes
    gradient, value = np.full(point.size, np.nan), np.full(1, np.nan)
    places = (each.ctypes.data_as(call.argtypes[1]) for each in (point, gradient, value))
    status = call(point.size, *places, ready.inner.user_data.ctypes.data)
    return status, value[0], gradient


def test_what_nutpie_calls_is_the_density(ready, flat):
    point = POINTS[0, 0, : flat.middle.size].copy()
    status, value, gradient = called(ready, point)
    assert status == 0
    assert value == pytest.approx(flat.gradient(point)[0], rel=1e-12)
    np.testing.assert_allclose(gradient, flat.gradient(point)[1], rtol=1e-12)
    point[0] = np.nan
    assert called(ready, point)[0] == 1


def test_where_compiled_code_raises_nutpie_is_told():
    with pm.Model() as model:
        level = pm.Normal("level")
        pm.Potential("refused", Assert("too large")(-level, level < 5))
    ready = compiled(model, ["level"])
    assert called(ready, np.array([4.0]))[0] == 0
    assert called(ready, np.array([6.0]))[0] == 1
