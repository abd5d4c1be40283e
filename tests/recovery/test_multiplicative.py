"""Multiplicative effects come back from simulated studies; new cities follow their population."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from widths import misfits, standing

from data.roles import Part, sides_of
from models import sample, simulate_study
from models.effects.new_dyads import known_or_drawn
from models.inference.predictive import thinned
from models.name import parse_model
from models.predictor.linear import facing, linear_predictor
from models.simulation.simulate import TRUTH

pytestmark = pytest.mark.slow

# counts that say something of two dimensions: an average of five, and sds that are seen; of
# undirected dyads cities are alike in one dimension and complement each other in the second
KNOWN = TRUTH | {"degree_intercept": 1.6}
SDS = {"nb_ame2": [1.0, 0.6], "nb_additive_ame2": [1.0, -0.6]}


@pytest.fixture(scope="module", params=SDS)
def fitted(request):
    """Give a study, its truth and the fit."""
    model = request.param
    truth = KNOWN | {"degree_factor_sd": SDS[model]}
    study, truth = simulate_study(30, model, seed=1, truth=truth)
    return study, truth, sample(study, model, seed=1, progress=False)


def test_the_matrix_comes_back(fitted):
    _, truth, fit = fitted
    assert fit.attrs["passed"] == 1, fit.attrs["faults"]
    found = fit["posterior"]["degree_multiplicative"].mean(("chain", "draw"))
    assert np.corrcoef(found, truth["degree_multiplicative"])[0, 1] > 0.9
    values = "degree_singular_value" if "degree_singular_value" in truth else "degree_eigenvalue"
    names = ["degree_coef", "degree_intercept", "degree_factor_sd", values]
    placed = [standing(fit["posterior"][name], truth[name]) for name in names]
    assert not misfits(*np.concatenate(placed, axis=1))


def test_parameters_give_the_linear_predictor_and_its_likelihood(fitted):
    study, _, fit = fitted
    draws = fit["posterior"].to_dataset().isel(draw=slice(0, 5))
    whole = linear_predictor(draws, study.dyads, Part.DEGREE)
    without = linear_predictor(
        draws.drop_vars("degree_factor_covariance"), study.dyads, Part.DEGREE
    )
    added = draws["degree_multiplicative"].transpose("chain", "draw", "dyad")
    np.testing.assert_allclose(whole - without, added, atol=1e-10)
    mean, dispersion = np.exp(whole.to_numpy()), draws["dispersion"].to_numpy()[..., None]
    outcome = study.dyads["outcome"].to_numpy()
    expected = stats.nbinom.logpmf(outcome, 1 / dispersion, 1 / (1 + dispersion * mean))
    kept = fit["log_likelihood"]["outcome"].isel(draw=slice(0, 5))
    np.testing.assert_allclose(kept, expected, rtol=1e-8, atol=1e-8)


def test_new_cities_follow_the_population_and_known_ones_stay(fitted):
    study, _, fit = fitted
    name = parse_model(study.declaration.models[0])
    draws = thinned(fit["posterior"].to_dataset(), 2000)
    names = np.array(["city 001", *(f"new {k}" for k in range(30))])
    ends = np.array([(names[0], new) for new in names[1:]]).T
    asked = xr.Dataset(
        coords={
            "city": np.sort(names),
            "dyad": [" -> ".join(pair) for pair in ends.T],
            **{
                side: ("dyad", cities)
                for side, cities in zip(sides_of(study.dyads.coords), ends, strict=True)
            },
        }
    )
    found = known_or_drawn(draws, asked, name, seed=1)
    for role in name.roles:
        position = found[role.position]
        known = draws[role.position].sel(city="city 001")
        np.testing.assert_array_equal(
            position.isel(city=0).transpose("draw", ...), known.transpose("draw", ...)
        )
        values = position.isel(city=slice(1, None)).transpose("city", "draw", "degree_dimension")
        flat = values.to_numpy().reshape(-1, 2)
        expected = draws["degree_factor_covariance"].mean("draw").to_numpy()
        np.testing.assert_allclose(np.cov(flat.T), expected, atol=0.06 * np.trace(expected))
    # of two new cities the product has the variance that the sds say
    position = found[name.roles[0].position].isel(city=3).transpose("draw", ...)
    product = (position.to_numpy() * facing(found, name.roles[0])[:, 4]).sum(axis=1)
    expected = (draws["degree_factor_sd"] ** 2).sum("degree_dimension").mean()
    assert product.var().item() == pytest.approx(expected.item(), rel=0.25)
