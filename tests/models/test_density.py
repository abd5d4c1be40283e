"""The sampled density is the documented model's: against SciPy, and under relabelling."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special, stats

from data.from_memory import study_from_table
from data.roles import Part
from data.study import with_slopes
from models import Priors, build, simulate_study
from models.effects.centering import centering
from models.effects.city import split_city_space
from models.name import correlation_name, parse_model
from models.predictor.linear import linear_predictor
from models.priors.density import log_prior

pytestmark = pytest.mark.slow


def log_density_of(model):
    """Give the joint log-density as a function of points, without compiling C."""
    terms = model.compile_fn(model.logp(sum=False), mode="FAST_COMPILE")
    return lambda point: sum(float(np.sum(term)) for term in terms(point))


def with_city_predictors(cities, zeros_every):
    """Simulate a study with an exposure and with predictors of the sender's and receiver's city."""
    study, _ = simulate_study(cities, "zinb_srm", seed=3)
    dyads = study.dyads
    size = pd.Series(1e-9 * np.linspace(-1, 2, cities) ** 2, dyads["city"].to_numpy())
    table = pd.DataFrame(
        {
            "sender": dyads["sender"].to_numpy(),
            "receiver": dyads["receiver"].to_numpy(),
            "services": dyads["outcome"].to_numpy()
            + (np.arange(dyads.sizes["dyad"]) % zeros_every > 0),
            "near": dyads["degree_design"].sel(degree_term="near").to_numpy(),
        }
    )
    table["years"] = 1 + np.arange(len(table)) % 4
    table["size_sender"] = size.loc[table["sender"]].to_numpy()
    table["size_receiver"] = 3 * size.loc[table["receiver"]].to_numpy() - 1e-9
    declaration = study.declaration.model_copy(
        update={
            "synthetic": (),
            "dyads": study.declaration.dyads.model_copy(update={"exposure": "years"}),
            "formula": study.declaration.formula.model_copy(
                update={"selection": "near", "degree": "near + size_sender + size_receiver"}
            ),
        }
    )
    return table, declaration


def point_and_parameters(model, seed):
    """Give a random point in the sampler's coordinates, and the plain parameters there."""
    rng = np.random.default_rng(seed)
    point = {
        name: value + rng.normal(0, 0.3, np.shape(value))
        for name, value in model.initial_point().items()
    }
    plain = [v for v in model.unobserved_value_vars if v not in model.value_vars]
    values = model.compile_fn(
        plain, inputs=model.value_vars, on_unused_input="ignore", mode="FAST_COMPILE"
    )(point)
    return point, point | {v.name: np.asarray(x) for v, x in zip(plain, values, strict=True)}


def density_by_hand(study, name, parameters):
    """Sum the log densities of DESIGN's model, priors `default`, in plain parameters."""
    return prior_by_hand(study, name, parameters) + effects_by_hand(study, name, parameters)


def prior_by_hand(study, name, parameters):
    """Sum those of the parameters that have a prior."""
    total = 0.0
    for part in name.parts:
        scale = study.dyads[f"{part}_design"].std("dyad", ddof=1).to_numpy()
        mu, sigma = (0, 2) if part == "selection" else (-1, 2.5)
        total += stats.norm(mu, sigma).logpdf(parameters[f"{part}_intercept"])
        total += stats.norm(0, 1 / scale).logpdf(parameters[f"{part}_coef"]).sum()
    for block in name.blocks:
        sd = np.array([parameters[f"{role}_sd"] for role in block])
        total += stats.halfnorm(scale=1).logpdf(sd).sum()
        total += lkj(correlation(block, parameters), eta=2)
    for role in name.roles:
        if f"{role}_slope" in parameters:
            part = role.part
            unit = study.dyads[f"{part}_design"].sel({f"{part}_term": "near"}).std(ddof=1).item()
            sd = parameters[f"{role}_slope_sd"]
            total += (stats.halfnorm(scale=1).logpdf(sd * unit) + np.log(unit)).sum()
    if name.has_pairs:
        for part in name.parts:
            sd, rho = parameters[f"{part}_pair_sd"], parameters[f"{part}_dyadic_reciprocity"]
            total += stats.halfnorm(scale=1).logpdf(sd) + lkj(np.array([[1, rho], [rho, 1]]), 2)
    if name.family.scale:
        total += stats.halfnorm(scale=2).logpdf(parameters["dispersion"])
    return total


