"""A first look: exact where it can be, near the posterior elsewhere, and never taken for it."""

import json

import arviz as az
import numpy as np
import pytest

from analysis import coefficients, load, spreads
from analysis.cli import main
from data.errors import ModelError, ResultsError
from models.inference.first_look import fitted, pareto_k_of
from models.work.progress import Reporter


def normal(mean, precision):
    """Give the log density of a normal distribution, up to a constant, and its gradient."""

    def gradient(at):
        slope = -precision @ (at - mean)
        return slope @ (at - mean) / 2, slope

    return gradient


def test_independent_normal_coordinates_are_found_exactly():
    mean, sd = np.array([3.0, -40.0, 0.02, 0.0]), np.array([0.5, 20.0, 0.01, 1.0])
    gradient = normal(mean, np.diag(1 / sd**2))
    found = fitted(gradient, np.zeros(4), np.random.default_rng(1), Reporter())
    np.testing.assert_allclose(found[0], mean, atol=1e-4 * sd.max(), rtol=1e-4)
    np.testing.assert_allclose(found[1], sd, rtol=1e-4)
    assert found[3]


def test_of_dependent_coordinates_the_means_are_right_and_the_sds_too_small():
    # independent normals nearest to N(m, inverse of P) have the means m and the sds P_ii^-1/2
    correlation = 0.8
    covariance = np.array([[1, correlation], [correlation, 1]])
    gradient = normal(np.array([1.0, -2.0]), np.linalg.inv(covariance))
    seeds = [fitted(gradient, np.zeros(2), np.random.default_rng(k), Reporter()) for k in range(40)]
    means, sds = (np.array([each[k] for each in seeds]) for k in (0, 1))
    np.testing.assert_allclose(means, np.tile([1.0, -2.0], (40, 1)), atol=1e-4)
    error = np.log(sds).std() / np.sqrt(40)
    expected = np.log(1 - correlation**2) / 2
    assert abs(np.log(sds).mean() - expected) < 4 * error + 0.02  # and a bias of order 1 / points
    assert (sds < 1).all()


@pytest.mark.parametrize("sd", [0.6, 0.8])
def test_pareto_k_of_a_distribution_that_is_too_narrow(sd):
    # ratios of N(0, 1) to N(0, sd^2) exceed t with probability t^(-1 / (1 - sd^2)), but for logs
    z = np.random.default_rng(3).normal(size=(200_000, 1))
    k = pareto_k_of(normal(np.zeros(1), np.eye(1)), np.zeros(1), np.array([sd]), z)
    assert k == pytest.approx(1 - sd**2, abs=0.12)


def test_draws_without_a_density_have_no_finite_k():
    z = np.random.default_rng(4).normal(size=(100, 1))

    def half(at):
        return (0.0 if at[0] > 0 else -np.inf), at

    k = pareto_k_of(half, np.zeros(1), np.ones(1), z)
    assert k == np.inf


def test_a_density_that_is_nowhere_is_refused():
    with pytest.raises(ModelError, match="no point to start from"):
        fitted(lambda at: (-np.inf, at), np.zeros(2), np.random.default_rng(1), Reporter())


@pytest.fixture(scope="module")
def looked(guangdong_folder, tmp_path_factory):
    """Take a first look at one model of Guangdong; give the results folder."""
    results = tmp_path_factory.mktemp("looked")
    asked = ["sample", guangdong_folder, "--model=zinb_srm", "--method=advi"]
    assert main([*asked, f"--results={results}"]) == 0
    return results


@pytest.fixture(scope="module")
def fits(looked, sampled):
    """Give the first look and the sample."""
    results, _ = sampled
    with (
        load("guangdong", "zinb_srm.approximate", results=looked) as look,
        load("guangdong", "zinb_srm", results=results) as fit,
    ):
        yield look.load(), fit.load()


def test_a_first_look_is_near_the_posterior(fits):
    look, fit = fits
    for part in ("selection", "degree"):
        one, other = coefficients(look, part), coefficients(fit, part)
        assert (abs(one["mean"] - other["mean"]) < 0.5 * other["sd"]).all()
        assert (one["sd"] < 1.1 * other["sd"]).all()
        assert (one["sd"] > 0.3 * other["sd"]).all()
    one, other = spreads(look), spreads(fit)
    assert (abs(one["mean"] - other["mean"]) < other["sd"]).all()
    for role in ("selection_sender", "degree_receiver"):
        apart = look["posterior"][role].mean(("chain", "draw"))
        apart = apart - fit["posterior"][role].mean(("chain", "draw"))
        assert (
            float(np.sqrt((apart**2 / fit["posterior"][role].var(("chain", "draw"))).mean())) < 0.5
        )


def test_a_first_look_has_the_groups_and_labels_of_a_fit(fits):
    look, fit = fits
    assert set(fit.children) - set(look.children) == {"sample_stats"}
    assert set(look.children) < set(fit.children)
    for name, values in fit["posterior"].data_vars.items():
        assert look["posterior"][name].dims == values.dims
        assert look["posterior"][name].shape == values.shape
    assert look["posterior"]["city"].equals(fit["posterior"]["city"])
    assert float(az.ess(look["posterior"].to_dataset()["dispersion"])) > 3000  # independent draws


def test_a_first_look_is_never_taken_for_a_sample(looked, guangdong_folder, capsys):
    folder = looked / "guangdong" / "default"
    assert [path.name for path in folder.iterdir()] == ["zinb_srm.approximate.nc"]
    with load("guangdong", "zinb_srm.approximate", results=looked) as look:
        about = look.attrs
        assert not about["passed"]
        assert about["pareto_k"] > 0.7
        assert any(
            f"Pareto k {about['pareto_k']:.2f}" in why for why in json.loads(about["faults"])
        )
    with pytest.raises(ResultsError, match=r"zinb_srm\.approximate"):
        load("guangdong", "zinb_srm", results=looked)
    asked = [guangdong_folder, "--model=zinb_srm", f"--results={looked}"]
    assert main(["figures", *asked]) == 2
    assert "no fit of zinb_srm" in capsys.readouterr().err
    # shown again, not made again, and it says what it is
    assert main(["sample", *asked, "--method=advi"]) == 0
    said = capsys.readouterr().out
    assert "up to date" in said
    assert "A first look: an approximation by ADVI, not a sample" in said
    assert "R-hat" not in said
    assert "Synthetic data" in said


def test_a_method_that_there_is_not(guangdong_folder, tmp_path, capsys):
    asked = ["sample", guangdong_folder, "--method=advy", f"--results={tmp_path}"]
    assert main(asked) == 2
    assert capsys.readouterr().err.startswith("error: no method 'advy'; ")
    assert not list(tmp_path.iterdir())
