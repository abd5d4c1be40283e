"""City effects, and how they enter a model without ridges.

The mean of the effects of a role, and their component along any predictor that is constant
within that role (a city's GDP, a ewe's age), cannot be told from the intercept and from that
predictor's coefficient by the likelihood: a ridge that a sampler walks slowly. So the effects
are split into the part in the span of those predictors and the part across it. The sampler moves
the intercept and the coefficients *plus* the first part, which the data do inform; the first
part itself keeps its prior. The change of variables has unit Jacobian, the posterior is the
same, and the plain parameters come back as derived values. Correlated roles share the split; what
a role takes along predictors of the other is projected onto its own, and only the rest stays an
effect.

The part across is sampled between centered and non-centered, as `models.effects.centering` decides
from what the data say of a city. Of correlated effects those come first of which the data say most,
and the others are what they say plus a rest of their own. The other way round a correlation would
be tied to standardized values of which nothing is known, and a sampler could move it only by moving
a value for every city along.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from data.roles import Role, partial_correlation
from models.effects.reflections import Reflections
from models.likelihood.arrays import Array
from models.name import CITY_CORRELATION, correlation_name, role_pairs
from models.predictor.linear import city_position
from models.predictor.units import OWN, Units
from models.priors.prior_set import Priors


@dataclass
class Split:
    """City space, split along the predictors that are constant within a role, and across them.

    Attributes
    ----------
    columns : numpy.ndarray
        Shape (city, along): a column of ones, then the city-level predictors on their own scale.
    weights : numpy.ndarray
        Shape (along, along): ``columns @ weights`` is orthonormal.
    reflectors : numpy.ndarray
        Shape (city, along): Householder vectors, whose reflections turn the first axes of city
        space into the span of the columns, and the other axes into an orthonormal basis of the
        rest.
    reach : numpy.ndarray
        Shape (along, city - along): how far each of the other axes moves along each vector.
    term_of : dict
        For each role, which column is which term of the role's part.
    """

    columns: np.ndarray
    weights: np.ndarray = field(init=False)
    reflectors: np.ndarray = field(init=False)
    reach: np.ndarray = field(init=False)
    term_of: dict[Role, dict[int, int]]

    def __post_init__(self) -> None:
        found = Reflections.onto(self.columns)
        self.weights = np.linalg.inv(found.upper)
        self.reflectors = found.vectors
        self.reach = found.triangle @ found.vectors[self.columns.shape[1] :].T

    def across(self, value: Array) -> Array:
        """Put a vector into the part of city space that is across the columns.

        Parameters
        ----------
        value : tensor
            Shape (city - along,): coordinates in an orthonormal basis of that part.

        Returns
        -------
        tensor
            Shape (city,), in time proportional to it.
        """
        cities, along = self.columns.shape
        # zeros, then the values; to join them, and to split the gradient, takes seconds to compile
        place = np.arange(cities) - along
        total: Array = value[np.maximum(place, 0)] * (place >= 0)
        for vector, reach in zip(self.reflectors.T, self.reach, strict=True):
            total = total - vector * (reach * value).sum()
        return total

    def split(self, value: Array) -> tuple[Array, Array]:
        """Take a vector of city space apart.

        Returns
        -------
        along, across : tensor
            Weights on the columns, (along,), and what `across` takes, (city - along,).
        """
        along = self.columns.shape[1]
        rest = value[along:]
        for vector, reach in zip(self.reflectors.T, self.reach, strict=True):
            rest = rest - reach * (vector * value).sum()
        return self.weights @ (self.weights.T @ (self.columns.T @ value)), rest

    def projected(self, own: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Project the columns onto the span of some of them.

        Returns
        -------
        onto : numpy.ndarray
            Shape (own, along): each column's projection, as weights on those of ``own``.
        rest : numpy.ndarray
            Shape (city, along): what is left of each column; zeros of those that are own.
        """
        span = self.columns[:, own]
        onto = np.linalg.lstsq(span, self.columns)[0]
        onto[:, own] = np.eye(len(own))
        return onto, self.columns - span @ onto


@dataclass(frozen=True)
class CityEffect:
    """The effect of one role as the linear predictor needs it.

    Attributes
    ----------
    along : tensor
        Shape (along,): weights of the effect's first part on ``split.columns``.
    across : tensor
        Shape (city,): the effect's second part.
    """

    split: Split
    along: Array
    across: Array