def effects_by_hand(study, name, parameters):
    """Sum those of city effects, random slopes and pair effects."""
    total = 0.0
    for block in name.blocks:
        sd = np.array([parameters[f"{role}_sd"] for role in block])
        effects = np.column_stack([parameters[role.effect] for role in block])
        covariance = correlation(block, parameters) * np.outer(sd, sd)
        total += stats.multivariate_normal(np.zeros(len(block)), covariance).logpdf(effects).sum()
    for role in name.roles:
        if f"{role}_slope" in parameters:
            sd = parameters[f"{role}_slope_sd"]
            total += stats.norm(0, sd).logpdf(parameters[f"{role}_slope"]).sum()
    if name.has_pairs:
        dyads = study.dyads.assign_coords(dyad=range(study.dyads.sizes["dyad"]))
        mirror = dyads.set_index(dyad=("sender", "receiver"))
        for part in name.parts:
            sd, rho = parameters[f"{part}_pair_sd"], parameters[f"{part}_dyadic_reciprocity"]
            effect = dict(zip(mirror.get_index("dyad"), parameters[f"{part}_pair"], strict=True))
            both = [(e, effect[(j, i)]) for (i, j), e in effect.items() if i < j]
            covariance = sd**2 * np.array([[1, rho], [rho, 1]])
            total += stats.multivariate_normal([0, 0], covariance).logpdf(both).sum()
    return total


def correlation(block, parameters):
    matrix = np.eye(len(block))
    if len(block) > 1:
        lower = np.tril_indices(len(block), -1)
        matrix[lower] = parameters[correlation_name(block)]
        matrix = np.tril(matrix) + np.tril(matrix, -1).T
    return matrix


def lkj(matrix, eta):
    """Log density of Lewandowski, Kurowicka and Joe (2009), equation 16 for the constant."""
    n = len(matrix)
    left = n - np.arange(1, n)
    b = eta + (left - 1) / 2
    constant = ((2 * eta - 2 + left) * left * np.log(2) + left * special.betaln(b, b)).sum()
    return (eta - 1) * np.linalg.slogdet(matrix)[1] - constant


def predictors(study, name, parameters):
    """Compute both linear predictors with plain loops."""
    dyads, eta = study.dyads, {}
    city = {each: k for k, each in enumerate(dyads["city"].to_numpy())}
    for part in name.parts:
        design = dyads[f"{part}_design"].to_numpy()
        eta[part] = (
            parameters[f"{part}_intercept"]
            + (design - design.mean(axis=0)) @ parameters[f"{part}_coef"]
        )
        for side in ("sender", "receiver"):
            if f"{part}_{side}" in parameters:
                at = [city[each] for each in dyads[side].to_numpy()]
                eta[part] = eta[part] + parameters[f"{part}_{side}"][at]
                if f"{part}_{side}_slope" in parameters:
                    column = dyads[f"{part}_design"].sel({f"{part}_term": "near"}).to_numpy()
                    slope = parameters[f"{part}_{side}_slope"][at, 0]
                    eta[part] = eta[part] + slope * (column - column.mean())
        if name.has_pairs:
            eta[part] = eta[part] + parameters[f"{part}_pair"]
    log_years = dyads["log_exposure"].to_numpy()
    eta["degree"] = eta["degree"] + log_years - log_years.mean()
    return eta


def log_likelihood(study, name, parameters):
    eta = predictors(study, name, parameters)
    count, mu = study.dyads["outcome"].to_numpy(), np.exp(eta["degree"])
    family = name.name.removeprefix("hurdle_").split("_")[0]
    if name.family.scale:
        dispersion = parameters["dispersion"]
        counts = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mu))
    else:
        counts = stats.poisson(mu)
    if family in ("poisson", "nb") and "selection" not in eta:
        return counts.logpmf(count).sum()
    psi = 1 / (1 + np.exp(-eta["selection"]))
    if name.name.startswith("hurdle"):
        truncated = psi * counts.pmf(count) / counts.sf(0)
        return np.log(np.where(count == 0, 1 - psi, truncated)).sum()
    return np.log(psi * counts.pmf(count) + (1 - psi) * (count == 0)).sum()


def change_of_variables(study, name, parameters, point):
    """Log absolute determinant of plain parameters in the sampler's coordinates."""
    total = 0.0
    for variable, value in point.items():
        if variable.endswith("_log__"):
            total += np.sum(value)
        elif variable.endswith("reciprocity_interval__"):  # rho in (-1, 1)
            rho = parameters[variable.removesuffix("_interval__")]
            total += np.log((1 - rho**2) / 2)
    for part in name.parts:  # the coordinates of coefficients are standardized
        total -= np.log(study.dyads[f"{part}_design"].std("dyad", ddof=1).to_numpy()).sum()
    for block in name.blocks:
        total += from_effects(study, name, block, parameters, point)
    for role in name.roles:
        if f"{role}_slope" in parameters:
            total += from_slopes(study, name, role, parameters)
    if name.has_pairs:
        for part in name.parts:
            total += from_pairs(study, name, part, parameters)
    return total


