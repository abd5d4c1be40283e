"""City effects, summarised."""

import pandas as pd
import xarray as xr

from analysis.figures.style import INNER_PROB
from analysis.posterior.summary import CI_PROB
from data.declaration import PARTS
from data.errors import ResultsError
from models.name import SIDES


def city_effects(fit: xr.DataTree) -> xr.Dataset:
    """Summarise the sender and receiver effects of every city.

    Returns
    -------
    xarray.Dataset
        Dims (role, city), the roles those that the model has, ``selection_sender`` first; on the
        scale of the part's linear predictor: ``mean``, ``lower`` and ``upper`` (89 % equal-tailed
        interval), ``inner_lower`` and ``inner_upper`` (50 %), ``p_positive`` (posterior
        probability of a positive effect).
    """
    posterior = fit["posterior"]
    roles = [f"{part}_{side}" for part in PARTS for side in SIDES]
    draws = posterior.to_dataset()[[role for role in roles if role in posterior]].load()
    found = {str(role): _summary(of_city) for role, of_city in draws.data_vars.items()}
    if not found:
        raise ResultsError(
            f"{fit.attrs['model']} has no city effects; take a model such as zinb_srm or nb_crossed"
        )
    return xr.concat(list(found.values()), pd.Index(list(found), name="role"), join="exact")


def of_role(effects: xr.Dataset, role: str) -> pd.DataFrame:
    """Take the effects of one role."""
    return effects.sel(role=role).drop_vars("role").to_dataframe()


def parts_and_sides(effects: xr.Dataset) -> tuple[list[str], list[str]]:
    """List the parts and the sides that have effects."""
    named = [role.split("_") for role in effects["role"].to_numpy().tolist()]
    parts = [part for part in PARTS if part in {part for part, _ in named}]
    return list(parts), [side for side in SIDES if side in {side for _, side in named}]


def _summary(draws: xr.DataArray) -> xr.Dataset:
    over = ("chain", "draw")
    outer, inner = (
        draws.quantile([(1 - width) / 2, (1 + width) / 2], over).drop_vars("quantile")
        for width in (CI_PROB, INNER_PROB)
    )
    summary = {
        "mean": draws.mean(over),
        "lower": outer[0],
        "upper": outer[1],
        "inner_lower": inner[0],
        "inner_upper": inner[1],
        "p_positive": (draws > 0).mean(over),
    }
    return xr.Dataset(summary).drop_attrs()
