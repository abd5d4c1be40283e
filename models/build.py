"""Study + model name + priors -> pm.Model."""

import warnings
from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from data.errors import ModelCaution
from data.outcomes import AMOUNT, COUNT
from data.roles import SIDES, Part, Role
from data.study import Study
from models.compiled.dense import fused_dense, fused_pairs
from models.compiled.log_prob import data_of_outcomes, fused_log_prob
from models.compiled.log_prob_of_draws import has_kernel
from models.compiled.predictor import KnownOfDyads, predictor_of
from models.effects.centering import centering_by, informed_first, pooled_derivatives, shares_of
from models.effects.city import CityEffect, city_effects
from models.effects.evidence import information_of, residual_of
from models.effects.factors import Factors, city_factors
from models.effects.pair import pair_effects
from models.effects.slopes import random_slopes
from models.likelihood.amounts import (
    by_pairs,
    correlated_draw,
    joint_density,
    other_direction,
)
from models.likelihood.arrays import Array, pytensor_arrays
from models.likelihood.families import Family
from models.likelihood.observed import Observed
from models.name import ModelName, named, refuse_outcome
from models.predictor.linear import column_scale
from models.predictor.units import Units
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
        (dyad), 0 for a dyad whose outcome is left out and 1 for others. ``outcomes``: the shared
        variables that `models.compiled.log_prob.data_of_outcomes` gives, which are set together;
        the units of amounts stay those of the study's outcomes. How far effects are centered,
        ``<role>_centering``, can always be exchanged; the order of correlated roles is that for the
        study's outcomes (`models.effects.centering.informed_first`).
    likelihood : str
        ``fused``: compiled operations (`models.compiled.log_prob`, `models.compiled.dense`,
        `models.compiled.predictor`); ``graph``: PyTensor's own, several times slower. What a
        distribution needs that did not come with the package is always PyTensor's own.

    Returns
    -------
    pymc.Model
        Parameters are named and labelled as ARCHITECTURE.md lists them; variables whose names
        begin with an underscore are the sampler's own coordinates. The observed variable is
        ``outcome`` (dyad).

    Raises
    ------
    ModelError
        There is no such model, or it does not take such outcomes.
    PriorError
        The prior set does not exist, or does not fit the study.

    Warns
    -----
    ModelCaution
        The model's results need care; the message says why.

    Notes
    -----
    For the dyad d = (i -> j)::

        logit psi_d = selection_intercept + (x_d - mean(x))' selection_coef + s_i + r_j + u_i' v_j
        log mu_d = degree_intercept + (w_d - mean(w))' degree_coef + s_i + r_j + u_i' v_j
                   + log(E_d / geometric mean of E)

    Of ties and successes there is the first alone, of the chance through the link; of amounts the
    second, of the mean itself.
    """
    name = named(model, study)
    chosen = priors if isinstance(priors, Priors) else Priors.load(priors)
    dyads = study.dyads
    refuse_outcome(name, study)
    chosen.refuse_misfit(name, study)
    chosen = chosen.of(name)
    units = Units.of(dyads, name)
    rows: np.ndarray | slice = slice(None)  # the predictor's order of dyads
    if name.has_correlated_residuals and likelihood == "fused":
        rows, _ = by_pairs(*(dyads[side].to_numpy() for side in SIDES))
    for caution in name.cautions:
        warnings.warn(f"{name.name}: {caution}", ModelCaution, stacklevel=2)
    with pm.Model(coords=_coords(dyads, name)) as pymc_model:
        derivatives = pooled_derivatives(dyads, name.family_name) if name.roles else {}
        known = centering_by(derivatives, dyads, name.roles)
        # exchangeable, for a second try that knows more of the cities
        shares = {label: pm.Data(label, share) for label, share in shares_of(known, name).items()}
        factors = {
            part: city_factors(part, dyads, name, chosen, units, derivatives[part])
            for part in name.factor_parts
        }
        beside = {role: value for of in factors.values() for role, value in of.beside.items()}
        effects: dict[Role, CityEffect] = {}
        for block in name.blocks:
            order = informed_first(block, known)
            effects |= city_effects(block, dyads, chosen, shares, order, units, beside)
        parameters: dict[str, Array] = {
            part: _linear_predictor(
                *(part, dyads, effects, factors.get(part), chosen, units, rows),
                fused=likelihood == "fused",
            )
            for part in name.parts
        }
        family, observed = name.family, Observed.of(dyads)
        scale = chosen.variable(family.scale, units) if family.scale else None
        data = {"kept": np.ones(observed.size)} if "kept" in exchangeable else {}
        data |= data_of_outcomes(family, observed) if "outcomes" in exchangeable else {}
        shared = {label: pm.Data(label, values, dims="dyad") for label, values in data.items()}
        outcome: Array = shared.get("outcomes", observed.outcome.astype(float))
        for part in name.parts:
            informed = _informed(part, name, outcome, shared.get("kept"))
            known = information_of(family, outcome, observed.trials, scale, informed)
            slopes = random_slopes(study, name, part, chosen, known, units)
            if isinstance(rows, np.ndarray) and not isinstance(slopes, float):
                slopes = slopes[rows]
            predictor = parameters[part] + slopes
            if name.has_pairs:
                residual = residual_of(family, outcome, observed.trials, predictor)
                predictor = predictor + pair_effects(part, dyads, chosen, known, residual)
            parameters[part] = predictor
        if scale is not None:
            parameters[family.scale] = scale
        fused = likelihood == "fused" and has_kernel(family)
        if name.has_correlated_residuals:
            _observe_pairs(dyads, shared, parameters, units, chosen, fused=fused)
        else:
            _observe(family, observed, shared, parameters, units, fused=fused)
    return pymc_model


def _informed(part: Part, name: ModelName, outcome: Array, kept: Array | None) -> Array:
    """Tell which outcomes surely come from the distribution that a predictor is of."""
    informed = pt.ones(outcome.shape) if kept is None else kept
    if len(name.parts) < 2:
        return informed
    # a zero may be that of a dyad that is not eligible; of who is eligible nothing is used
    return informed * (outcome > 0) if part == Part.DEGREE else 0.0 * informed


def _coords(dyads: xr.Dataset, name: ModelName) -> dict[str, list[str]]:
    terms = [part.term for part in name.parts if dyads.sizes[part.term]]
    return {dim: dyads[dim].to_numpy().tolist() for dim in ("dyad", "city", *terms)}


def _linear_predictor(
    part: Part,
    dyads: xr.Dataset,
    effects: Mapping[Role, CityEffect],
    factors: Factors | None,
    priors: Priors,
    units: Units,
    rows: np.ndarray | slice,
    *,
    fused: bool,
) -> Array:
    center = dyads[part.design].mean("dyad").to_numpy()
    scale = column_scale(dyads, part).to_numpy()
    terms = dyads[part.term].to_numpy().tolist()
    intercept_prior = priors.prior(part.intercept)
    coef_priors = [priors.prior(part.coef, term) for term in terms]

    constant: Array = 0.0 if factors is None else factors.level  # what effects add to every dyad
    shifts: list[Array] = [0.0] * len(terms)  # what they add to the standardized coefficients
    of_city: dict[str, Array] = {}
    for role in part.all_roles:
        if role not in effects:
            continue
        effect, side = effects[role], role.ends[0]
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
            if term is None:  # of undirected dyads both cities have it
                constant = constant + weight * len(role.ends)
            else:
                shifts[term] = shifts[term] + weight * scale[term]
                constant = constant + weight * center[term]
        of_city |= dict.fromkeys(role.ends[1:], of_city[side])

    if intercept_prior.can_be_shifted:
        intercept = _shifted(part.intercept, intercept_prior, constant, units)
    else:
        intercept = _level(part.intercept, intercept_prior, units) + constant
    coefs = _coefficients(part, coef_priors, shifts, scale, units) if terms else np.zeros(0)
    known = KnownOfDyads.of(dyads, part).in_order(rows)
    of_factors = () if factors is None else factors.centered.sides
    return predictor_of(known, intercept, coefs, of_city, of_factors, fused=fused)


def _level(name: str, prior: Prior, units: Units) -> Array:
    """Add ``name`` to the model, as it is sampled; return it in the prior's units."""
    if units.are_own:
        return prior.variable(name)
    variable = prior.variable(f"_{name}")
    pm.Deterministic(name, units.placed(variable))
    return variable


