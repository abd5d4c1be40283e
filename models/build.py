"""Study + model name + priors -> pm.Model."""

import warnings
from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from data.errors import ModelCaution
from data.roles import Part, Role
from data.study import Study
from models.compiled.log_prob import data_of_counts, fused_log_prob
from models.compiled.log_prob_of_draws import has_kernel
from models.compiled.predictor import KnownOfDyads, predictor_of
from models.effects.centering import centering, informed_first
from models.effects.city import CityEffect, city_effects
from models.effects.evidence import information_of, residual_of
from models.effects.pair import pair_effects
from models.effects.slopes import random_slopes
from models.likelihood.arrays import Array, pytensor_arrays
from models.likelihood.families import Family
from models.name import ModelName, named
from models.predictor.linear import column_scale
from models.priors.prior import Prior
from models.priors.prior_set import Priors


def build(
    study: Study,
    model: str,
    priors: str | Priors = "default",
    *,
    exchangeable: Collection[str] = (),
    likelihood: Literal["fused", "graph"] = "fused",
) -> pm.Model:
    """Build the PyMC model of a study.

    Parameters
    ----------
    study : Study
        The dyads.
    model : str
        Family and effects, for example ``zinb_srm``.
    priors : str or Priors
        A prior set, or its name or path.
    exchangeable : collection of str
        What can be exchanged after the model is compiled. ``kept``: the shared variable ``kept``
        (dyad), 0 for a dyad whose count is left out and 1 for others. ``counts``: the shared
        variables that `models.compiled.log_prob.data_of_counts` gives, which are set together. How
        far effects are centered, ``<role>_centering``, can always be exchanged; the order of
        correlated roles is that for the study's counts (`models.effects.centering.informed_first`).
    likelihood : str
        ``fused``: compiled operations (`models.compiled.log_prob`, `models.compiled.predictor`);
        ``graph``: PyTensor's own, several times slower. What counts need that are neither Poisson
        nor negative binomial is always PyTensor's own.

    Returns
    -------
    pymc.Model
        Parameters are named and labelled as ARCHITECTURE.md lists them; variables whose names
        begin with an underscore are the sampler's own coordinates. The observed variable is
        ``count`` (dyad).

    Raises
    ------
    ModelError
        There is no such model.
    PriorError
        The prior set does not exist, or does not fit the study.

    Warns
    -----
    ModelCaution
        The model's results need care; the message says why.

    Notes
    -----
    For the dyad d = (i -> j)::

        logit psi_d = selection_intercept + (x_d - mean(x))' selection_coef + s_i + r_j
        log mu_d = degree_intercept + (w_d - mean(w))' degree_coef + s_i + r_j
                   + log(E_d / geometric mean of E)
    """
    name = named(model)
    chosen = priors if isinstance(priors, Priors) else Priors.load(priors)
    dyads = study.dyads
    chosen.refuse_misfit(name, study)
    for caution in name.cautions:
        warnings.warn(f"{name.name}: {caution}", ModelCaution, stacklevel=2)
    with pm.Model(coords=_coords(dyads, name)) as pymc_model:
        known = centering(dyads, name.family_name, name.roles)
        # exchangeable, for a second try that knows more of the cities
        shares = {label: pm.Data(label, share) for label, share in known.items()}
        effects: dict[Role, CityEffect] = {}
        for block in name.blocks:
            order = informed_first(block, known)
            effects |= city_effects(block, dyads, chosen, shares, order)
        parameters: dict[str, Array] = {
            part: _linear_predictor(part, dyads, effects, chosen, fused=likelihood == "fused")
            for part in name.parts
        }
        if name.family.has_dispersion:
            parameters["dispersion"] = chosen.variable("dispersion")
        counts = dyads["count"].to_numpy()
        data = {"kept": np.ones(counts.size)} if "kept" in exchangeable else {}
        data |= data_of_counts(counts) if "counts" in exchangeable else {}
        shared = {label: pm.Data(label, values, dims="dyad") for label, values in data.items()}
        count: Array = shared.get("counts", counts.astype(float))
        for part in name.parts:
            known = _information(part, name, parameters, count, shared)
            predictor = parameters[part] + random_slopes(study, name, part, chosen, known)
            if name.has_pairs:
                residual = residual_of(count, predictor)
                predictor = predictor + pair_effects(part, dyads, chosen, known, residual)
            parameters[part] = predictor
        fused = likelihood == "fused" and has_kernel(name.family)
        _observe(name.family, counts, shared, parameters, fused=fused)
    return pymc_model


def _information(
    part: Part,
    name: ModelName,
    parameters: Mapping[str, Array],
    count: Array,
    shared: Mapping[str, Array],
) -> Array:
    """Approximate how precisely counts tell a linear predictor; nothing of who is eligible."""
    if part != Part.DEGREE:
        return pt.zeros_like(parameters[part])
    informed = shared.get("kept", pt.ones_like(parameters[part]))
    if len(name.parts) > 1:  # a zero may be that of a dyad that is not eligible
        informed = informed * (count > 0)
    return information_of(count, parameters.get("dispersion", 0.0), informed)