def from_pairs(study, name, part, parameters):
    """Log determinant of a part's pair effects in units of what is left unknown of them."""
    sd, rho = parameters[f"{part}_pair_sd"], parameters[f"{part}_dyadic_reciprocity"]
    precision, of_pair = said(study, name, part, parameters), {}
    for pair, own in zip(study.dyads["dyad_pair"].to_numpy(), precision, strict=True):
        of_pair[pair] = of_pair.get(pair, 0) + own / 2
    return sum(
        -np.log(1 / (sd**2 * (1 + sign * rho)) + own) / 2
        for own in of_pair.values()
        for sign in (1, -1)
    )


def from_slopes(study, name, role, parameters):
    """Log determinant of a role's random slopes likewise, and of the unit of their sd."""
    column = study.dyads[f"{role.part}_design"].sel({f"{role.part}_term": "near"}).to_numpy()
    sd = parameters[f"{role}_slope_sd"].item()
    precision = said(study, name, role.part, parameters) * (column - column.mean()) ** 2
    total = -np.log(column.std(ddof=1))
    for city in study.dyads["city"].to_numpy():
        own = precision[study.dyads[role.side].to_numpy() == city].sum()
        total -= np.log(1 / sd**2 + own) / 2
    return total


def said(study, name, part, parameters):
    """Give how precisely each count is taken to tell its linear predictor."""
    count = study.dyads["outcome"].to_numpy()
    precision = 1 / (parameters.get("dispersion", 0) + 1 / (count + 0.5))
    silent = (count == 0) & (len(name.parts) > 1)
    return np.where(silent | (part == "selection"), 0, precision)


def from_effects(study, name, block, parameters, point):
    """Log determinant of a group's city effects, and of its correlations where it has several."""
    total = 0.0
    along = split_city_space(study.dyads, block).columns.shape[1]
    shares = centering(study.dyads, name.family_name, block)
    order = sorted(range(len(block)), key=lambda k: -shares[block[k].centering].mean())
    matrix = correlation(block, parameters)[np.ix_(order, order)]
    for k, own in zip(order, np.diag(np.linalg.cholesky(matrix)), strict=True):
        # centered by a share, an effect across is sd^share times what the sampler moves, less that
        across = shares[block[k].centering][along:]
        free = along + (1 - across).sum()
        total += free * np.log(parameters[f"{block[k]}_sd"] * own)
    if len(block) > 2:
        total += from_partial_correlations(len(block), point)
    return total


def from_partial_correlations(n, point):
    """Log determinant of correlations in the sampler's coordinates, by complex steps."""
    names = [f"_city_partial_correlation_{i}_{k}_interval__" for i in range(n) for k in range(i)]

    def correlations(z):
        partial = np.tanh(z / 2)  # the interval transform of (-1, 1)
        factor, at = np.eye(n, dtype=complex), iter(partial)
        for i in range(n):
            left = 1.0
            for k in range(i):
                factor[i, k] = next(at) * np.sqrt(left)
                left = left - factor[i, k] ** 2
            factor[i, i] = np.sqrt(left)
        return (factor @ factor.T)[np.tril_indices(n, -1)]

    z = np.array([point[name] for name in names], dtype=complex)
    steps = 1e-30j * np.eye(len(z))
    return np.linalg.slogdet(np.array([correlations(z + h).imag / 1e-30 for h in steps]))[1]


MODELS = [
    *("nb_pooled", "nb_crossed", "zinb_crossed", "zinb_srm", "poisson_sender", "zip_receiver"),
    *("hurdle_nb_srm", "zinb_srm_joint", "poisson_srm_dyadic", "hurdle_nb_srm_dyadic"),
]


@pytest.mark.filterwarnings("ignore::models.build.ModelCaution")
@pytest.mark.parametrize("zeros_every", [1, 3], ids=["few positives", "many positives"])
@pytest.mark.parametrize("model", MODELS)
def test_sampled_density_is_the_documented_one(model, zeros_every):
    table, declaration = with_city_predictors(9 if zeros_every == 1 else 24, zeros_every)
    study, name = study_from_table(table, declaration, "small"), parse_model(model)
    shares = centering(study.dyads, name.family_name, name.roles)
    assert zeros_every == 1 or not shares or any((share > 0).any() for share in shares.values())
    built = build(study, model)
    log_density = log_density_of(built)
    for seed in range(3):
        point, parameters = point_and_parameters(built, seed)
        expected = density_by_hand(study, name, parameters) + log_likelihood(
            study, name, parameters
        )
        actual = log_density(point) - change_of_variables(study, name, parameters, point)
        assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("model", ["nb_crossed", "zinb_srm"])
