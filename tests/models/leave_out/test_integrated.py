"""Own effects integrated out: each draw's integral against SciPy's cubature, and their use."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import cubature

from data.roles import Part, sides_of
from models import simulate_study
from models.inference.predictive import thinned
from models.leave_out.integrated import log_densities
from models.leave_out.unit_in_fit import unit_in_fit
from models.leave_out.units import rows_of_units
from models.name import correlation_name, parse_model, role_pairs
from models.predictor.linear import linear_predictor

pytestmark = pytest.mark.slow

CHAINS, COPIES = 2, 200  # of one draw each; how often this is integrated
ONE, OTHER = "city 002", "city 004"
WIDTH = 7.0  # of the box that is integrated over, in sds of the population


def own_effects(name, unit):
    """List the effects that are integrated out: variable and label; of positions one dimension."""
    effects = [
        (variable, city)
        for city, side in ((ONE, "sender"), (OTHER, "receiver"))
        for role in name.roles
        if unit == "pair" or role.side in (side, "city")
        for variable in [role.effect, *[role.position] * name.rank_of(role.part)]
    ]
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


def sd_of(variable, one):
    """Give the sd of the population that an effect or a position comes from."""
    part, _, *position = variable.split("_")
    if position:
        return np.sqrt(one[Part(part).factor_covariance].item())
    return one[f"{variable}_sd"].item()


def with_own(known, labels, own, variable, x):
    """Put what is integrated over at x, (point, own), among known values of labels."""
    values = np.tile(known, (len(x), 1)).astype(float)
    for k, (of, label) in enumerate(own):
        if of == variable:
            values[:, np.asarray(labels) == label] = x[:, [k]]
    return values


def log_population(x, own, one, name):
    """Give the log density of all effects, with those that are integrated over at x."""
    total = np.zeros(len(x))
    cities = stats.multivariate_normal(cov=covariance(one, name))
    for city in (ONE, OTHER):
        effects = [
            with_own([one[role.effect].sel(city=city).item()], [city], own, role.effect, x)
            for role in name.roles
        ]
        total += cities.logpdf(np.concatenate(effects, axis=1)).reshape(len(x))
    for k, (variable, _) in enumerate(own):
        if variable.endswith("position"):
            total += stats.norm.logpdf(x[:, k], scale=sd_of(variable, one))
    for part in name.parts if name.has_pairs else ():
        both = [f"{ONE} -> {OTHER}", f"{OTHER} -> {ONE}"]
        known = [one[f"{part}_pair"].sel(dyad=dyad).item() for dyad in both]
        effects = with_own(known, both, own, f"{part}_pair", x)
        sd, rho = one[f"{part}_pair_sd"].item(), one[f"{part}_dyadic_reciprocity"].item()
        cov = sd**2 * np.array([[1, rho], [rho, 1]])
        total += stats.multivariate_normal(cov=cov).logpdf(effects).reshape(len(x))
    return total


def products(part, ends, own, one, name, x):
    """Multiply positions of dyads' cities where one of them is integrated over, (point, dyad)."""
    roles = [role for role in name.roles if role.part == part]
    both, mine = 1.0, False
    for role, cities in zip((roles[0], roles[-1]), ends.values(), strict=True):
        known = one[role.position].sel(city=cities).to_numpy()[:, 0]
        both = both * with_own(known, cities, own, role.position, x)
        mine = mine | np.isin(cities, [label for of, label in own if of == role.position])
    return both * mine * (one[part.factor_sign].item() if part.factor_sign in one else 1.0)


def by_cubature(one, study, name, unit, rows):
    """Integrate over the own effects of one draw; give the log density and its relative error."""
    dyads, own = study.dyads, own_effects(name, unit)
    ends = {side: dyads[side].to_numpy() for side in sides_of(dyads.coords)}
    bare, enters = one.copy(deep=True), []
    for variable, label in own:
        part, kind, *position = variable.split("_")
        bare[variable].loc[{"dyad" if kind == "pair" else "city": label}] = 0.0
        where = dyads["dyad"].to_numpy() == label
        for end, cities in ends.items():
            where = where | ((cities == label) & (kind in (end, "city")))
        enters.append(("" if position else part, where))
    touched = np.flatnonzero(np.any([where for _, where in enters], axis=0))
    base = {part: linear_predictor(bare, dyads, part).to_numpy()[touched] for part in name.parts}
    count, left_out = dyads["outcome"].to_numpy()[touched], np.isin(touched, rows)
    ends = {side: cities[touched] for side, cities in ends.items()}

    def log_densities_at(x):
        predictors = {
            part: base[part]
            + sum(x[:, [k]] * where[touched] for k, (of, where) in enumerate(enters) if of == part)
            + (products(part, ends, own, one, name, x) if name.rank_of(part) else 0.0)
            for part in name.parts
        }
        pointwise = log_pmf(name, count, predictors, one)
        others = pointwise[:, ~left_out].sum(axis=1) + log_population(x, own, one, name)
        return np.stack([others + pointwise[:, left_out].sum(axis=1), others], axis=1)

    drawn = np.array(
        [[one[v].sel({"dyad" if "pair" in v else "city": at}).item() for v, at in own]]
    )
    scale = log_densities_at(drawn)
    width = WIDTH * np.array([sd_of(variable, one) for variable, _ in own])
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
        ("poisson_ame1", "dyad"),
        ("nb_additive_ame1", "dyad"),
        ("nb_sender", "pair"),
        ("nb_crossed", "pair"),
        ("nb_srm", "pair"),
    ],
)
def test_each_draws_integral_is_the_cubatures(draws_around, model, unit):
    study, truth = simulate_study(5, model, seed=3)
    name = parse_model(model)
    draws = thinned(draws_around(truth, 1), CHAINS)
    if name.factor_parts:  # four dimensions at once take a cubature a minute
        draws = draws.isel(draw=[0])
    number = draws.sizes["draw"]
    if "city_correlation" in draws:  # scattered values might be those of no correlation matrix
        draws["city_correlation"] = truth["city_correlation"].broadcast_like(draws["dispersion"])
    rows = rows_of_units(study.dyads, unit)
    label = next(each for each in rows if ONE in each and OTHER in each)
    copies = draws.isel(draw=np.repeat(np.arange(number), COPIES))
    seen = unit_in_fit(copies, study.dyads, name, unit, rows[label])
    both, *halves = log_densities(seen, np.random.default_rng(7)).reshape(3, number, COPIES)
    for k in range(number):
        expected, error = by_cubature(draws.isel(draw=k), study, name, unit, rows[label])
        relative = np.exp(both[k] - expected)
        reported = np.sqrt((((halves[0][k] - halves[1][k]) / 2) ** 2).mean())
        # what the halves say of one integral's error is what many of them show
        assert relative.std() == pytest.approx(reported, rel=0.25)
        assert reported < 0.1
        allowed = 4 * relative.std() / np.sqrt(COPIES) + reported**2 + error
        assert abs(relative.mean() - 1) < allowed
