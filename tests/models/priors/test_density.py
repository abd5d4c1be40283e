"""The log prior of draws: against SciPy, and LKJ's density by its identities."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from data.study import with_slopes
from models import Priors
from models.name import parse_model, role_pairs
from models.priors.density import log_prior

HORSESHOE = {
    "dist": "RegularizedHorseshoe",
    "scale": 0.5,
    "global_df": 10,
    "local_df": 5,
    "slab_scale": 1,
    "slab_df": 10,
}
MINE = Priors.load("default").replace(
    "mine",
    degree_intercept={"dist": "StudentT", "nu": 4, "mu": 1, "sigma": 2.5},
    degree_coef={
        "dist": "Laplace",
        "mu": 0.1,
        "b": 0.4,
        "mayor_ties": {"dist": "Normal", "mu": 0.3, "sigma": 0.15},
    },
    sd={"dist": "Gamma", "alpha": 2, "beta": 3},
    selection_receiver_sd={"dist": "Exponential", "lam": 1.5},
    correlation={"dist": "Uniform", "lower": -1, "upper": 1},
    selection_generalized_reciprocity={"dist": "LKJCorr", "eta": 3},
    dispersion={"dist": "InverseGamma", "alpha": 3, "beta": 2},
)


def made_up(study, name, rng):
    """Give random values of every parameter that has a prior, two chains of five draws."""
    draws = xr.Dataset()
    for parameter, _, _ in MINE.in_force(name, study):
        part = parameter.split("_")[0]
        terms = study.terms.get(part)
        if parameter.endswith("_coef"):
            values = rng.normal(0, 1, (2, 5, len(terms)))
            draws[parameter] = (("chain", "draw", f"{part}_term"), values)
            draws.coords[f"{part}_term"] = terms
        elif parameter.endswith("_slope_sd"):
            dim = f"{parameter.removesuffix('_sd')}_term"
            draws[parameter] = (("chain", "draw", dim), rng.gamma(2, 1, (2, 5, 1)))
            draws.coords[dim] = ["scale(proximity)"]
        elif parameter.endswith("reciprocity"):
            draws[parameter] = (("chain", "draw"), rng.uniform(-1, 1, (2, 5)))
        else:
            draws[parameter] = (("chain", "draw"), rng.gamma(2, 1, (2, 5)))
    return draws


def test_each_density_is_scipys_on_the_scale_of_the_parameter(guangdong):
    # ten times the kilometres: the unit of one standard deviation is no longer one
    design = guangdong.dyads["degree_design"] * xr.where(
        guangdong.dyads["degree_term"] == "scale(proximity)", 10.0, 1.0
    )
    guangdong = type(guangdong)(
        guangdong.name,
        guangdong.declaration,
        guangdong.dyads.assign(degree_design=design),
        guangdong.digest,
    )
    study = with_slopes(guangdong, ["degree:sender:scale(proximity)"])
    name = parse_model("zinb_srm")
    draws = made_up(study, name, np.random.default_rng(1))
    found = log_prior(draws, study, name, MINE)
    assert set(found) == set(draws.data_vars)
    unit = float(design.sel(degree_term="scale(proximity)").std(ddof=1))
    assert unit == pytest.approx(10)
    coef = draws["degree_coef"]
    laplace, gamma = stats.laplace(0.1, 0.4), stats.gamma(2, scale=1 / 3)
    wanted = {
        ("degree_intercept", None): stats.t(4, 1, 2.5).logpdf(draws["degree_intercept"]),
        ("selection_intercept", None): stats.norm(0, 2).logpdf(draws["selection_intercept"]),
        ("degree_coef", "scale(proximity)"): laplace.logpdf(
            unit * coef.sel(degree_term="scale(proximity)")
        )
        + np.log(unit),
        # a 0/1 column, whose unit is 1
        ("degree_coef", "status_asymmetry"): laplace.logpdf(
            coef.sel(degree_term="status_asymmetry")
        ),
        ("degree_coef", "mayor_ties"): stats.norm(0.3, 0.15).logpdf(
            coef.sel(degree_term="mayor_ties")
        ),
        ("degree_sender_sd", None): gamma.logpdf(draws["degree_sender_sd"]),
        ("degree_sender_slope_sd", "scale(proximity)"): gamma.logpdf(
            unit * draws["degree_sender_slope_sd"][..., 0]
        )
        + np.log(unit),
        ("selection_receiver_sd", None): stats.expon(scale=1 / 1.5).logpdf(
            draws["selection_receiver_sd"]
        ),
        ("degree_generalized_reciprocity", None): stats.uniform(-1, 2).logpdf(
            draws["degree_generalized_reciprocity"]
        ),
        ("selection_generalized_reciprocity", None): stats.beta(3, 3, -1, 2).logpdf(
            draws["selection_generalized_reciprocity"]
        ),
        ("dispersion", None): stats.invgamma(3, scale=2).logpdf(draws["dispersion"]),
    }
    for (parameter, term), expected in wanted.items():
        one = found[parameter]
        if term:
            one = one.sel({one.dims[2]: term})
        np.testing.assert_allclose(one, expected, rtol=0, atol=1e-10, err_msg=parameter)


def correlations(seed):
    """Draw correlation matrices of four roles; give them and their lower triangles."""
    wishart = stats.wishart(6, np.eye(4)).rvs(20, random_state=seed)
    scale = np.sqrt(np.diagonal(wishart, axis1=1, axis2=2))
    matrices = wishart / (scale[:, :, None] * scale[:, None, :])
    row, column = np.tril_indices(4, -1)
    return matrices, matrices[:, row, column]


def test_a_correlation_matrix_has_lkjs_density(guangdong):
    name, (matrices, lower) = parse_model("zinb_srm_joint"), correlations(3)
    (block,) = name.blocks
    draws = made_up(guangdong, parse_model("zinb_crossed"), np.random.default_rng(2))
    draws = draws.isel(chain=[0], draw=[0] * 20).drop_vars("city_correlation", errors="ignore")
    draws["city_correlation"] = (("chain", "draw", "role_pair"), lower[None])
    draws.coords["role_pair"] = role_pairs(block)
    one, two = (
        log_prior(draws, guangdong, name, MINE.replace("mine", correlation=lkj(eta)))[
            "city_correlation"
        ].to_numpy()[0]
        for eta in (1, 3.5)
    )
    # flat in eta = 1, and proportional to det(R)^(eta - 1)
    np.testing.assert_allclose(one, one[0], rtol=1e-12)
    determinant = np.array([np.linalg.det(each) for each in matrices])
    np.testing.assert_allclose(np.diff(two), 2.5 * np.diff(np.log(determinant)), rtol=0, atol=1e-10)
    # one over the volume of the set of 4 x 4 correlation matrices (Joe 2006, Journal of
    # Multivariate Analysis 97)
    assert np.exp(one[0]) == pytest.approx(27 / (32 * np.pi**2), rel=1e-12)


def lkj(eta):
    return {"dist": "LKJCorr", "eta": eta}


def test_coefficients_under_a_horseshoe_are_left_out(guangdong):
    priors = Priors.load("default").replace(
        "some", coef=HORSESHOE, degree_coef={**HORSESHOE, "mayor_ties": {"dist": "Normal"}}
    )
    name = parse_model("zinb_crossed")
    draws = made_up(guangdong, name, np.random.default_rng(4))
    found = log_prior(draws, guangdong, name, priors)
    assert "selection_coef" not in found
    assert found["degree_coef"]["degree_term"].to_numpy().tolist() == ["mayor_ties"]
    expected = stats.norm(0, 1).logpdf(draws["degree_coef"].sel(degree_term=["mayor_ties"]))
    np.testing.assert_allclose(found["degree_coef"], expected, atol=1e-12)
