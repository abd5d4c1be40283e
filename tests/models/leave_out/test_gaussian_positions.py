"""Amounts left out with their cities' positions: against quadrature of the joint distribution."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from data.roles import Part, sides_of
from models import simulate_study
from models.leave_out.gaussian_positions import densities_with_positions, with_positions
from models.leave_out.units import rows_of_units
from models.name import parse_model
from models.predictor.linear import linear_predictor, sign_of
from models.simulation.simulate import TRUTH, draw_outcomes

PART = Part.DEGREE
CELLS = {1: 2001, 2: 161, 4: 33}  # along each dimension of a grid
COPIES = 50  # of the one draw, each with points of its own


def residuals_and_effects(one, ends, get):
    """Give the covariance of amounts whose means are known but for city effects."""
    s, r = get("degree_sender_sd"), get("degree_receiver_sd")
    both, alike = get("degree_generalized_reciprocity") * s * r, get("degree_city_sd") ** 2
    covariance = np.zeros((len(ends), len(ends)))
    for a, (i, j) in enumerate(ends):
        for b, (k, m) in enumerate(ends):
            covariance[a, b] = (i == k) * s**2 + (j == m) * r**2 + ((i == m) + (j == k)) * both
            covariance[a, b] += alike * ((i == k) + (j == m) + (i == m) + (j == k))
            residual = 1.0 if a == b else get("degree_dyadic_reciprocity") * ((i, j) == (m, k))
            covariance[a, b] += get("residual_sd") ** 2 * residual
    return covariance


def by_quadrature(one, dyads, name, unit, label, rows):
    """Integrate over the positions of the unit's cities on a grid."""
    ends = list(zip(*(dyads[side].to_numpy() for side in sides_of(dyads.coords)), strict=True))
    first, last = name.roles[0], name.roles[-1]

    def get(variable):
        return float(one[variable].squeeze()) if variable in one else 0.0

    if unit == "city":
        own = [(role.position, label) for role in name.roles]
    elif unit == "pair":
        own = [(role.position, city) for city in ends[rows[0]] for role in name.roles]
    else:
        own = [
            (role.position, city) for role, city in zip((first, last), ends[rows[0]], strict=True)
        ]
    sd = np.sqrt(get("degree_factor_covariance"))
    axis = np.linspace(-5.5, 5.5, CELLS[len(own)]) * sd
    grid = np.stack(np.meshgrid(*[axis] * len(own), indexing="ij"), -1).reshape(-1, len(own))
    bare = one.drop_vars([role.effect for role in name.roles])
    known = bare.drop_vars("degree_factor_covariance")
    sign = 1.0 if sign_of(one, PART) is None else sign_of(one, PART).item()
    mean = np.tile(linear_predictor(known, dyads, PART).to_numpy().ravel(), (len(grid), 1))
    for k, both in enumerate(ends):
        values = 1.0
        for role, city in zip((first, last), both, strict=True):
            at = (role.position, city)
            drawn = one[role.position].sel(city=city).item()
            values = values * (grid[:, own.index(at)] if at in own else drawn)
        mean[:, k] += sign * values
    y, covariance = dyads["outcome"].to_numpy(), residuals_and_effects(one, ends, get)
    log_prior = stats.norm.logpdf(grid, scale=sd).sum(axis=1)
    totals = []
    for some in (np.arange(y.size), np.setdiff1d(np.arange(y.size), rows)):
        normal = stats.multivariate_normal(cov=covariance[np.ix_(some, some)])
        totals.append(logsumexp(normal.logpdf(y[some] - mean[:, some]) + log_prior))
    return totals[0] - totals[1]


@pytest.mark.parametrize(
    ("model", "unit"),
    [
        ("normal_ame1", "dyad"),
        ("normal_ame1", "pair"),
        ("normal_ame1", "city"),
        ("normal_additive_ame1", "dyad"),
        ("normal_additive_ame1", "city"),
    ],
)
def test_a_unit_has_the_density_of_the_joint_distribution_given_all_others(model, unit):
    study, _ = simulate_study(6, model, seed=4)
    name, rng = parse_model(model), np.random.default_rng(8)
    some = study.dyads.isel(dyad=slice(2, None))
    parameters, outcome = draw_outcomes(some, name, TRUTH, rng)
    dyads = some.assign(outcome=("dyad", outcome))
    draws = parameters.expand_dims(draw=COPIES)
    every = rows_of_units(dyads, unit)
    for label in list(every)[:4]:  # the other direction of the first two has no amount
        rows = every[label]
        seen = with_positions(draws, dyads, name, unit, label, rows)
        both, *halves = densities_with_positions(seen, rng)
        expected = by_quadrature(parameters, dyads, name, unit, label, rows)
        relative = np.exp(both - expected)
        if unit == "city":  # no product, no points
            np.testing.assert_allclose(relative, 1, rtol=1e-6)
            continue
        reported = np.sqrt((((halves[0] - halves[1]) / 2) ** 2).mean())
        assert abs(relative.mean() - 1) < 4 * relative.std() / np.sqrt(COPIES) + reported**2 + 1e-6
        assert relative.std() < 0.1
