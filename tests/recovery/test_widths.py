"""The check of coverage refuses posteriors that are too wide and those that are too narrow."""

import numpy as np
import pytest
import xarray as xr
from widths import misfits, standing

TRUTHS, DRAWS = 60, 200


def posteriors(rng, width, shift=0.0):
    """Give draws of parameters with a standard normal prior, each seen once with unit error."""
    truth = rng.normal(size=TRUTHS)
    seen = truth + rng.normal(size=TRUTHS)
    # the posterior is N(seen / 2, 1 / 2)
    draws = seen / 2 + shift + np.sqrt(0.5) * width * rng.normal(size=(2, DRAWS, TRUTHS))
    return xr.DataArray(draws, dims=("chain", "draw", "parameter")), xr.DataArray(
        truth, dims="parameter"
    )


def refused(width, shift=0.0, times=30):
    rng = np.random.default_rng(1)
    return sum(bool(misfits(*standing(*posteriors(rng, width, shift)))) for _ in range(times))


def test_a_right_posterior_is_let_through():
    # a right one is refused once in 500 times or less often; twice of 30, once in 600
    assert refused(1.0) <= 1


@pytest.mark.parametrize("width", [1e9, 3.0, 2.0, 0.5, 0.3, 1e-6])
def test_one_that_is_too_wide_or_too_narrow_is_refused(width):
    assert refused(width) >= 28


def test_one_that_lies_elsewhere_is_refused():
    assert refused(1.0, shift=1.0) >= 28


@pytest.mark.parametrize("number", [12, 13])
def test_a_dozen_truths_tell_an_infinitely_wide_posterior(number):
    draws, truth = posteriors(np.random.default_rng(2), 1e9)
    some = slice(0, number)
    assert len(misfits(*standing(draws.isel(parameter=some), truth.isel(parameter=some)))) == 2
