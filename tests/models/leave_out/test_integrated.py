"""Own effects integrated out: each draw's integral against SciPy's cubature, and their use."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import cubature

from data.roles import SIDES
from models import simulate_study
from models.inference.predictive import thinned
from models.leave_out.integrated import log_densities
from models.leave_out.unit_in_fit import unit_in_fit
from models.leave_out.units import rows_of_units
from models.name import correlation_name, parse_model, role_pairs
from models.predictor.linear import linear_predictor

pytestmark = pytest.mark.slow

DRAWS, COPIES = 2, 200  # draws of each of two chains; how often each is integrated
ONE, OTHER = "city 002", "city 004"
WIDTH = 7.0  # of the box that is integrated over, in sds of the population


def own_effects(name, unit):
    """List the effects that are integrated out: variable and label."""
    if unit == "pair":
        effects = [(role.effect, city) for city in (ONE, OTHER) for role in name.roles]
    else:
        effects = [(role.effect, ONE) for role in name.roles if role.side == "sender"]
        effects += [(role.effect, OTHER) for role in name.roles if role.side == "receiver"]
    dyads = [f"{ONE} -> {OTHER}", f"{OTHER} -> {ONE}"][: 1 + (unit == "pair")]
    pairs = [(f"{part}_pair", dyad) for part in name.parts for dyad in dyads]
    return effects + pairs * name.has_pairs


def covariance(one, name):
    """Put a city's covariance together from sds and labelled correlations."""
    roles = [role.effect for role in name.roles]
    correlation = np.eye(len(roles))
    for block in name.blocks:
        if len(block) > 1:
            values = dict(
                zip(role_pairs(block), one[correlation_name(block)].to_numpy().ravel(), strict=True)
            )
            for label, value in values.items():
                i, j = (roles.index(role) for role in label.split(" & "))
                correlation[i, j] = correlation[j, i] = value
    sds = np.array([one[f"{role}_sd"].item() for role in name.roles])
    return correlation * np.outer(sds, sds)


def log_pmf(name, count, predictors, one):
    mu = np.exp(predictors["degree"])
    if name.family.scale:
        alpha = one["dispersion"].item()
        log_count = stats.nbinom.logpmf(count, 1 / alpha, 1 / (1 + alpha * mu))
    else:
        log_count = stats.poisson.logpmf(count, mu)
    if "selection" not in predictors:
        return log_count
    eligible = -np.log1p(np.exp(-predictors["selection"]))
    not_eligible = -np.log1p(np.exp(predictors["selection"]))
    return np.where(
        count > 0, eligible + log_count, np.logaddexp(not_eligible, eligible + log_count)
    )


