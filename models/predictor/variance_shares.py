"""Where the variation of a linear predictor comes from."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import polygamma

from data.outcomes import AMOUNT
from data.roles import Part, sides_of
from models.likelihood.trials import PROBIT
from models.name import ModelName


def variance_shares(draws: xr.Dataset, dyads: xr.Dataset, name: ModelName) -> xr.DataArray:
    """Partition the variance of each part's linear predictor.

    Parameters
    ----------
    draws : xarray.Dataset
        Draws of the parameters (chain, draw, ...).

    Returns
    -------
    xarray.DataArray
        Shares that add up to 1; dims (chain, draw, part, source), the sources that the model has.
        Predictors: the variance over the dyads of what the coefficients explain. Sender, receiver
        and pair: the population variance of the effects, sd^2, not that of this study's cities; of
        undirected dyads twice that of a city's effects, which enter for both cities.
        Multiplicative: the sum of factor_sd^2, the variance of the product of two new cities'
        positions.
        Random slopes are in the share of their side, for each sd^2 times the mean square of the
        predictor, centered as the slope takes it (Johnson 2014, Methods in Ecology and Evolution
        5, doi:10.1111/2041-210X.12225). Residual, on the scale of the linear predictor: pi^2 / 3
        for selection, 1 through the probit link; for amounts residual_sd^2; else for degree
        trigamma(1 / (1 / m + dispersion)) at the mean count m =
        exp(intercept + half of the other variances) (Nakagawa, Johnson and Schielzeth 2017,
        J. R. Soc. Interface 14, table 1).
    """
    parts: list[xr.DataArray] = []
    for part in name.parts:
        variances = _explained(draws, dyads, part)
        if part == "selection":
            of_link = 1.0 if name.family.link is PROBIT else np.pi**2 / 3
            residual = xr.full_like(draws[part.intercept], of_link)
        elif name.family.outcome is AMOUNT:
            residual = draws[name.family.scale] ** 2
        else:
            mean = np.exp(draws[part.intercept] + sum(variances.values()) / 2)
            dispersion = draws[name.family.scale] if name.family.scale else 0.0
            residual = xr.apply_ufunc(lambda x: polygamma(1, x), 1 / (1 / mean + dispersion))
        parts.append(xr.Dataset({**variances, "residual": residual}).to_dataarray("source"))
    variance: xr.DataArray = xr.concat(parts, pd.Index(name.parts, name="part"), join="outer")
    shares = variance.fillna(0) / variance.sum("source")  # a source that one part lacks
    return shares.transpose("chain", "draw", "part", "source").rename("variance_share")


def _explained(draws: xr.Dataset, dyads: xr.Dataset, part: Part) -> dict[str, xr.DataArray]:
    variances = {}
    design = dyads[part.design].drop_vars([*sides_of(dyads.coords), "dyad_pair"])
    centered = design - design.mean("dyad")
    if part.coef in draws:
        other = centered.rename({part.term: "other"})
        covariance = xr.dot(centered, other, dim="dyad") / (dyads.sizes["dyad"] - 1)
        coef = draws[part.coef]
        variances["predictors"] = xr.dot(
            coef, covariance, coef.rename({part.term: "other"}), dim=[part.term, "other"]
        )
    for role in (*part.all_roles, part.pair):
        if role.sd in draws:  # of undirected dyads a city's effect enters for both
            variances[role.side] = draws[role.sd] ** 2 * len(role.ends)
    if part.factor_sd in draws:
        variances["multiplicative"] = (draws[part.factor_sd] ** 2).sum(part.dimension)
    for role in part.all_roles:
        if role.slope_sd in draws:
            sd = draws[role.slope_sd].rename({role.slope_term: part.term})
            square = (centered.sel({part.term: sd[part.term]}) ** 2).mean("dyad")
            variances[role.side] = variances[role.side] + len(role.ends) * xr.dot(
                sd**2, square, dim=part.term
            )
    return variances