def test_density_with_random_slopes(model):
    table, declaration = with_city_predictors(9, 1)
    slopes = ["degree:sender:near", "degree:receiver:near"]
    study = with_slopes(study_from_table(table, declaration, "small"), slopes)
    name, built = parse_model(model), build(study, model)
    point, parameters = point_and_parameters(built, 3)
    assert parameters["degree_sender_slope"].shape == (9, 1)
    expected = density_by_hand(study, name, parameters) + log_likelihood(study, name, parameters)
    actual = log_density_of(built)(point) - change_of_variables(study, name, parameters, point)
    assert actual == pytest.approx(expected, rel=1e-12)
    # the file's log-likelihood takes the way by xarray
    draws = draws_of(built, [parameters]).isel(chain=0, draw=0)
    degree = linear_predictor(draws, study.dyads, Part.DEGREE).to_numpy()
    by_hand = predictors(study, name, parameters)["degree"]
    np.testing.assert_allclose(degree, by_hand, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::models.build.ModelCaution")
@pytest.mark.parametrize("model", ["nb_pooled", "zinb_srm", "zinb_srm_joint", "nb_srm_dyadic"])
def test_log_prior_is_the_sampled_density_less_effects_and_likelihood(model):
    table, declaration = with_city_predictors(9, 1)
    slopes = [] if model == "nb_pooled" else ["degree:sender:near", "degree:receiver:near"]
    study = study_from_table(table, declaration, "small")
    study, name = with_slopes(study, slopes) if slopes else study, parse_model(model)
    built = build(study, model)
    points = [point_and_parameters(built, seed) for seed in range(4)]
    found = log_prior(
        draws_of(built, [each for _, each in points]), study, name, Priors.load("default")
    )
    summed = sum(each.sum(set(each.dims) - {"chain", "draw"}) for each in found.values())
    log_density = log_density_of(built)
    for at, (point, parameters) in enumerate(points):
        expected = (
            log_density(point)
            - change_of_variables(study, name, parameters, point)
            - effects_by_hand(study, name, parameters)
            - log_likelihood(study, name, parameters)
        )
        # a difference of sums that are some hundred times as large
        assert float(summed[0, at]) == pytest.approx(expected, abs=1e-9)


def draws_of(built, points):
    """Lay parameters at several points out as one chain of draws."""
    return xr.Dataset(
        {
            v: (
                ("chain", "draw", *built.named_vars_to_dims.get(v, ())),
                np.stack([each[v] for each in points])[None],
            )
            for v in points[0]
            if not v.startswith("_") and not v.endswith("__")
        },
        {dim: list(values) for dim, values in built.coords.items() if dim != "dyad"},
    )


@pytest.mark.parametrize("model", ["nb_crossed", "zinb_srm", "zinb_srm_joint"])
def test_relabelled_cities_and_reordered_rows_have_the_same_density(model):
    table, declaration = with_city_predictors(9, 1)
    study, name = study_from_table(table, declaration, "small"), parse_model(model)
    rng = np.random.default_rng(5)
    cities = study.dyads["city"].to_numpy()
    new_name = dict(zip(cities, rng.permutation([f"town {k}" for k in range(9)]), strict=True))
    mixed = table.replace({"sender": new_name, "receiver": new_name}).sample(frac=1, random_state=6)
    other = study_from_table(mixed, declaration, "mixed")
    built = build(other, model)
    point, parameters = point_and_parameters(built, 7)
    actual = log_density_of(built)(point) - change_of_variables(other, name, parameters, point)

    # the same parameters under the old names, held against the study under the old names
    towns = other.dyads["city"].to_numpy().tolist()
    back = [towns.index(new_name[city]) for city in cities]
    renamed = parameters | {role.effect: parameters[role.effect][back] for role in name.roles}
    expected = density_by_hand(study, name, renamed) + log_likelihood(study, name, renamed)
    assert actual == pytest.approx(expected, abs=1e-9)


def test_the_largest_counts_are_kept_whole():
    table, declaration = with_city_predictors(9, 1)
    table.loc[3:5, "services"] = [2**29 + 1, 10**9 - 1, 10**9]
    study, name = study_from_table(table, declaration, "large"), parse_model("nb_pooled")
    built = build(study, "nb_pooled")
    observed = built.rvs_to_values[built["outcome"]].eval()
    assert observed.tolist() == table["services"].tolist()
    point, parameters = point_and_parameters(built, 2)
    expected = density_by_hand(study, name, parameters) + log_likelihood(study, name, parameters)
    actual = log_density_of(built)(point) - change_of_variables(study, name, parameters, point)
    assert actual == pytest.approx(expected, rel=1e-9)