def _coords(dyads: xr.Dataset, name: ModelName) -> dict[str, list[str]]:
    terms = [part.term for part in name.parts if dyads.sizes[part.term]]
    return {dim: dyads[dim].to_numpy().tolist() for dim in ("dyad", "city", *terms)}


def _linear_predictor(
    part: Part,
    dyads: xr.Dataset,
    effects: Mapping[Role, CityEffect],
    priors: Priors,
    *,
    fused: bool,
) -> Array:
    center = dyads[part.design].mean("dyad").to_numpy()
    scale = column_scale(dyads, part).to_numpy()
    terms = dyads[part.term].to_numpy().tolist()
    intercept_prior = priors.prior(part.intercept)
    coef_priors = [priors.prior(part.coef, term) for term in terms]

    constant: Array = 0.0  # what effects add to every dyad
    shifts: list[Array] = [0.0] * len(terms)  # what they add to the standardized coefficients
    of_city: dict[str, Array] = {}
    for role in part.roles:
        if role not in effects:
            continue
        effect, side = effects[role], role.side
        terms_of = {0: None} | {
            column: term
            for column, term in effect.split.term_of[role].items()
            if coef_priors[term].can_be_shifted
        }
        onto, rest = effect.split.projected(list(terms_of))
        of_city[side] = effect.across
        for column in np.flatnonzero(rest.any(axis=0)):
            of_city[side] = of_city[side] + rest[:, column] * effect.along[column]
        for row, term in zip(onto, terms_of.values(), strict=True):
            weight = (row * effect.along).sum()
            if term is None:
                constant = constant + weight
            else:
                shifts[term] = shifts[term] + weight * scale[term]
                constant = constant + weight * center[term]

    if intercept_prior.can_be_shifted:
        intercept = _shifted(part.intercept, intercept_prior, constant)
    else:
        intercept = intercept_prior.variable(part.intercept) + constant
    coefs = _coefficients(part, coef_priors, shifts, scale) if terms else np.zeros(0)
    return predictor_of(KnownOfDyads.of(dyads, part), intercept, coefs, of_city, fused=fused)


def _shifted(name: str, prior: Prior, shift: Array) -> Array:
    """Add ``name`` to the model, sampled as ``name + shift``; return the sum."""
    if isinstance(shift, float):
        return prior.variable(name) + shift
    total = _shifted_variable(f"_{name}", prior, shift, ())
    pm.Deterministic(name, total - shift)
    return total


def _shifted_variable(name: str, prior: Prior, shift: Array, shape: tuple[int, ...]) -> Array:
    def shifted(shift: Array, size: Any) -> Array:  # noqa: ARG001 - PyMC passes both
        return prior.dist(shape) + shift

    return pm.CustomDist(name, shift, dist=shifted, shape=shape)


def _coefficients(part: Part, priors: list[Prior], shifts: list[Array], scale: np.ndarray) -> Array:
    """Add ``<part>_coef`` to the model; return standardized coefficients plus shifts."""
    groups: dict[Prior, list[int]] = {}
    for term, prior in enumerate(priors):
        groups.setdefault(prior, []).append(term)
    pieces = []
    for number, (prior, members) in enumerate(groups.items()):
        name = part.own_coef(number)
        if all(isinstance(shifts[term], float) for term in members):
            pieces.append(prior.variable(name, shape=len(members)))
        else:
            shift = pt.stack([pt.as_tensor(shifts[term]) for term in members])
            pieces.append(_shifted_variable(name, prior, shift, (len(members),)))
    order = np.argsort([term for members in groups.values() for term in members])
    total = pt.concatenate(pieces)[order]
    plain = total - pt.stack([pt.as_tensor(shift) for shift in shifts])
    pm.Deterministic(part.coef, plain / scale, dims=part.term)
    return total


def _observe(
    family: Family,
    counts: np.ndarray,
    shared: Mapping[str, Array],
    parameters: Mapping[str, Array],
    *,
    fused: bool,
) -> None:
    xp = pytensor_arrays()

    def by_name(values: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        named = dict(zip(parameters, values, strict=True))
        return named["degree"], named.get("selection"), named.get("dispersion")

    def logp(value: Any, *values: Array) -> Array:  # noqa: ARG001 - it is one of the two below
        if fused:
            known = shared if "counts" in shared else counts
            pointwise = fused_log_prob(family, known, *by_name(values))
        else:
            pointwise = family.log_prob(shared.get("counts", counts), *by_name(values), xp)
        return pointwise * shared["kept"] if "kept" in shared else pointwise

    def random(*values: Any, rng: np.random.Generator, size: Any) -> np.ndarray:  # noqa: ARG001
        return family.draw(rng, *by_name(values))

    pm.CustomDist(
        "count",
        *parameters.values(),
        logp=logp,
        random=random,
        dtype="int64",
        # as floats: PyMC would store whole numbers in 32 bits
        observed=shared.get("counts", counts.astype(float)),
        dims="dyad",
    )
