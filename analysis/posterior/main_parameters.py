"""The main parameters of a fit, laid out one beside the other, and what is asked of each."""

import re

import numpy as np
import pandas as pd
import xarray as xr

from analysis.posterior.summary import CI_PROB, MAIN
from data.errors import ResultsError
from data.roles import PARTS, TERMS
from models.predictor.linear import column_scale

OVER = ["chain", "draw"]


def main_parameters(fit: xr.DataTree, group: str = "posterior") -> xr.DataArray:
    """Lay out intercepts, coefficients, sds, correlations and the dispersion.

    Dims (chain, draw, parameter), each parameter labelled in words: ``degree intercept``,
    ``degree mayor_ties``, ``degree sender sd``. Coefficients and the sds of slopes are in the unit
    in which their priors speak: the effect of one standard deviation of the column, of a column
    of zeros and ones as it is.
    """
    draws, dyads = fit[group].to_dataset(), fit["constant_data"].to_dataset()
    # those of the posterior, in whichever group: the prior has them in another order
    names = [str(name) for name in fit["posterior"].data_vars if str(name).endswith(MAIN)]
    pieces = []
    for name in sorted(names, key=place_of):
        values = draws[name].load().drop_attrs()
        (dim,) = [str(dim) for dim in values.dims if dim not in OVER] or [""]
        if not dim:
            pieces.append(values.expand_dims(parameter=[in_words(name)], axis=-1))
            continue
        labels = values[dim].to_numpy().tolist()
        if name in TERMS:
            part = TERMS[name][0]
            scale = column_scale(dyads, part).sel({part.term: labels}).to_numpy()
            values = values * xr.DataArray(scale, dims=dim)
        words = [in_words(name, label) for label in labels]
        pieces.append(values.rename({dim: "parameter"}).assign_coords(parameter=words))
    together: xr.DataArray = xr.concat(
        [piece.rename("value") for piece in pieces], "parameter", join="override"
    )
    return together.transpose(*OVER, "parameter").astype(np.float64)


def place_of(name: str) -> tuple[int, int, bool]:
    """Put a part's intercept and coefficients first, then its spreads, then what is shared."""
    part = next((k for k, part in enumerate(PARTS) if name.startswith(part)), len(PARTS))
    kind = next(k for k, ending in enumerate(MAIN) if name.endswith(ending))
    return part, kind, "slope" in name


def in_words(name: str, label: str = "") -> str:
    """Name a parameter, or one of its labels."""
    if name == "city_correlation":
        return "correlation " + re.sub(r"(selection|degree)_", r"\1 ", label)
    return f"{name.removesuffix('_coef').replace('_', ' ')} {label}".rstrip()


def prior_and_posterior(fit: xr.DataTree) -> pd.DataFrame:
    """Hold the posterior of each main parameter against its prior.

    ``prior_lower``, ``prior_upper``, ``lower`` and ``upper`` (89 % equal-tailed intervals of prior
    and posterior), ``share`` (width of the latter over the former's).
    """
    columns = {}
    for group, start in (("prior", "prior_"), ("posterior", "")):
        ends = main_parameters(fit, group).azstats.eti(prob=CI_PROB, dim=OVER)
        for end in ("lower", "upper"):
            columns[f"{start}{end}"] = ends.sel(ci_bound=end).to_series()
    table = pd.DataFrame(columns)
    share = (table["upper"] - table["lower"]) / (table["prior_upper"] - table["prior_lower"])
    return table.assign(share=share)


def rank_test(fit: xr.DataTree) -> pd.Series:
    """Test whether the chains have one distribution: p of each parameter of `main_parameters`.

    NaN with two chains, whose ranks mirror each other, so that the test says nothing.
    """
    draws = main_parameters(fit)
    if draws.sizes["chain"] < 2:
        raise ResultsError(
            "ranks of one chain say nothing; sample with CHAINS=4 to see whether chains agree"
        )
    if draws.sizes["chain"] == 2:
        return pd.Series(np.nan, index=draws["parameter"].to_numpy(), name="p")
    ranks = draws.azstats.compute_ranks(dim=OVER, relative=True)
    p, _, _ = ranks.azstats.mchain_uniformity_test(dim=OVER)
    return pd.Series(p.to_numpy(), index=draws["parameter"].to_numpy(), name="p")