def by_cubature(one, study, name, unit, rows):
    """Integrate over the own effects of one draw; give the log density and its relative error."""
    dyads, own = study.dyads, own_effects(name, unit)
    ends = {side: dyads[side].to_numpy() for side in SIDES}
    bare, enters = one.copy(deep=True), []
    for variable, label in own:
        part, kind = variable.split("_")
        dim = "dyad" if kind == "pair" else "city"
        bare[variable].loc[{dim: label}] = 0.0
        where = dyads["dyad"].to_numpy() if kind == "pair" else ends[kind]
        enters.append((part, where == label))
    touched = np.flatnonzero(np.any([where for _, where in enters], axis=0))
    base = {part: linear_predictor(bare, dyads, part).to_numpy()[touched] for part in name.parts}
    count, left_out = dyads["outcome"].to_numpy()[touched], np.isin(touched, rows)
    cities = stats.multivariate_normal(cov=covariance(one, name))

    def log_population(x):
        total = 0.0
        for city in (ONE, OTHER):
            effects = np.stack(
                [np.full(len(x), one[role.effect].sel(city=city)) for role in name.roles], 1
            )
            for k, (variable, label) in enumerate(own):
                if label == city:
                    effects[:, list(map(str, name.roles)).index(variable)] = x[:, k]
            total = total + cities.logpdf(effects).reshape(len(x))
        for part in name.parts if name.has_pairs else ():
            both = [f"{ONE} -> {OTHER}", f"{OTHER} -> {ONE}"]
            effects = np.stack([np.full(len(x), one[f"{part}_pair"].sel(dyad=d)) for d in both], 1)
            for k, (variable, label) in enumerate(own):
                if variable == f"{part}_pair":
                    effects[:, both.index(label)] = x[:, k]
            sd, rho = one[f"{part}_pair_sd"].item(), one[f"{part}_dyadic_reciprocity"].item()
            cov = sd**2 * np.array([[1, rho], [rho, 1]])
            total = total + stats.multivariate_normal(cov=cov).logpdf(effects).reshape(len(x))
        return total

    def log_densities_at(x):
        predictors = {
            part: base[part]
            + sum(x[:, [k]] * where[touched] for k, (of, where) in enumerate(enters) if of == part)
            for part in name.parts
        }
        pointwise = log_pmf(name, count, predictors, one)
        others = pointwise[:, ~left_out].sum(axis=1) + log_population(x)
        return np.stack([others + pointwise[:, left_out].sum(axis=1), others], axis=1)

    drawn = np.array([[one[v].sel({"dyad" if "pair" in v else "city": at}) for v, at in own]])
    scale = log_densities_at(drawn)
    width = WIDTH * np.array([one[f"{variable}_sd"].item() for variable, _ in own])
    rule = "gk21" if len(own) == 1 else "genz-malik"
    found = cubature(
        lambda x: np.exp(log_densities_at(x) - scale),
        *(-width, width),
        rule=rule,
        rtol=2e-3,
        atol=0.0,
        max_subdivisions=20_000,
    )
    assert found.status == "converged"
    above, below = np.log(found.estimate) + scale[0]
    return above - below, (found.error / found.estimate).sum()


@pytest.mark.parametrize(
    ("model", "unit"),
    [
        ("poisson_sender", "dyad"),
        ("nb_crossed", "dyad"),
        ("nb_srm", "dyad"),
        ("nb_srm_dyadic", "dyad"),
        ("zinb_crossed", "dyad"),
        ("zinb_srm", "dyad"),
        ("zinb_srm_joint", "dyad"),
        ("nb_sender", "pair"),
        ("nb_crossed", "pair"),
        ("nb_srm", "pair"),
    ],
)
def test_each_draws_integral_is_the_cubatures(draws_around, model, unit):
    study, truth = simulate_study(5, model, seed=3)
    name = parse_model(model)
    draws = thinned(draws_around(truth, DRAWS), 2 * DRAWS)
    if "city_correlation" in draws:  # scattered values might be those of no correlation matrix
        draws["city_correlation"] = truth["city_correlation"].broadcast_like(draws["dispersion"])
    rows = rows_of_units(study.dyads, unit)
    label = next(each for each in rows if ONE in each and OTHER in each)
    copies = draws.isel(draw=np.repeat(np.arange(2 * DRAWS), COPIES))
    seen = unit_in_fit(copies, study.dyads, name, unit, rows[label])
    both, *halves = log_densities(seen, np.random.default_rng(7)).reshape(3, 2 * DRAWS, COPIES)
    for k in range(2 * DRAWS):
        expected, error = by_cubature(draws.isel(draw=k), study, name, unit, rows[label])
        relative = np.exp(both[k] - expected)
        reported = np.sqrt((((halves[0][k] - halves[1][k]) / 2) ** 2).mean())
        # what the halves say of one integral's error is what many of them show
        assert relative.std() == pytest.approx(reported, rel=0.25)
        assert reported < 0.1
        allowed = 4 * relative.std() / np.sqrt(COPIES) + reported**2 + error
        assert abs(relative.mean() - 1) < allowed
