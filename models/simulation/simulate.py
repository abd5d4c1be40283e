"""Outcomes drawn from a model with known truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w
import xarray as xr

from data.declaration import Declaration
from data.errors import ModelError
from data.files import making_folder
from data.from_memory import study_from_table
from data.roles import BOTH, PARTS, SIDES, Part, Role, sides_of
from data.study import Study
from models.inference.predictive import drawn_outcomes
from models.name import (
    CITY_CORRELATION,
    ModelName,
    correlation_name,
    named,
    role_pairs,
)
from models.predictor.linear import city_position

Truth = Mapping[str, Any]

LARGEST_SIMULATED = 1000  # cities: a million dyads

# What `simulate_study` draws from where it is told nothing else: about two thirds zeros.
TRUTH: dict[str, Any] = {
    "selection_intercept": 0.2,
    "selection_coef": {"near": 0.8, "alike": -0.4},
    "degree_intercept": 1.2,
    "degree_coef": {"near": 0.5, "alike": 0.3},
    "selection_sender_sd": 0.6,
    "selection_receiver_sd": 0.5,
    "selection_generalized_reciprocity": 0.4,
    "degree_sender_sd": 0.7,
    "degree_receiver_sd": 0.5,
    "degree_generalized_reciprocity": 0.6,
    "city_correlation": {
        "selection_sender & selection_receiver": 0.4,
        "selection_sender & degree_sender": 0.6,
        "selection_receiver & degree_sender": 0.2,
        "selection_sender & degree_receiver": 0.1,
        "selection_receiver & degree_receiver": 0.5,
        "degree_sender & degree_receiver": 0.6,
        "selection_city & degree_city": 0.5,
    },
    "selection_city_sd": 0.6,
    "degree_city_sd": 0.6,
    "selection_pair_sd": 0.8,
    "selection_dyadic_reciprocity": 0.6,
    "degree_pair_sd": 0.6,
    "degree_dyadic_reciprocity": 0.6,
    "dispersion": 0.5,
    "residual_sd": 0.7,
    "selection_factor_sd": 0.8,
    "degree_factor_sd": 0.6,
}
MOST_TRIALS = 20  # of a simulated dyad


def simulate_study(
    cities: int, model: str = "zinb_srm", *, seed: int, truth: Truth = TRUTH
) -> tuple[Study, xr.Dataset]:
    """Simulate a study: every dyad of made-up cities, two predictors in each part.

    Dyads are undirected where the model is of such.

    Parameters
    ----------
    cities : int
        How many cities, at least three.
    model : str
        Family and effects to draw from.
    seed : int
        Seed of every random draw.
    truth : mapping
        Parameters as in `draw_outcomes`, with coefficients for ``near`` (minus the log distance
        of two points in the unit square) and ``alike`` (standard normal, the same both ways).

    Returns
    -------
    study : Study
        The simulated study; all of it is synthetic and declared so.
    parameters : xarray.Dataset
        The truth on the study's coordinates, city effects included.

    Raises
    ------
    ModelError
        There is no such model, or the truth lacks a parameter that it needs.
    """
    name = named(model)
    if not 3 <= cities <= LARGEST_SIMULATED:
        raise ModelError(f"cities is {cities}; it lies between 3 and {LARGEST_SIMULATED}")
    if seed < 0:
        raise ModelError(f"seed is {seed}; it must not be negative")
    rng = np.random.default_rng(seed)
    names = np.array([f"city {k:03d}" for k in range(1, cities + 1)])
    i, j = np.nonzero(~np.eye(cities, dtype=bool))
    sides = SIDES if name.directed is not False else BOTH
    if sides == BOTH:
        i, j = i[i < j], j[i < j]
    place = rng.random((cities, 2))
    likeness = rng.normal(size=(cities, cities))
    table = pd.DataFrame(
        {
            sides[0]: names[i],
            sides[1]: names[j],
            "services": np.arange(i.size) % 2,
            "near": -np.log(np.linalg.norm(place[i] - place[j], axis=1) + 0.05),
            "alike": ((likeness + likeness.T) / np.sqrt(2))[i, j],
        }
    )
    dyads: dict[str, Any] = {"outcome": "services"}
    if sides == SIDES:
        dyads |= {"sender": "sender", "receiver": "receiver"}
    else:
        dyads |= {"cities": sides, "directed": False}
    synthetic = ["services", "near", "alike"]
    if name.family.outcome.has_trials:
        table["trials"] = rng.integers(1, MOST_TRIALS + 1, i.size)
        dyads["trials"] = "trials"
        synthetic.append("trials")
    declaration = Declaration.model_validate(
        {
            "title": f"Simulated study of {cities} cities, {model}, seed {seed}",
            "synthetic": tuple(synthetic),
            "models": (model,),
            "dyads": dyads,
            "formula": {"selection": "near + alike", "degree": "near + alike"},
        }
    )
    label = f"simulated_{seed}"
    unknown = study_from_table(table, declaration, label)
    parameters, outcome = draw_outcomes(unknown.dyads, name, truth, rng)
    return study_from_table(table.assign(services=outcome), declaration, label), parameters


def write_simulated(study: Study, parameters: xr.Dataset, folder: Path) -> None:
    """Write a simulated study as a folder."""
    dyads, columns = study.dyads, study.declaration.dyads
    ends = zip(columns.ends, sides_of(dyads.coords), strict=True)
    table = pd.DataFrame({column: dyads[side].to_numpy() for column, side in ends})
    table[columns.outcome] = dyads["outcome"].to_numpy()
    if columns.trials is not None:
        table[columns.trials] = dyads["trials"].to_numpy()
    for part in PARTS:
        for term in study.terms[part]:
            table[term] = dyads[part.design].sel({part.term: term}).to_numpy()
    truth = {
        str(name): values.to_series().to_dict() if values.ndim else values.item()
        for name, values in parameters.data_vars.items()
    }
    with making_folder(folder) as temporary:
        table.to_csv(temporary / columns.file, index=False, lineterminator="\n")
        for name, content in (
            ("study.toml", study.declaration.model_dump(exclude_unset=True)),
            ("truth.toml", {"model": study.declaration.models[0], "truth": truth}),
        ):
            (temporary / name).write_text(tomli_w.dumps(content), encoding="utf-8")


def draw_outcomes(
    dyads: xr.Dataset, model: ModelName, truth: Truth, rng: np.random.Generator
) -> tuple[xr.Dataset, np.ndarray]:
    """Draw city effects and outcomes.

    Parameters
    ----------
    truth : mapping
        Parameters by name: intercepts, sds, reciprocities, dispersion and residual sd are numbers,
        ``<part>_coef`` maps each term to its coefficient on the formula's own scale,
        ``<role>_slope_sd``, where slopes vary, each term to its standard deviation,
        ``<part>_factor_sd`` is one number for all dimensions or one for each,
        ``city_correlation`` each pair of roles (``names.role_pairs``) to its correlation.

    Returns
    -------
    outcome : numpy.ndarray
        Shape (dyad,), int64 but for amounts.
    """
    parameters = xr.Dataset(coords={"city": dyads["city"].to_numpy()})
    for part in model.parts:
        parameters[part.intercept] = _given(truth, part.intercept)
        terms = dyads[part.term].to_numpy().tolist()
        coefs = truth.get(part.coef, {})
        if set(coefs) != set(terms):
            raise ModelError(f"truth: {part.coef} has terms {sorted(coefs)}, the study {terms}")
        values = [float(coefs[term]) for term in terms]
        parameters[part.coef] = xr.DataArray(values, {part.term: terms})
    for block in model.blocks:
        standard = rng.multivariate_normal(
            np.zeros(len(block)),
            _correlation(block, truth, parameters),
            size=dyads.sizes["city"],
            method="cholesky",
        )
        for role, values in zip(block, standard.T, strict=True):
            parameters[role.sd] = _given(truth, role.sd)
            parameters[role.effect] = ("city", values * parameters[role.sd].item())
    for role in (role for role in model.roles if role.slope_sd in truth):
        _draw_slopes(role, truth[role.slope_sd], parameters, rng)
    for part in model.parts:
        _draw_beside(part, model, dyads, truth, parameters, rng)
    if model.has_correlated_residuals:
        reciprocity = Part.DEGREE.dyadic_reciprocity
        parameters[reciprocity] = _given(truth, reciprocity)
    if model.family.scale:
        parameters[model.family.scale] = _given(truth, model.family.scale)
    (outcome,) = drawn_outcomes(rng, parameters.expand_dims(draw=1), dyads, model)
    return parameters, outcome


def _correlation(block: Sequence[Role], truth: Truth, parameters: xr.Dataset) -> np.ndarray:
    """Read the correlations of a group of roles, note them among the parameters, fill a matrix."""
    name, pairs = correlation_name(block), role_pairs(block)
    lower = np.tril_indices(len(block), -1)
    matrix = np.eye(len(block))
    if not pairs:
        return matrix
    if name != CITY_CORRELATION:
        parameters[name] = _given(truth, name)
        matrix[lower] = parameters[name].item()
    else:
        if not set(truth.get(name, {})) >= set(pairs):
            raise ModelError(f"truth: {name} needs a value for each of {', '.join(pairs)}")
        matrix[lower] = [float(truth[name][pair]) for pair in pairs]
        parameters[name] = xr.DataArray(matrix[lower], {"role_pair": pairs})
    return np.tril(matrix) + np.tril(matrix, -1).T


def _draw_beside(
    part: Part,
    model: ModelName,
    dyads: xr.Dataset,
    truth: Truth,
    parameters: xr.Dataset,
    rng: np.random.Generator,
) -> None:
    """Draw what the model has beside effects of single cities."""
    if model.rank_of(part):
        _draw_positions(part, model, dyads, truth, parameters, rng)
    if model.has_pairs:
        _draw_pairs(part, dyads, truth, parameters, rng)


def _draw_slopes(
    role: Role, sds: Mapping[str, float], parameters: xr.Dataset, rng: np.random.Generator
) -> None:
    parameters[role.slope_sd] = xr.DataArray(list(sds.values()), {role.slope_term: list(sds)})
    standard = rng.standard_normal((parameters.sizes["city"], len(sds)))
    dims = "city", role.slope_term
    parameters[role.slope] = xr.DataArray(standard, dims=dims) * parameters[role.slope_sd]


def _draw_positions(
    part: Part,
    model: ModelName,
    dyads: xr.Dataset,
    truth: Truth,
    parameters: xr.Dataset,
    rng: np.random.Generator,
) -> None:
    rank = model.rank_of(part)
    roles = [role for role in model.roles if role.part == part]
    if part.factor_sd not in truth:
        raise ModelError(f"truth: no value for '{part.factor_sd}', which the model needs")
    sds = np.atleast_1d(np.asarray(truth[part.factor_sd], dtype=float))
    if len(sds) not in (1, rank):
        raise ModelError(f"truth: {part.factor_sd} has {len(sds)} values, the model {rank}")
    if len(roles) > 1 and (sds < 0).any():
        raise ModelError(
            f"truth: {part.factor_sd} is negative, which that of undirected dyads may be"
        )
    sds = np.broadcast_to(sds, rank)
    sds = sds[np.argsort(-abs(sds), kind="stable")]
    labels = [str(k + 1) for k in range(rank)]
    standard = rng.standard_normal((len(roles), dyads.sizes["city"], rank)) * np.sqrt(abs(sds))
    i, j = (city_position(dyads, end) for end in sides_of(dyads.coords))
    for role, values in zip(roles, standard, strict=True):
        parameters[role.position] = (("city", part.dimension), values)
    matrix = (standard[0] * np.sign(sds)) @ standard[-1].T
    square = part.dimension, part.other_dimension
    parameters.update(
        {
            part.factor_sd: (part.dimension, abs(sds)),
            part.factor_covariance: (square, np.diag(abs(sds))),
            part.multiplicative: xr.DataArray(matrix[i, j], {"dyad": dyads["dyad"].to_numpy()}),
            part.dimension: labels,
            part.other_dimension: labels,
        }
    )
    if len(roles) > 1:
        singular = np.linalg.svd(matrix, compute_uv=False)[:rank]
        parameters[part.singular_value] = (part.dimension, singular)
        return
    values = np.linalg.eigvalsh(matrix)
    largest = values[np.argsort(-abs(values))[:rank]]
    parameters[part.factor_sign] = (square, np.diag(np.sign(sds)))
    parameters[part.eigenvalue] = (part.dimension, np.sort(largest)[::-1])


def _draw_pairs(
    part: Part, dyads: xr.Dataset, truth: Truth, parameters: xr.Dataset, rng: np.random.Generator
) -> None:
    sd, reciprocity = part.pair.sd, part.dyadic_reciprocity
    parameters[sd], parameters[reciprocity] = _given(truth, sd), _given(truth, reciprocity)
    rho = parameters[reciprocity].item()
    both = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=dyads.sizes["pair"])
    position = dyads.get_index("pair").get_indexer(pd.Index(dyads["dyad_pair"].to_numpy()))
    direction = np.where(dyads["sender"].to_numpy() < dyads["receiver"].to_numpy(), 0, 1)
    effect = both[position, direction] * parameters[sd].item()
    parameters[part.pair.effect] = xr.DataArray(effect, {"dyad": dyads["dyad"].to_numpy()})


def _given(truth: Truth, name: str) -> float:
    if name not in truth:
        raise ModelError(f"truth: no value for '{name}', which the model needs")
    return float(truth[name])
