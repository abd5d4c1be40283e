"""A family's log-probability, compiled, and points to compare two compilations at."""

import numpy as np
from pytensor import dprint, function, grad
from pytensor import tensor as pt

from data.outcomes import COUNT
from models.likelihood.families import FAMILIES as BUILT_IN

FAMILIES = {name: family for name, family in BUILT_IN.items() if family.outcome is COUNT}
COUNTS = np.array([0, 0, 1, 0, 7, 40, 1000, 1001, 0, 1, 10**6, 2])


def compiled(family, log_prob, mode):
    """Compile a family's log-probability, with gradients in predictors and log dispersion."""
    degree, selection = pt.vector("degree"), pt.vector("selection")
    log_dispersion = pt.scalar("log_dispersion")
    dispersion = pt.exp(log_dispersion) if family.scale else None
    value = log_prob(degree, selection if "selection" in family.parts else None, dispersion)
    inputs = [degree]
    inputs += [selection] * ("selection" in family.parts)
    inputs += [log_dispersion] * bool(family.scale)
    # weights that differ, so that a derivative in the wrong place is seen
    weights = 1 + pt.arange(degree.size) / 10
    slopes = grad((value * weights).sum(), inputs)
    inputs = [degree, selection, log_dispersion]
    return function(inputs, [value, *slopes], mode=mode, on_unused_input="ignore")


def points():
    """Give 20 points: degree, selection, log dispersion."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        yield rng.normal(0, 3, len(COUNTS)), rng.normal(0, 3, len(COUNTS)), rng.normal(0, 1.5)


def agrees_to_last_digits(one, other, degree):
    """Tell whether values agree to 1e-9, or to what is left of large terms that cancel."""
    lost = 5e-12 + 1e-15 * COUNTS * (abs(degree) + np.log1p(COUNTS))
    return np.all(np.abs(one - other) <= 1e-9 * np.abs(other) + lost)


def of_same_density(expected, other):
    """Hold a model's density and its slopes against another's; give the other's graph as text."""
    rng = np.random.default_rng(2)
    point = {name: value + rng.normal(0, 0.1) for name, value in expected.initial_point().items()}
    densities = [each.compile_logp(mode="FAST_COMPILE") for each in (expected, other)]
    slopes = [each.compile_dlogp(mode="FAST_COMPILE")(point) for each in (expected, other)]
    np.testing.assert_allclose(densities[1](point), densities[0](point), rtol=1e-12)
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-9, atol=1e-9)
    return str(dprint(densities[1].f, file="str"))
