"""The main parameters of a fit, one beside the other, for figures with a panel each."""

import re

import numpy as np
import xarray as xr

from analysis.posterior.summary import MAIN
from data.roles import PARTS, TERMS
from models.predictor.linear import column_scale


def main_parameters(fit: xr.DataTree, group: str = "posterior") -> xr.DataArray:
    """Lay out intercepts, coefficients, sds, correlations and the dispersion.

    Returns
    -------
    xarray.DataArray
        Dims (chain, draw, parameter), each parameter labelled in words: ``degree intercept``,
        ``degree mayor_ties``, ``degree sender sd``. Coefficients and the sds of slopes are in the
        unit in which their priors speak: the effect of one standard deviation of the column, of
        a column of zeros and ones as it is.
    """
    draws, dyads = fit[group].to_dataset(), fit["constant_data"].to_dataset()
    # those of the posterior, in whichever group: the prior has them in another order
    names = [str(name) for name in fit["posterior"].data_vars if str(name).endswith(MAIN)]
    pieces = []
    for name in sorted(names, key=_rank):
        values = draws[name].load()
        own = [dim for dim in values.dims if dim not in ("chain", "draw")]
        if not own:
            pieces.append(values.expand_dims(parameter=[name.replace("_", " ")], axis=-1))
            continue
        dim = str(own[0])
        labels = values[dim].to_numpy().tolist()
        if name in TERMS:
            part = TERMS[name][0]
            scale = column_scale(dyads, part).sel({part.term: labels}).to_numpy()
            values = values * xr.DataArray(scale, dims=dim)
        words = [_words(name, label) for label in labels]
        pieces.append(values.rename({dim: "parameter"}).assign_coords(parameter=words))
    together: xr.DataArray = xr.concat(
        [piece.drop_attrs().rename("value") for piece in pieces], "parameter", join="override"
    )
    return together.transpose("chain", "draw", "parameter").astype(np.float64)


def _rank(name: str) -> tuple[int, int, int]:
    part = next((k for k, each in enumerate(PARTS) if name.startswith(each)), len(PARTS))
    kind = next(k for k, ending in enumerate(MAIN) if name.endswith(ending))
    return part, kind, "slope" in name


def _words(name: str, label: str) -> str:
    if name == "city_correlation":
        return "correlation " + re.sub(r"(selection|degree)_", r"\1 ", label)
    return f"{name.removesuffix('_coef').replace('_', ' ')} {label}"
