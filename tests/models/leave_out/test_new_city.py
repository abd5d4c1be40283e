"""The density of a new city's counts against quadrature, draw by draw."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from data.roles import Part, sides_of
from models import simulate_study
from models.effects.population import population_covariance
from models.inference.predictive import thinned
from models.leave_out.new_city import log_densities_of_newcomer, newcomer
from models.name import parse_model
from models.predictor.linear import linear_predictor
from models.simulation.simulate import TRUTH

CITY, DRAWS, COPIES = "city 004", 4, 200  # draws of each of two chains, and of how many copies
POPULATION = 200_000  # cities drawn from it


def log_densities(draws, dyads, name, copies=1):
    """Give the log density in each copy of each draw: of all points, and of each half."""
    flat = thinned(draws, 2 * DRAWS).isel(draw=np.repeat(np.arange(2 * DRAWS), copies))
    city = newcomer(flat, dyads, name, CITY)
    found = log_densities_of_newcomer(city, np.random.default_rng(7))
    return found.reshape(3, 2 * DRAWS, copies)


def by_quadrature(draws, study, covariance_of):
    """Integrate the city's degree effects out on a fine grid, one draw after the other."""
    dyads = study.dyads
    sends, receives = (dyads[side].to_numpy() == CITY for side in ("sender", "receiver"))
    rows = np.flatnonzero(sends | receives)
    count = dyads["outcome"].to_numpy()[rows]
    has_receivers = "degree_receiver" in draws
    axes = [np.arange(-5, 5.01, 0.04)] * (1 + has_receivers)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    use = np.stack([sends[rows], receives[rows]][: len(axes)])
    bare = draws.assign(
        {
            role: draws[role].where(draws["city"] != CITY, 0.0)
            for role in ("degree_sender", "degree_receiver")[: len(axes)]
        }
    )
    found = []
    for chain in range(2):
        for k in range(DRAWS):
            one = bare.isel(chain=[chain], draw=[k])
            base = linear_predictor(one, dyads, Part.DEGREE, rows).to_numpy().ravel()
            mu = np.exp(base + grid @ use)
            if "dispersion" in one:
                alpha = one["dispersion"].item()
                log_pmf = stats.nbinom.logpmf(count, 1 / alpha, 1 / (1 + alpha * mu))
            else:
                log_pmf = stats.poisson.logpmf(count, mu)
            population = stats.multivariate_normal(cov=covariance_of(one)).logpdf(grid)
            log_density = log_pmf.sum(axis=-1) + population
            # the trapezoidal rule: exact to rounding for smooth densities that end inside the grid
            found.append(logsumexp(log_density) + len(axes) * np.log(0.04))
    return np.array(found)


def of_sender(one):
    return np.array([[one["degree_sender_sd"].item() ** 2]])


def of_both(one):
    sds = np.array([one[f"degree_{side}_sd"].item() for side in ("sender", "receiver")])
    rho = (
        one["degree_generalized_reciprocity"].item()
        if "degree_generalized_reciprocity" in one
        else 0
    )
    return np.outer(sds, sds) * np.array([[1, rho], [rho, 1]])


@pytest.mark.parametrize(
    ("model", "covariance_of"),
    [("poisson_sender", of_sender), ("nb_crossed", of_both), ("nb_srm", of_both)],
)
def test_density_is_the_quadratures(draws_around, model, covariance_of):
    study, truth = simulate_study(8, model, seed=3)
    draws, name = draws_around(truth, DRAWS), parse_model(model)
    expected = by_quadrature(draws, study, covariance_of)
    both, *halves = log_densities(draws, study.dyads, name, COPIES)
    for k in range(2 * DRAWS):
        relative = np.exp(both[k] - expected[k])
        reported = np.sqrt((((halves[0][k] - halves[1][k]) / 2) ** 2).mean())
        # what the halves say of one draw's error is what many copies of it show
        assert relative.std() == pytest.approx(reported, rel=0.25)
        assert reported < 0.1
        # 24 means in all: one is five errors off once in 70,000 runs
        assert abs(relative.mean() - 1) < 5 * relative.std() / np.sqrt(COPIES)


def test_the_citys_own_effects_are_not_used(draws_around):
    study, truth = simulate_study(8, "zinb_srm", seed=3)
    draws, name = draws_around(truth, DRAWS), parse_model("zinb_srm")
    planted = draws.copy(deep=True)
    for role in name.roles:
        planted[role.effect].loc[{"city": CITY}] = 50.0
    one, other = (log_densities(each, study.dyads, name) for each in (draws, planted))
    np.testing.assert_array_equal(one, other)


def test_counts_of_an_outlier_are_as_unlikely_as_their_population_says(draws_around):
    study, truth = simulate_study(8, "poisson_sender", seed=3)
    dyads = study.dyads
    count = dyads["outcome"].where(dyads["sender"] != CITY, 400)
    draws, name = draws_around(truth, DRAWS), parse_model("poisson_sender")
    usual = log_densities(draws, dyads, name)
    unusual = log_densities(draws, dyads.assign(outcome=count.astype(int)), name)
    assert (unusual < usual - 20).all()
    assert np.isfinite(unusual).all()


@pytest.mark.parametrize("model", ["poisson_ame2", "poisson_additive_ame2"])
def test_positions_of_a_new_city_follow_their_population(draws_around, model):
    study, truth = simulate_study(5, model, seed=3, truth=TRUTH | {"degree_intercept": 0.0})
    name, dyads = parse_model(model), study.dyads
    draws, rng = thinned(draws_around(truth, 1), 2), np.random.default_rng(5)
    both, *halves = log_densities_of_newcomer(newcomer(draws, dyads, name, CITY), rng)
    rows = np.flatnonzero(
        np.any([dyads[side].to_numpy() == CITY for side in sides_of(dyads.coords)], axis=0)
    )
    count = dyads["outcome"].to_numpy()[rows]
    for k in range(2):
        one = draws.isel(draw=[k] * POPULATION).copy(deep=True)
        cov = population_covariance(draws.isel(draw=[k]), name)[0]
        effects = rng.multivariate_normal(np.zeros(len(cov)), cov, POPULATION)
        for role, values in zip(name.roles, effects.T, strict=True):
            one[role.effect].loc[{"city": CITY}] = values
            sds = np.sqrt(np.diagonal(one[role.part.factor_covariance].to_numpy()[0]))
            placed = sds * rng.normal(size=(POPULATION, 2))
            one[role.position].loc[{"city": CITY}] = placed
        mu = np.exp(linear_predictor(one, dyads, Part.DEGREE, rows).to_numpy())
        density = np.exp(stats.poisson.logpmf(count, mu).sum(axis=1))
        expected, error = density.mean(), density.std() / np.sqrt(POPULATION)
        own = abs(halves[0][k] - halves[1][k]) / 2 + 0.02
        assert error < 0.02 * expected
        assert abs(np.exp(both[k]) / expected - 1) < 4 * np.hypot(error / expected, own)
