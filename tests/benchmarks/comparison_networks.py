"""Networks with known truth for `comparison_errors.py`, and every count's probability in them."""

from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import nbinom

from data.declaration import Declaration
from data.from_memory import study_from_table
from data.roles import PARTS
from data.study import Study
from models.inference.predictive import family_arguments
from models.name import parse_model
from models.simulation.simulate import draw_outcomes

BEYOND = 1e-7  # probability of the counts that sums leave out
LEAST = 1e-9  # dispersion, which is as good as none
TERMS = ("near", "alike", "shared")
SPREAD = {
    "selection_sender_sd": 0.6,
    "selection_receiver_sd": 0.5,
    "selection_generalized_reciprocity": 0.4,
    "degree_sender_sd": 0.7,
    "degree_receiver_sd": 0.5,
    "degree_generalized_reciprocity": 0.5,
    "dispersion": 0.5,
}


def _truth(selection: tuple[float, ...], degree: tuple[float, ...]) -> dict[str, Any]:
    found: dict[str, Any] = dict(SPREAD)
    for part, (intercept, *coefs) in (("selection", selection), ("degree", degree)):
        found |= {
            f"{part}_intercept": intercept,
            f"{part}_coef": dict(zip(TERMS, coefs, strict=True)),
        }
    return found


# what networks are drawn from; coefficients are those of near, alike and shared
POPULATIONS = {
    "no inflation": ("nb_srm", _truth((0, 0, 0, 0), (0.0, 0.5, 0.3, 0.2))),
    "inflation": ("zinb_srm", _truth((0.2, 0.7, -0.4, 0.3), (1.0, 0.4, 0.3, 0.2))),
    "weak inflation": ("zinb_srm", _truth((1.2, 0.5, 0.0, 0.2), (0.3, 0.4, 0.3, 0.2))),
    # whether a dyad can have a count at all is nearly decided by the regions that it shares
    "regions": ("zinb_srm", _truth((-1.5, 0.5, 0.0, 4.0), (-0.8, 0.2, 0.3, 0.5))),
    "pooled": ("zinb_pooled", _truth((0.2, 0.7, -0.4, 0.3), (1.0, 0.4, 0.3, 0.2))),
}


def simulated(population: str, cities: int, rng: np.random.Generator) -> tuple[Study, str, Any]:
    """Draw a network.

    Returns
    -------
    model : str
        What it was drawn from.
    known : tuple
        The arguments of the family's functions, with one draw.
    """
    names = np.array([f"city {k:03d}" for k in range(1, cities + 1)])
    i, j = np.nonzero(~np.eye(cities, dtype=bool))
    place = rng.random((cities, 2))
    likeness = rng.normal(size=(cities, cities))
    regions = rng.random((cities, 4)) < 0.3
    columns = {
        "near": -np.log(np.linalg.norm(place[i] - place[j], axis=1) + 0.05),
        "alike": (likeness + likeness.T)[i, j],
        "shared": (regions[i] & regions[j]).sum(axis=1).astype(float),
    }
    # standardized, so that predictors of another network can take their place
    columns = {k: (v - v.mean()) / v.std(ddof=1) for k, v in columns.items()}
    table = pd.DataFrame({"sender": names[i], "receiver": names[j], "count": 1, **columns})
    declaration = Declaration.model_validate(
        {
            "title": f"Simulated: {population}, {cities} cities",
            "models": (POPULATIONS[population][0],),
            "dyads": {"sender": "sender", "receiver": "receiver", "outcome": "count"},
            "formula": dict.fromkeys(PARTS, " + ".join(TERMS)),
        }
    )
    model, truth = POPULATIONS[population]
    name, dyads = parse_model(model), study_from_table(table, declaration, "unknown").dyads
    drawn, count = draw_outcomes(dyads, name, truth, rng)
    known = family_arguments(drawn.expand_dims(draw=1), dyads, name)
    study = study_from_table(table.assign(count=count), declaration, "simulated")
    return study, model, known


@dataclass(frozen=True)
class Counts:
    """Each dyad's counts from 0 to where next to nothing is left, and their true probabilities."""

    largest: np.ndarray
    probability: np.ndarray

    @classmethod
    def of(cls, degree: Any, selection: Any, dispersion: Any) -> Self:
        mu, size = np.exp(degree[0]), 1 / dispersion.item()
        largest = nbinom.ppf(1 - BEYOND, size, size / (size + mu)).astype(int)
        found = cls(largest, np.empty(0))
        one = np.ones((mu.size, 1))
        return cls(largest, np.exp(found.log_pmf(degree, selection, dispersion, one)))

    def log_pmf(
        self, degree: np.ndarray, selection: Any, dispersion: Any, weights: np.ndarray
    ) -> np.ndarray:
        """Average the probabilities of all counts over weighed draws, one dyad after the other."""
        eligible = np.ones_like(degree) if selection is None else expit(selection)
        first = np.concatenate([[0], np.cumsum(self.largest + 1)])
        found = np.zeros(first[-1])
        _add(
            np.exp(degree), eligible, 1 / np.maximum(dispersion[:, 0], LEAST), weights, first, found
        )
        return np.log(np.maximum(found, np.finfo(float).tiny))

    def expectation(self, log_pmf: np.ndarray) -> np.ndarray:
        first = np.concatenate([[0], np.cumsum(self.largest + 1)[:-1]])
        return np.add.reduceat(self.probability * log_pmf, first)


@numba.njit(cache=True)
def _add(mu, eligible, size, weights, first, found):  # type: ignore[no-untyped-def]
    for s in range(mu.shape[0]):
        for d in range(mu.shape[1]):
            weight = weights[d, s]
            odds = mu[s, d] / (mu[s, d] + size[s])
            p = np.exp(-size[s] * np.log1p(mu[s, d] / size[s])) * weight * eligible[s, d]
            found[first[d]] += weight * (1 - eligible[s, d]) + p
            for k in range(1, first[d + 1] - first[d]):
                p *= odds * (k - 1 + size[s]) / k
                found[first[d] + k] += p
