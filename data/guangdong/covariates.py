"""City table -> directed dyads with their covariates."""

from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Geod

SECTORS = ["value_added_primary", "value_added_secondary", "value_added_tertiary"]


def read_cities(path: str | Path) -> pd.DataFrame:
    """Read a city table.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV with columns city, latitude and longitude (decimal degrees), status, population
        (residents) and the value added of the three sectors (any one unit).
    """
    return pd.read_csv(path, index_col="city", encoding="utf-8")


def directed_dyads(cities: pd.DataFrame) -> pd.DataFrame:
    """Pair every city with every other, in both directions, and compute their covariates.

    Returns
    -------
    pandas.DataFrame
        One row a directed dyad, in the order of the city table: ``sender``, ``receiver``,
        ``distance_km`` (geodesic on WGS 84), ``proximity`` (-log km), ``workforce_similarity``
        (1 less half the summed absolute differences of the sectors' shares, in [0, 1]; value
        added stands in for employment) and ``status_asymmetry`` (1 where exactly one of the two
        is vice-provincial).
    """
    names = cities.index.to_numpy()
    i, j = np.nonzero(~np.eye(len(names), dtype=bool))
    latitude, longitude = cities["latitude"].to_numpy(), cities["longitude"].to_numpy()
    _, _, metres = Geod(ellps="WGS84").inv(longitude[i], latitude[i], longitude[j], latitude[j])
    shares = cities[SECTORS].div(cities[SECTORS].sum(axis=1), axis=0).to_numpy()
    vice_provincial = (cities["status"] == "vice_provincial").to_numpy()
    distance = np.asarray(metres) / 1000
    return pd.DataFrame(
        {
            "sender": names[i],
            "receiver": names[j],
            "distance_km": distance,
            "proximity": -np.log(distance),
            "workforce_similarity": 1 - np.abs(shares[i] - shares[j]).sum(axis=1) / 2,
            "status_asymmetry": (vice_provincial[i] ^ vice_provincial[j]).astype(int),
        }
    )
