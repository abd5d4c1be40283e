"""Standard errors of an elpd and of a difference of two, for these cities and for others.

What models score at two dyads of one city is not independent: estimates of that city's effects
enter both. Treating units as independent makes errors too small, for the models with city effects
by up to half; docs/comparing.md has the coverage of these errors and of others, on simulated
networks.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from data.roles import sides_of
from models.leave_out.units import rows_of_units
from models.predictor.linear import city_position

MARGIN = 4.0  # a smaller difference of elpd says nothing (Sivula, Magnusson and Vehtari 2020)
UNTRUSTED = 21  # cities, the fewest that the errors were counted with
RULED = 0.25  # share of the squared deviations that one unit makes up, above which it rules them
TWICE = 2.0  # by city each count stands in two units
RULE = "jackknife over cities, with that of independent units for other cities; by city twice that"
WORDS = (
    "These cities, other cities: standard errors of the difference, as an estimate of what new "
    "outcomes of the same cities would give, and of what networks of other cities from the same "
    "population would give; docs/comparing.md has how often they hold."
)


@dataclass(frozen=True)
class Errors:
    """Standard errors of a sum over units.

    Attributes
    ----------
    these : float
        Of what new outcomes of the same cities would give: a jackknife over cities. By city that of
        ``others``, for a city that is left out is another city.
    others : float
        Of what networks of other cities would give, from the same population: the jackknife's and
        that of independent units, their squares added up; by city twice that of independent units.
    """

    these: float
    others: float


def cities_of_units(dyads: xr.Dataset, unit: str) -> np.ndarray:
    """List the cities of each unit, in the order of `models.leave_out.units.rows_of_units`.

    Returns
    -------
    numpy.ndarray of int
        Positions of cities, shape (2, unit): of a dyad or a pair its two cities; shape (1, unit):
        of a city itself.
    """
    if unit == "city":
        return np.arange(dyads.sizes["city"])[None]
    first = [rows[0] for rows in rows_of_units(dyads, unit).values()]
    return np.stack([city_position(dyads, side)[first] for side in sides_of(dyads.coords)])


def apart(difference: float, error: float) -> bool:
    """Tell whether a difference of elpd is more than chance and more than next to nothing."""
    return difference >= MARGIN and difference > 2 * error


def errors_of_sum(values: np.ndarray, cities: np.ndarray) -> Errors:
    """Give the errors of the sum of what units contribute.

    Parameters
    ----------
    values : numpy.ndarray
        Pointwise elpd, or differences, shape (unit,).
    cities : numpy.ndarray of int
        As `cities_of_units` gives them.
    """
    if len(cities) == 1:
        doubled = TWICE * independent(values)
        return Errors(doubled, doubled)
    error = jackknife(values, cities)
    return Errors(error, float(np.hypot(error, independent(values))))


def independent(values: np.ndarray) -> float:
    """Give the standard error of a sum of independent values; NaN of a single one."""
    return float(np.sqrt(values.size * values.var(ddof=1))) if values.size > 1 else np.nan


def jackknife(values: np.ndarray, cities: np.ndarray) -> float:
    """Give the standard error of a sum over units, by leaving out the units of each city.

    Notes
    -----
    Without a city, the mean of the other units times the number of all; (n - 1) / n times the sum
    of their squared deviations. A unit's value that is the sum of its two cities' own has exactly
    the right error so. Of independent values the squared error is 2 (n - 1) / (n - 2) times theirs
    (Arvesen 1969, Annals of Mathematical Statistics 40(6); Snijders and Borgatti 1999,
    Connections 22(2), halve it). NaN where a city has a part in every unit.
    """
    total, (first, second) = values.sum(), cities
    number = int(cities.max()) + 1
    sums, sizes = (
        np.bincount(first, weights, number) + np.bincount(second, weights, number)
        for weights in (values, np.ones(values.size))
    )
    there = sizes > 0
    left = values.size - sizes[there]
    if not left.all():
        return np.nan
    without = values.size * (total - sums[there]) / left
    shrunk = (without.size - 1) / without.size
    return float(np.sqrt(shrunk * np.square(without - without.mean()).sum()))


def ruling(values: np.ndarray) -> float:
    """Give the share of the squared deviations that one unit makes up."""
    squares = np.square(values - values.mean())
    return float(squares.max() / squares.sum()) if squares.any() else 0.0
