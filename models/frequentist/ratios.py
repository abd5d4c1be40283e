"""Tests that compare a maximum with that of another model of the same counts."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from models.frequentist.likelihoods import LIKELIHOODS, without_dispersion
from models.frequentist.optimum import find_optimum
from models.frequentist.regression import Regression

SAME = 1e-6  # spread of pointwise log-likelihoods, relative to the largest, that is rounding
COLUMNS = ["statistic", "df", "p", "meaning"]
VUONG_CAUTION = (
    "Vuong's test is no test of zero inflation: without inflation the two models are not "
    "'strictly non-nested' and z is not normal (Wilson 2015)"
)


Row = tuple[str, float, int, float, str]


def likelihood_tests(data: Regression, pointwise: np.ndarray) -> pd.DataFrame:
    """Test the dispersion, the inflation and each part of a model.

    Parameters
    ----------
    pointwise : numpy.ndarray
        Log-likelihood of each count at the maximum, shape (dyad,).

    Returns
    -------
    pandas.DataFrame
        A row a test, by name: ``statistic``, ``df`` (0 where the test has none), ``p`` and
        ``meaning``. The likelihood ratio of the dispersion has half its mass at zero, for the
        dispersion cannot be negative. Vuong's statistic (1989, Econometrica 57(2)) stands raw
        and with Akaike's and Schwarz's corrections; p is one-sided, for the model that the sign
        favours.
    """
    found = [*_dispersion(data, pointwise), *_parts(data, pointwise), *_vuong(data, pointwise)]
    return pd.DataFrame(found, columns=["test", *COLUMNS]).set_index("test")


def _dispersion(data: Regression, pointwise: np.ndarray) -> Iterator[Row]:
    smaller = without_dispersion(data.family)
    if not smaller:
        return
    ratio = _ratio(pointwise, replace(data, family=smaller))
    # chi-square with 0 and with 1 degree of freedom, half of each
    p = chi2.sf(ratio, 1) / 2 if ratio > 0 else 1.0
    yield "LR dispersion", ratio, 1, float(p), f"{data.family} against {smaller}"


def _parts(data: Regression, pointwise: np.ndarray) -> Iterator[Row]:
    for part, terms in data.terms.items():
        if terms:
            without = {**data.designs, part: data.designs[part][[]]}
            ratio = _ratio(pointwise, replace(data, designs=without))
            meaning = f"all predictors of {part} against none"
            yield f"LR {part}", ratio, len(terms), float(chi2.sf(ratio, len(terms))), meaning


def _vuong(data: Regression, pointwise: np.ndarray) -> Iterator[Row]:
    plain = LIKELIHOODS[data.family].plain
    if not plain:
        return
    other = replace(data, family=plain)
    difference = pointwise - _fitted(other)
    n, more = len(difference), len(data.names) - len(other.names)
    spread = float(np.sqrt(n) * difference.std(ddof=1))
    if not spread > SAME * np.abs(pointwise).max():  # the models are the same
        return
    corrections = {"raw": 0.0, "AIC": float(more), "BIC": more * float(np.log(n)) / 2}
    for name, correction in corrections.items():
        z = (float(difference.sum()) - correction) / spread
        favoured = data.family if z > 0 else plain
        yield f"Vuong {name}", z, 0, float(norm.sf(abs(z))), f"favours {favoured}"


def _ratio(pointwise: np.ndarray, smaller: Regression) -> float:
    # not below zero: the smaller model is a limit or a case of the larger one
    return max(2 * float(pointwise.sum() - _fitted(smaller).sum()), 0.0)


def _fitted(data: Regression) -> np.ndarray:
    """Give the log-likelihood of each count at the model's maximum, shape (dyad,)."""
    problem = data.problem
    return problem.derivatives(find_optimum(problem).point.at).value