def city_effects(
    block: Sequence[Role],
    dyads: xr.Dataset,
    priors: Priors,
    centering: Mapping[str, Array],
    order: Sequence[Role],
    units: Units = OWN,
    beside: Mapping[Role, Array] | None = None,
) -> dict[Role, CityEffect]:
    """Add a group of correlated city effects to the model in whose context it is called.

    Parameters
    ----------
    block : sequence of Role
        The group, as the model's name has it.
    order : sequence of Role
        The same, in the order in which each depends on those before it.
    units : Units
        In which the model reports effects and their standard deviations.
    beside : mapping of Role to tensor
        What else of a city the outcomes cannot tell from its effect, (city,): the sampler moves the
        effect plus this.

    Returns
    -------
    dict of Role to CityEffect
        One effect a role, with what is beside it, in the priors' units. The model gains
        ``<role>_sd``, ``<role>`` (city) and, for several roles, their correlation:
        ``<part>_generalized_reciprocity`` or ``city_correlation``.
    """
    split = split_city_space(dyads, block)
    cholesky = _correlation_cholesky(block, priors, order)
    sds = {role: priors.variable(role.sd, units) for role in block}
    along: list[Array] = []
    across: list[Array] = []
    beside = beside or {}
    effects, own_effects = {}, {}
    for k, role in enumerate(order):
        sd = sds[role]
        *before, last = cholesky[k]
        shape = split.reach.shape[1]
        # standardized values of the earlier roles carry the correlation (Cholesky, row by row)
        mean = sd * sum(weight * z for weight, z in zip(before, across, strict=True))
        of_others: tuple[Array, Array] = (0.0, 0.0)
        if role in beside:
            of_others = split.split(beside[role])
            mean = mean + of_others[1]
        # the sampler moves z own^share + share mean own^(share - 1): of share 0 the standardized
        # value z, of share 1 the value itself, mean + own z
        # axis k of city space is little else than city k: only the span of the columns is taken off
        own, share = sd * last, centering[role.centering][split.columns.shape[1] :]
        moved = pm.Normal(
            role.own("across"), share * mean * own ** (share - 1), own**share, shape=shape
        )
        across.append(moved / own**share - share * mean / own)
        value = mean + own * across[k]
        along.append(pm.Normal(role.own("along"), 0, 1, shape=split.columns.shape[1]))
        correlated = sum(w * z for w, z in zip(cholesky[k], along, strict=True))
        own_along = split.weights @ (sd * correlated)
        effects[role] = CityEffect(split, own_along + of_others[0], split.across(value))
        own_effects[role] = effects[role]
        if role in beside:
            own_across = split.across(value - of_others[1])
            own_effects[role] = CityEffect(split, own_along, own_across)
    for role in block:
        effect = own_effects[role]
        whole = effect.across + split.columns @ effect.along
        pm.Deterministic(role.effect, units.scaled(whole), dims="city")
    return effects


def split_city_space(dyads: xr.Dataset, roles: Sequence[Role]) -> Split:
    """Find the predictors that are constant within the roles, and split city space along them."""
    cities = dyads.sizes["city"]
    columns = [np.ones(cities)]
    term_of: dict[Role, dict[int, int]] = {role: {} for role in roles}
    for role in roles:
        for term, values in _city_level_terms(dyads, role):
            known = next(
                (k for k, c in enumerate(columns) if np.allclose(c, values, rtol=1e-12, atol=0)),
                None,
            )
            if known is None:
                # leave at least two directions across, and no direction along twice
                if len(columns) >= cities - 2 or _spanned(values, columns):
                    continue
                known = len(columns)
                columns.append(values)
            term_of[role][known] = term
    return Split(np.column_stack(columns), term_of)


def _city_level_terms(dyads: xr.Dataset, role: Role) -> Iterator[tuple[int, np.ndarray]]:
    design = pd.DataFrame(dyads[role.part.design].to_numpy())
    if len(role.ends) > 1:
        yield from _terms_of_both(dyads, role, design.to_numpy())
        return
    grouped = design.groupby(dyads[role.side].to_numpy())
    low, high = grouped.min(), grouped.max()
    for term in design.columns:
        if np.allclose(low[term], high[term], rtol=1e-12, atol=0):
            values = low[term].reindex(dyads["city"].to_numpy())
            yield int(term), values.fillna(values.mean()).to_numpy()


def _terms_of_both(
    dyads: xr.Dataset, role: Role, design: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Find predictors that are a sum of values of the two cities, and these values."""
    both = np.zeros((len(design), dyads.sizes["city"]))
    for end in role.ends:
        both[np.arange(len(design)), city_position(dyads, end)] += 1
    values = np.linalg.lstsq(both, design)[0]
    for term, column in enumerate(design.T):
        if np.allclose(both @ values[:, term], column, rtol=1e-9, atol=1e-9 * np.ptp(column)):
            yield term, values[:, term]


def _spanned(values: np.ndarray, columns: list[np.ndarray]) -> bool:
    fitted = np.column_stack(columns)
    rest = values - fitted @ np.linalg.lstsq(fitted, values, rcond=None)[0]
    return bool(np.linalg.norm(rest) < 1e-6 * np.linalg.norm(values - values.mean()))


def _correlation_cholesky(
    block: Sequence[Role], priors: Priors, order: Sequence[Role]
) -> list[list[Array]]:
    """Give the Cholesky factor of the correlation matrix of roles in their order, row by row."""
    if len(block) == 1:
        return [[1.0]]
    name = correlation_name(block)
    if name != CITY_CORRELATION:
        correlation = priors.variable(name)
        return [[1.0], [correlation, pt.sqrt(1 - correlation**2)]]
    # LKJ(eta) by partial correlations: those of level k are Beta(b, b) on (-1, 1) with
    # b = eta + (n - 2 - k) / 2 (Lewandowski, Kurowicka and Joe 2009, section 2.4)
    prior = priors.prior(name)
    eta, roles = dict(prior.arguments)["eta"], len(order)
    rows: list[list[Array]] = []
    for i in range(roles):
        row: list[Array] = []
        left: Array = 1.0  # of the row's unit length
        for k in range(i):
            level = replace(prior, arguments=(("eta", eta + (roles - 2 - k) / 2),))
            row.append(level.variable(partial_correlation(i, k)) * pt.sqrt(left))
            left = left - row[-1] ** 2
        rows.append([*row, pt.sqrt(left) if i else 1.0])
    place = [order.index(role) for role in block]  # LKJ knows no order
    lower = [
        sum(a * b for a, b in zip(rows[place[i]], rows[place[j]], strict=False))
        for i in range(roles)
        for j in range(i)
    ]
    pm.modelcontext(None).add_coord("role_pair", role_pairs(block))
    pm.Deterministic(name, pt.stack(lower), dims="role_pair")
    return rows
