"""The log prior density of each draw, parameter by parameter."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from scipy.special import betaln, gammaln, logsumexp, multigammaln

from data.roles import TERMS
from data.study import Study
from models.name import CITY_CORRELATION, ModelName
from models.predictor.linear import column_scale
from models.predictor.units import Units
from models.priors.distributions import HORSESHOE
from models.priors.files import KIND_OF
from models.priors.prior import Prior
from models.priors.prior_set import Priors

IN_UNITS = ("intercept", "coef", "sd", "residual_sd")  # kinds that are in the outcome's units
MATRIX = CITY_CORRELATION  # several correlations, which have one density together


@dataclass(frozen=True)
class _Member:
    """A parameter, or one of its terms, with the unit that its prior speaks in."""

    parameter: str
    term: str | None
    prior: Prior
    unit: float
    draws: xr.DataArray  # (chain, draw), as reported: the prior is that of draws x unit


def log_prior(posterior: xr.Dataset, study: Study, name: ModelName, priors: Priors) -> xr.Dataset:
    """Compute the log prior density of each draw, for every parameter that has a prior.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws of the parameters, dims (chain, draw, ...).

    Returns
    -------
    xarray.Dataset
        Natural logs of normalised densities, each under its parameter's name: dims (chain, draw),
        and the term where a parameter has terms. A density is that of the parameter as it is
        reported, coefficients and slopes' standard deviations on the formula's own scale.
        ``city_correlation`` has one, the density of the whole matrix, and so have the standard
        deviations of factors together: singular values of a matrix of normal values, or of
        undirected dyads the sizes of a symmetric one's eigenvalues.

    Notes
    -----
    City effects, pair effects and random slopes are not there: their distribution is part of the
    model, and power-scaling moves the priors of what that depends on (Kallioinen, Paananen,
    Bürkner and Vehtari 2024, Statistics and Computing 34:57). Coefficients under a horseshoe are
    not there either: their density given a draw depends on scales that no fit keeps.
    """
    units = Units.of(study.dyads, name)
    sds = {part.factor_sd: part for part in name.factor_parts}
    members = [
        _member(posterior, study, units, parameter, term, prior)
        for parameter, term, prior in priors.in_force(name, study)
        if parameter not in (MATRIX, *sds) and prior.distribution != HORSESHOE
    ]
    # equal priors at once, for it is compiling that takes time
    density = {
        (member.parameter, member.term): values
        for prior in dict.fromkeys(member.prior for member in members)
        for member, values in _densities(
            prior, [member for member in members if member.prior == prior]
        )
    }
    found = {
        parameter: _joined(
            {term: values for (other, term), values in density.items() if other == parameter},
            TERMS.get(parameter, (None, ""))[1],
        )
        for parameter in dict.fromkeys(member.parameter for member in members)
    }
    if MATRIX in name.parameters:
        eta = dict(priors.of(name).prior(MATRIX).arguments)["eta"]
        found[MATRIX] = _lkj_density(posterior[MATRIX], eta)
    for parameter, part in sds.items():
        sigma = priors.of(name).prior(parameter).sigma * units.unit
        together = _eigenvalue_density if name.directed is False else _singular_density
        found[parameter] = together(posterior[parameter], part.dimension, sigma)
    return xr.Dataset(
        {parameter: found[parameter] for parameter in posterior if parameter in found}
    )


def _member(
    posterior: xr.Dataset,
    study: Study,
    units: Units,
    parameter: str,
    term: str | None,
    prior: Prior,
) -> _Member:
    draws, unit = posterior[parameter], 1.0
    if KIND_OF[parameter] == "intercept":
        draws = draws - units.location
    if KIND_OF[parameter] in IN_UNITS:
        unit = 1 / units.unit
    if term is None:
        return _Member(parameter, term, prior, unit, draws)
    part, dim = TERMS[parameter]
    unit *= float(column_scale(study.dyads, part).sel({part.term: term}))
    return _Member(parameter, term, prior, unit, draws.sel({dim: term}, drop=True))


def _densities(prior: Prior, members: list[_Member]) -> Iterable[tuple[_Member, xr.DataArray]]:
    values = np.concatenate([member.draws.to_numpy().ravel() * member.unit for member in members])
    logp = pm.logp(prior.dist(values.shape), values).eval(mode="FAST_COMPILE")
    for member, piece in zip(members, np.split(logp, len(members)), strict=True):
        density = piece.reshape(member.draws.shape) + np.log(member.unit)
        yield member, member.draws.copy(data=density)


def _joined(terms: dict[str | None, xr.DataArray], dim: str) -> xr.DataArray:
    if None in terms:
        return terms[None]
    index = pd.Index(list(terms), name=dim)
    return xr.concat(terms.values(), index).transpose("chain", "draw", dim)


def _singular_density(values: xr.DataArray, dim: str, sigma: float) -> xr.DataArray:
    # those of the eigenvalues, their squares: Muirhead (1982), Aspects of Multivariate Statistical
    # Theory, theorem 3.2.18
    scaled = (values / sigma).transpose(..., dim).to_numpy()
    rank = scaled.shape[-1]
    constant = rank * np.log(2) + rank**2 * np.log(np.pi / 2) / 2
    constant -= 2 * multigammaln(rank / 2, rank) + rank * np.log(sigma)
    row, column = np.tril_indices(rank, -1)
    apart = np.log(scaled[..., column] ** 2 - scaled[..., row] ** 2).sum(axis=-1)
    density = constant + apart - (scaled**2).sum(axis=-1) / 2
    return values.isel({dim: 0}, drop=True).copy(data=density)


def _eigenvalue_density(values: xr.DataArray, dim: str, sigma: float) -> xr.DataArray:
    # of the sizes, whatever the signs: the sum over these of the density of eigenvalues of a
    # Gaussian orthogonal ensemble, Mehta (2004), Random Matrices, theorem 3.3.1
    scaled = (values / sigma).transpose(..., dim).to_numpy()
    rank = scaled.shape[-1]
    k = np.arange(1, rank + 1)
    constant = gammaln(rank + 1) - rank * np.log(2 * np.pi) / 2 - rank * np.log(sigma)
    constant -= (gammaln(1 + k / 2) - gammaln(1.5)).sum()
    row, column = np.tril_indices(rank, -1)
    signed = scaled[..., None, :] * np.array(list(itertools.product((-1, 1), repeat=rank)))
    apart = np.log(abs(signed[..., column] - signed[..., row])).sum(axis=-1)
    density = constant + logsumexp(apart, axis=-1) - (scaled**2).sum(axis=-1) / 2
    return values.isel({dim: 0}, drop=True).copy(data=density)


def _lkj_density(correlations: xr.DataArray, eta: float) -> xr.DataArray:
    # Lewandowski, Kurowicka and Joe (2009): det(R)^(eta - 1), and equation 16 for the constant
    (dim,) = (dim for dim in correlations.dims if dim not in ("chain", "draw"))
    lower = correlations.transpose("chain", "draw", dim).to_numpy()
    roles = round((1 + np.sqrt(1 + 8 * lower.shape[-1])) / 2)
    row, column = np.tril_indices(roles, -1)
    matrix = np.broadcast_to(np.eye(roles), (*lower.shape[:-1], roles, roles)).copy()
    matrix[..., row, column] = matrix[..., column, row] = lower
    left = roles - np.arange(1, roles)
    b = eta + (left - 1) / 2
    constant = np.sum((2 * eta - 2 + left) * left * np.log(2) + left * betaln(b, b))
    density = (eta - 1) * np.linalg.slogdet(matrix)[1] - constant
    return correlations.isel({dim: 0}, drop=True).copy(data=density)
