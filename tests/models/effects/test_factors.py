"""Factors: their prior against plain simulation, positions against the matrix, directions found."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy import integrate, stats

from data.declaration import Factors
from data.errors import ModelError, PriorError
from data.roles import Part
from models import Priors, build, simulate_study
from models.effects.centering import pooled_derivatives
from models.effects.factors import residual_directions
from models.effects.positions import positioned
from models.effects.reflections import Reflections
from models.inference.chains import kept_names
from models.inference.prior_predictive import draw_prior
from models.name import named, parse_model
from models.priors.density import log_prior
from models.simulation.simulate import TRUTH

PART = Part.DEGREE
DRAWS = 4000


def factors(rank, seed=1, cities=6, draws=50, roles=PART.roles):
    """Give made-up draws of factors as a sampler leaves them."""
    rng = np.random.default_rng(seed)
    labels = [str(k) for k in range(1, rank + 1)]
    sides = {
        role.factor: (
            ("chain", "draw", "city", PART.dimension),
            rng.normal(size=(2, draws, cities, rank)) + 2 * np.eye(cities, rank),
        )
        for role in roles
    }
    core = rng.normal(size=(2, draws, rank, rank)) + 3 * np.diag(np.arange(rank, 0, -1))
    if len(roles) == 1:
        core = (core + np.swapaxes(core, -1, -2)) * np.array([1, -1, 1])[:rank] / 2
        core = (core + np.swapaxes(core, -1, -2)) / 2
    dims = ("chain", "draw", PART.dimension, PART.other_dimension)
    return xr.Dataset(
        sides | {PART.core: (dims, core)}, {PART.dimension: labels, PART.other_dimension: labels}
    )


def matrix(draws):
    """Multiply positions, (chain, draw, city, city)."""
    sender, receiver = (draws[role.position].to_numpy() for role in PART.roles)
    return sender @ np.swapaxes(receiver, -1, -2)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_positions_multiply_to_the_matrix_of_their_draw(rank):
    raw = factors(rank)
    found = positioned(raw)
    u, v = (raw[role.factor].to_numpy() for role in PART.roles)
    expected = u @ raw[PART.core].to_numpy() @ np.swapaxes(v, -1, -2)
    np.testing.assert_allclose(matrix(found), expected, atol=1e-12)
    largest = np.linalg.svd(expected, compute_uv=False)[..., :rank]
    np.testing.assert_allclose(found[PART.singular_value], largest, rtol=1e-10)
    of_population = np.linalg.eigvalsh(found[PART.factor_covariance].to_numpy())[..., ::-1]
    np.testing.assert_allclose(found[PART.factor_sd], of_population, rtol=1e-10)
    assert not set(found) & {PART.core, *(role.factor for role in PART.roles)}


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_positions_of_undirected_dyads_multiply_to_the_matrix_of_their_draw(rank):
    raw = factors(rank, roles=[PART.city])
    found = positioned(raw)
    u, core = raw[PART.city.factor].to_numpy(), raw[PART.core].to_numpy()
    expected = u @ core @ np.swapaxes(u, -1, -2)
    position, sign = found[PART.city.position].to_numpy(), found[PART.factor_sign].to_numpy()
    together = position @ sign @ np.swapaxes(position, -1, -2)
    np.testing.assert_allclose(together, expected, atol=1e-12)
    every = np.linalg.eigvalsh(expected)
    largest = np.take_along_axis(every, np.argsort(-abs(every), axis=-1)[..., :rank], axis=-1)
    np.testing.assert_allclose(
        found[PART.eigenvalue], np.sort(largest, axis=-1)[..., ::-1], rtol=1e-9, atol=1e-12
    )
    sizes = np.sort(abs(np.linalg.eigvalsh(core)), axis=-1)[..., ::-1]
    np.testing.assert_allclose(found[PART.factor_sd], sizes, rtol=1e-10)
    of_population = np.linalg.eigvalsh(found[PART.factor_covariance].to_numpy())[..., ::-1]
    np.testing.assert_allclose(sizes, of_population, rtol=1e-10)
    assert (np.linalg.eigvalsh(core) < 0).any() == (rank > 1)


def test_rotations_of_factors_change_no_position():
    raw, rng = factors(2), np.random.default_rng(3)
    turns = [np.linalg.qr(rng.normal(size=(2, 50, 2, 2)))[0] for _ in range(2)]
    core = np.swapaxes(turns[0], -1, -2) @ raw[PART.core].to_numpy() @ turns[1]
    turned = raw.assign({PART.core: raw[PART.core].copy(data=core)})
    for role, turn in zip(PART.roles, turns, strict=True):
        turned[role.factor] = raw[role.factor].copy(data=raw[role.factor].to_numpy() @ turn)
    one, other = positioned(raw), positioned(turned)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-9, err_msg=name)


def test_positions_of_draws_are_near_those_of_their_mean():
    found = positioned(factors(2))
    left, values, _ = np.linalg.svd(matrix(found).mean(axis=(0, 1)))
    sender = left[:, :2] * np.sqrt(values[:2])
    mean = found[PART.roles[0].position].mean(("chain", "draw")).to_numpy()
    for k in range(2):
        assert abs(np.corrcoef(sender[:, k], mean[:, k])[0, 1]) > 0.99
    assert (mean[abs(mean).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_axes_are_orthonormal_and_begin_with_the_given_ones(rank):
    given = np.linalg.qr(np.random.default_rng(rank).normal(size=(9, rank)))[0]
    turned = Reflections.onto(given)
    every = np.eye(9) - turned.vectors @ turned.triangle @ turned.vectors.T
    np.testing.assert_allclose(every @ every.T, np.eye(9), atol=1e-12)
    np.testing.assert_allclose(every[:, :rank] @ turned.upper, given, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_prior_of_the_matrix_is_that_of_plain_normal_factors(rank):
    study, _ = simulate_study(6, f"poisson_ame{rank}", seed=1)
    model = build(study, f"poisson_ame{rank}")
    draws = pm.draw(model[PART.multiplicative], DRAWS, random_seed=2)
    rng = np.random.default_rng(4)
    u, v = rng.normal(size=(2, DRAWS, 6, rank))
    sigma = Priors.load("default").prior(PART.factor_sd).sigma
    core = sigma * rng.normal(size=(DRAWS, rank, rank))
    i, j = np.nonzero(~np.eye(6, dtype=bool))
    plain = (u @ core @ np.swapaxes(v, 1, 2))[:, i, j]
    assert study.dyads["dyad"].to_numpy()[0] == "city 001 -> city 002"
    # each effect's distribution, and those of what ties several together
    for column in (0, 7, 29):
        assert stats.ks_2samp(draws[:, column], plain[:, column]).pvalue > 1e-3
    for of in (lambda x: (x**2).sum(axis=1), lambda x: x[:, 0] * x[:, 7] * x[:, 1] * x[:, 5]):
        assert stats.ks_2samp(of(draws), of(plain)).pvalue > 1e-3


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_prior_of_a_symmetric_matrix_is_that_of_plain_normal_factors(rank):
    study, _ = simulate_study(7, f"poisson_additive_ame{rank}", seed=1)
    model = build(study, f"poisson_additive_ame{rank}")
    draws = pm.draw(model[PART.multiplicative], DRAWS, random_seed=2)
    rng = np.random.default_rng(4)
    u = rng.normal(size=(DRAWS, 7, rank))
    core = Priors.load("default").prior(PART.factor_sd).sigma * rng.normal(size=(DRAWS, rank, rank))
    core = (core + np.swapaxes(core, 1, 2)) / 2
    plain = (u @ core @ np.swapaxes(u, 1, 2))[:, *np.triu_indices(7, 1)]
    for column in (0, 7, 20):
        assert stats.ks_2samp(draws[:, column], plain[:, column]).pvalue > 1e-3
    # of cities 1, 2 and 3, and of 4 to 7: a triangle knows the sign of the eigenvalues
    for of in (lambda x: (x**2).sum(axis=1), lambda x: x[:, 0] * x[:, 1] * x[:, 6]):
        assert stats.ks_2samp(of(draws), of(plain)).pvalue > 1e-3


def test_density_of_two_sds_integrates_to_one_and_that_of_one_is_half_normal():
    def density(*values, effects="ame"):
        rank = len(values)
        study, _ = simulate_study(5, f"normal_{effects}{rank}", seed=1)
        name, priors = parse_model(f"normal_{effects}{rank}"), Priors.load("default")
        model = build(study, name.name)
        draws = draw_prior(model, kept_names(model), np.random.SeedSequence(1)).isel(draw=[0])
        unit = study.dyads["outcome"].to_numpy().std(ddof=1)
        sds = np.array(values)[None, None] * unit
        given = draws.assign({PART.factor_sd: draws[PART.factor_sd].copy(data=sds)})
        log_density = log_prior(given, study, name, priors)[PART.factor_sd].item()
        return np.exp(log_density) * unit**rank

    assert density(0.7) == pytest.approx(stats.halfnorm.pdf(0.7))
    # the ordered singular values of a 2 x 2 normal matrix: (s^2 - t^2) exp(-(s^2 + t^2) / 2)
    assert density(1.3, 0.4) == pytest.approx((1.3**2 - 0.4**2) * np.exp(-(1.3**2 + 0.4**2) / 2))
    whole, _ = integrate.dblquad(
        lambda t, s: (s**2 - t**2) * np.exp(-(s**2 + t**2) / 2), 0, np.inf, 0, lambda s: s
    )
    assert whole == pytest.approx(1)
    # the sizes of eigenvalues of a symmetric matrix: of one sign s - t, of two s + t
    assert density(0.7, effects="additive_ame") == pytest.approx(stats.halfnorm.pdf(0.7))
    # (s - t) + (s + t) is 2 s: a constant times 2 s exp(-(s^2 + t^2) / 2), which integrates to one
    whole, _ = integrate.dblquad(
        lambda t, s: 2 * s * np.exp(-(s**2 + t**2) / 2), 0, np.inf, 0, lambda s: s
    )
    assert density(1.3, 0.4, effects="additive_ame") == pytest.approx(
        2 * 1.3 * np.exp(-(1.3**2 + 0.4**2) / 2) / whole
    )


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("normal_ame1", "degree"),
        ("zinb_ame1", "selection"),
        ("normal_additive_ame1", "degree"),
    ],
)
def test_residuals_point_along_the_factors(model, part):
    truth = TRUTH | {f"{part}_factor_sd": 3.0, f"{part}_intercept": 0.0}
    study, known = simulate_study(60, model, seed=3, truth=truth)
    name, part = parse_model(model), Part(part)
    derivatives = pooled_derivatives(study.dyads, name.family_name)[part]
    found, _ = residual_directions(study.dyads, derivatives, 1)
    roles = [role for role in name.roles if role.part == part]
    for role, direction in zip(roles, found, strict=False):
        position = known[role.position].to_numpy()[:, 0]
        centered = position - position.mean()
        assert abs(np.corrcoef(direction[:, 0], centered)[0, 1]) > 0.8


def test_a_prior_that_a_rotation_changes_is_refused():
    study, _ = simulate_study(5, "nb_ame2", seed=1)
    priors = Priors.load("default").replace(
        "mine", degree_factor_sd={"dist": "Exponential", "lam": 1}
    )
    with pytest.raises(PriorError, match="need HalfNormal, not Exponential"):
        build(study, "nb_ame2", priors)


def with_factors(study, **ranks):
    declared = study.declaration.model_copy(update={"factors": Factors(**ranks)})
    return replace(study, declaration=declared)


def test_a_study_declares_the_dimensions_of_a_part():
    study, _ = simulate_study(6, "zinb_ame2", seed=1)
    assert named("zinb_ame2", study).ranks == (2, 2)
    other = with_factors(study, selection=0, degree=1)
    assert named("zinb_ame2", other).ranks == (0, 1)
    assert named("zinb_srm", other).ranks == (0, 0)
    assert other.digest != study.digest
    variables = build(other, "zinb_ame2").named_vars
    assert "selection_multiplicative" not in variables
    assert variables["degree_core"].eval().shape == (1, 1)
    with pytest.raises(ModelError, match=r"\[factors\] leaves no dimension"):
        named("zinb_ame2", with_factors(study, selection=0, degree=0))
    for wrong in (-1, 4, 1.0, "two"):
        with pytest.raises(ValidationError):
            Factors(degree=wrong)
