"""What is left out together: a dyad, a pair (both directions of directed dyads), or a city.

Of a panel a dyad is left out with all of its periods, and so are pairs and cities; a row is one
period of a dyad.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from data.errors import ModelError, suggest
from data.roles import DYAD_PERIOD, PERIOD, SIDES, sides_of

ROW = "row"  # of a panel: a dyad in one period
UNITS = ("dyad", "pair", "city")


def checked_units(written: Sequence[str]) -> tuple[str, ...]:
    """Refuse units that do not exist."""
    for unit in written or [""]:
        if unit not in (ROW, *UNITS):
            raise ModelError(f"no unit '{unit}'; {suggest(unit, (ROW, *UNITS))}")
    return tuple(dict.fromkeys(written))


def suited_units(units: Sequence[str], *, directed: bool) -> tuple[str, ...]:
    """Leave out the pair among several units of undirected dyads, which are pairs."""
    others = tuple(unit for unit in units if unit != "pair")
    return tuple(units) if directed or not others else others


def rows_of_units(dyads: xr.Dataset, unit: str) -> dict[str, np.ndarray]:
    """List what is left out together.

    Returns
    -------
    dict of str to numpy.ndarray
        For each unit, in the order in which the dyads come, the positions of its dyads: of a city
        all that it sends or receives, so that each dyad belongs to two cities.
    """
    checked_units([unit])
    sides = sides_of(dyads.coords)
    if unit == "pair" and sides != SIDES:
        raise ModelError("undirected dyads are pairs; leave out 'dyad' or 'city'")
    if unit == "city":
        one, other = (dyads[side].to_numpy() for side in sides)
        return {
            str(city): np.flatnonzero((one == city) | (other == city))
            for city in dyads["city"].to_numpy()
        }
    code, named = pd.factorize(labels_of(dyads, unit))  # in the order in which they come
    order = np.argsort(code, kind="stable")
    first = np.searchsorted(code[order], np.arange(1, len(named)))
    return dict(zip(map(str, named), np.split(order, first), strict=True))


def labels_of(dyads: xr.Dataset, unit: str) -> np.ndarray:
    """Name the unit of each dyad: a row, a dyad or a pair."""
    is_panel = PERIOD in dyads.coords
    if unit == ROW and not is_panel:
        raise ModelError("without periods a row is a dyad; leave out 'dyad'")
    if unit == "pair":
        return dyads["dyad_pair"].to_numpy()
    labels = dyads["dyad"].to_numpy()
    if unit == ROW or not is_panel:
        return labels
    # a label is that of the dyad, a comma, and that of the period
    periods = dyads[DYAD_PERIOD].to_numpy()
    return np.array(
        [label.removesuffix(f", {of}") for label, of in zip(labels, periods, strict=True)]
    )
