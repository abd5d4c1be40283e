"""City effects, summarised."""

import pandas as pd
import xarray as xr

from analysis.posterior.summary import CI_PROB, INNER_PROB
from data.errors import ResultsError
from data.roles import CITY, PARTS, SIDES, Part, Role


def city_effects(fit: xr.DataTree) -> xr.Dataset:
    """Summarise the sender and receiver effects of every city, or its one effect.

    Returns
    -------
    xarray.Dataset
        Dims (role, city), the roles those that the model has, ``selection_sender`` first; on the
        scale of the part's linear predictor: ``mean``, ``lower`` and ``upper`` (89 % equal-tailed
        interval), ``inner_lower`` and ``inner_upper`` (50 %), ``p_positive`` (posterior
        probability of a positive effect).
    """
    posterior = fit["posterior"]
    roles = [role.effect for part in PARTS for role in part.all_roles]
    draws = posterior.to_dataset()[[role for role in roles if role in posterior]].load()
    found = {str(role): _summary(of_city) for role, of_city in draws.data_vars.items()}
    if not found:
        raise ResultsError(
            f"{fit.attrs['model']} has no city effects; take a model such as zinb_srm, or of "
            "undirected dyads nb_additive"
        )
    return xr.concat(list(found.values()), pd.Index(list(found), name="role"), join="exact")


def of_role(effects: xr.Dataset, role: Role | str) -> pd.DataFrame:
    """Take the effects of one role."""
    return effects.sel(role=str(role)).drop_vars("role").to_dataframe()


def roles_of(effects: xr.Dataset) -> list[Role]:
    """List the roles that have effects."""
    return [role for part in PARTS for role in part.all_roles if role.effect in effects["role"]]


def parts_and_sides(effects: xr.Dataset) -> tuple[list[Part], list[str]]:
    """List the parts and the sides that have effects."""
    roles = roles_of(effects)
    parts = list(dict.fromkeys(role.part for role in roles))
    return parts, [side for side in (*SIDES, CITY) if side in {role.side for role in roles}]


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