def _shifted(name: str, prior: Prior, shift: Array, units: Units) -> Array:
    """Add ``name`` to the model, sampled as ``name + shift``; return the sum."""
    if isinstance(shift, float):
        return _level(name, prior, units) + shift
    total = _shifted_variable(f"_{name}", prior, shift, ())
    pm.Deterministic(name, units.placed(total - shift))
    return total


def _shifted_variable(name: str, prior: Prior, shift: Array, shape: tuple[int, ...]) -> Array:
    def shifted(shift: Array, size: Any) -> Array:  # noqa: ARG001 - PyMC passes both
        return prior.dist(shape) + shift

    return pm.CustomDist(name, shift, dist=shifted, shape=shape)


def _coefficients(
    part: Part, priors: list[Prior], shifts: list[Array], scale: np.ndarray, units: Units
) -> Array:
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
    pm.Deterministic(part.coef, units.scaled(plain / scale), dims=part.term)
    return total


def _observe(
    family: Family,
    observed: Observed,
    shared: Mapping[str, Array],
    parameters: Mapping[str, Array],
    units: Units,
    *,
    fused: bool,
) -> None:
    xp = pytensor_arrays()

    def by_name(values: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        named = dict(zip(parameters, values, strict=True))
        return named.get("degree"), named.get("selection"), named.get(family.scale)

    def logp(value: Any, *values: Array) -> Array:  # noqa: ARG001 - it is one of those below
        degree, selection, scale = by_name(values)
        if fused and family.outcome is COUNT:
            counts = shared if "outcomes" in shared else observed.outcome
            pointwise = fused_log_prob(family, counts, degree, selection, scale)
        elif fused:
            predictor = selection if degree is None else degree
            own = Observed(units.standardized(observed.outcome), observed.trials)
            given = dict(shared)
            if "outcomes" in shared:
                given["outcomes"] = units.standardized(shared["outcomes"])
            pointwise = fused_dense(family, own, predictor, scale, given)
        else:
            outcome = units.standardized(shared.get("outcomes", observed.outcome))
            arguments = degree, selection, scale, observed.trials
            pointwise = family.log_prob(outcome, *arguments, xp)
        if not units.are_own:
            pointwise = pointwise - np.log(units.unit)
        return pointwise * shared["kept"] if "kept" in shared else pointwise

    def random(*values: Any, rng: np.random.Generator, size: Any) -> np.ndarray:  # noqa: ARG001
        drawn = family.draw(rng, *by_name(values), observed.trials)
        return np.asarray(units.placed(drawn))

    pm.CustomDist(
        "outcome",
        *parameters.values(),
        logp=logp,
        random=random,
        dtype="float64" if family.outcome is AMOUNT else "int64",
        # as floats: PyMC would store whole numbers in 32 bits
        observed=shared.get("outcomes", observed.outcome.astype(float)),
        dims="dyad",
    )


def _observe_pairs(
    dyads: xr.Dataset,
    shared: Mapping[str, Array],
    parameters: Mapping[str, Array],
    units: Units,
    priors: Priors,
    *,
    fused: bool,
) -> None:
    """Observe amounts whose residuals correlate: jointly; fused, in the order of pairs."""
    ends = [dyads[side].to_numpy() for side in SIDES]
    others, (order, pairs) = other_direction(*ends), by_pairs(*ends)
    outcome = shared.get("outcomes", dyads["outcome"].to_numpy().astype(float))
    amount = units.standardized(outcome)

    def logp(value: Any, degree: Array, sd: Array, correlation: Array) -> Array:  # noqa: ARG001
        kept = shared.get("kept")
        if fused:
            there = None if kept is None else kept[order]
            joint = fused_pairs(pairs, degree, sd, correlation, amount[order], there)
        else:
            whole = pt.ones(order.size) if kept is None else kept
            xp = pytensor_arrays()
            joint = joint_density(degree, sd, correlation, amount, others, whole, xp)
        return joint - (order.size if kept is None else kept.sum()) * np.log(units.unit)

    def random(
        *values: Any,
        rng: np.random.Generator,
        size: Any,  # noqa: ARG001 - PyMC passes it
    ) -> np.ndarray:
        degree, sd, correlation = values
        natural = degree[np.argsort(order)] if fused else degree
        drawn = correlated_draw(rng, natural, sd, correlation, others)
        return np.asarray(units.placed(drawn))

    correlation = priors.variable(Part.DEGREE.dyadic_reciprocity)
    pm.CustomDist(
        "outcome",
        *(*parameters.values(), correlation),
        logp=logp,
        random=random,
        signature="(n),(),()->(n)",
        dtype="float64",
        observed=outcome,
        dims="dyad",
    )
