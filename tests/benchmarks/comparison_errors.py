"""Count how often a difference of elpd lies within its errors, in simulated networks.

    .venv/bin/python tests/benchmarks/comparison_errors.py results/comparison_errors

Each network has cities, predictors, effects and counts of its own, from one of the populations
below. `nb_crossed`, `zinb_crossed` and `zinb_srm` are sampled, `nb_pooled` and `zinb_pooled` fitted
by maximum likelihood, and each scored by dyad, pair and city. Two values are what a difference may
be an estimate of:

- *these cities*: the expectation over new counts of the same cities, whose effects are known here.
  By dyad it is a sum over all counts, under the leave-one-out predictive distribution of each
  dyad; by pair too, but for what the two directions say of each other, a mean over a few draws.
- *other cities*: the expectation over networks of other cities, the mean over the networks.

A file a network is kept in the folder; an interrupted run goes on where it stopped. Importance
sampling stands for leaving out, whatever Pareto k is; a city's counts are reweighted so too, their
effects integrated out (`compare` refits the model without it).
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from itertools import batched
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numba
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from arviz_stats.base.array import array_stats
from comparison_tables import tables
from scipy.special import expit, logsumexp
from scipy.stats import nbinom

from analysis.comparison.errors import cities_of_units
from data.declaration import Declaration
from data.dyads import dyads_dataset
from data.files import replacing
from data.roles import PARTS, Part
from data.study import Study, study_from_table
from models import maximum_likelihood
from models.compiled.predictor import KnownOfDyads
from models.effects.centering import centering
from models.inference.chains import compiled_model
from models.inference.predictive import family_arguments, log_likelihood, thinned
from models.leave_out.maximum_likelihood import left_out_densities
from models.leave_out.new_city import log_densities_of_newcomer
from models.leave_out.psis import reweighted
from models.leave_out.units import rows_of_units
from models.name import parse_model
from models.settings import Settings
from models.simulation.simulate import draw_outcomes
from models.work.progress import Reporter

TWINS = ("nb_crossed", "zinb_crossed")
SAMPLED = ("nb_crossed", "zinb_crossed", "zinb_srm")
POOLED = ("nb", "zinb")
SETTINGS = Settings(draws=500, tune=400, chains=2)
OF_CITY = 200  # draws that a city's counts are integrated in
UP_TO = 21  # cities, with which models are scored by city, and zinb_pooled too
BRIEF = 1000  # the first number of those in which inflation alone is judged
REPLICATES = 6  # pairs of new counts
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


def main(arguments: list[str] | None = None) -> None:
    """Simulate what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a file a network, and tables.md")
    parser.add_argument("--cities", type=int, nargs="+", default=[21, 40, 60])
    parser.add_argument("--networks", type=int, nargs="+", default=[40, 16, 8])
    parser.add_argument(
        "--brief", type=int, default=60, help="more of each, of the fewest cities, for inflation"
    )
    parser.add_argument("--populations", nargs="+", default=list(POPULATIONS), metavar="NAME")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    wanted = [
        Network(population, cities, number, given.seed, given.folder)
        for cities, networks in zip(given.cities, given.networks, strict=True)
        for number in range(networks)
        for population in given.populations
    ]
    wanted += [
        Network(population, min(given.cities), number, given.seed, given.folder, brief=True)
        for number in range(BRIEF, BRIEF + given.brief)
        for population in given.populations
    ]
    missing = [network for network in wanted if not network.path.exists()]
    if given.processes > 1:
        with get_context("spawn").Pool(given.processes) as pool:
            pool.map(make, missing, chunksize=1)
    else:
        for network in missing:
            make(network)
    found = [
        (network.population, network.cities, dict(np.load(network.path))) for network in wanted
    ]
    text = tables(found)
    (given.folder / "tables.md").write_text(text, encoding="utf-8")
    print(text)


@dataclass(frozen=True)
class Network:
    """One simulated network.

    Attributes
    ----------
    brief : bool
        Whether it is only asked whether inflation is found, by dyad.
    """

    population: str
    cities: int
    number: int
    seed: int
    folder: Path
    brief: bool = False

    @property
    def path(self) -> Path:
        name = f"{self.population.replace(' ', '_')}-{self.cities}-{self.seed}-{self.number}.npz"
        return self.folder / name


def make(network: Network) -> None:
    """Draw a network, score each model in it, and keep what it found."""
    place = list(POPULATIONS).index(network.population)
    entropy = [network.seed, place, network.cities, network.number]
    study, truth, known = simulated(network, np.random.default_rng(entropy))
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    grid = Counts.of(*known)
    pairs = np.array(list(rows_of_units(study.dyads, "pair").values()))
    ends = cities_of_units(study.dyads, "dyad")
    found: dict[str, Any] = {"pairs": pairs, "ends": ends}
    new, family = np.random.default_rng([*entropy, 1]), parse_model(truth).family
    replicates = [family.draw(new, *known).ravel() for _ in range(REPLICATES)]
    for model in TWINS if network.brief else SAMPLED:
        scores = _sampled(study, model, seed, grid, () if network.brief else replicates)
        found |= {f"{model}/{key}": value for key, value in scores}
    # near separation every dyad takes two refits: too long with many
    pooled = POOLED if network.cities <= UP_TO else POOLED[:1]
    for family_name in () if network.brief else pooled:
        scores = _pooled(study, family_name, grid)
        found |= {f"{family_name}_pooled/{key}": value for key, value in scores}
    with replacing(network.path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **found)


def simulated(network: Network, rng: np.random.Generator) -> tuple[Study, str, Any]:
    """Draw a network.

    Returns
    -------
    model : str
        What it was drawn from.
    known : tuple
        The arguments of the family's functions, with one draw.
    """
    cities = network.cities
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
            "title": f"Simulated: {network.population}, {cities} cities, {network.number}",
            "models": SAMPLED,
            "dyads": {"sender": "sender", "receiver": "receiver", "outcome": "count"},
            "formula": dict.fromkeys(PARTS, " + ".join(TERMS)),
        }
    )
    model, truth = POPULATIONS[network.population]
    name, dyads = parse_model(model), dyads_dataset(table, declaration)
    drawn, count = draw_outcomes(dyads, name, truth, rng)
    known = family_arguments(drawn.expand_dims(draw=1), dyads, name)
    study = study_from_table(table.assign(count=count), declaration, "simulated")
    return study, model, known


@cache
def _compiled(model: str, cities: int) -> tuple[Any, list[str]]:
    """Compile a model once a process, for counts and predictors that are exchanged."""

    def of(dyads: xr.Dataset, part: Part) -> KnownOfDyads:
        known = KnownOfDyads.of(dyads, part)
        return replace(known, design=pm.Data(part.design, known.design))  # type: ignore[arg-type]

    building = import_module("models.build")  # of the package, the name is the function
    any_network = Network("inflation", cities, 0, 0, Path())
    study = simulated(any_network, np.random.default_rng(0))[0]
    with mock.patch.object(building, "KnownOfDyads", SimpleNamespace(of=of)):
        return compiled_model(building.build(study, model, exchangeable=("counts",)))


def _sampled(
    study: Study, model: str, seed: int, grid: "Counts", replicates: Sequence[np.ndarray]
) -> Iterator[tuple[str, Any]]:
    """Sample a model, and score it; without replicates by dyad alone."""
    dyads, name = study.dyads, parse_model(model)
    compiled, _ = _compiled(model, dyads.sizes["city"])
    shares = centering(dyads, name.family_name, name.roles)
    data = {label: np.asarray(share) for label, share in shares.items()}
    data |= {part.design: KnownOfDyads.of(dyads, part).design for part in name.parts}
    data |= {"counts": dyads["count"].to_numpy().astype(float)}
    drawn = compiled.with_data(**data).draw(replace(SETTINGS, seed=seed), Reporter())
    posterior = drawn["posterior"].to_dataset()
    draws = thinned(posterior, SETTINGS.draws * SETTINGS.chains)
    arguments = family_arguments(draws, dyads, name)
    log_prob = log_likelihood(draws.expand_dims("chain"), dyads, name).to_numpy()[0]
    weights = {}
    for unit in ("dyad", "pair") if replicates else ("dyad",):
        rows = rows_of_units(dyads, unit).values()
        joint = np.stack([log_prob[:, of].sum(axis=1) for of in rows])
        weights[unit], k = array_stats.psislw(joint)  # type: ignore[no-untyped-call]
        weights[unit] -= logsumexp(weights[unit], axis=1, keepdims=True)
        yield unit, logsumexp(weights[unit] + joint, axis=1)
        yield f"{unit}_k", k
    expected = grid.expectation(grid.log_pmf(*arguments, np.exp(weights["dyad"])))
    yield "dyad_expected", expected
    if replicates:
        yield "pair_expected", _of_pairs(study, name, arguments, weights, expected, replicates)
        if model in TWINS and dyads.sizes["city"] <= UP_TO:
            yield "city", np.array(list(_of_cities(study, name, draws)))


def _of_pairs(
    study: Study,
    name: Any,
    arguments: Any,
    weights: Mapping[str, np.ndarray],
    expected: np.ndarray,
    replicates: Sequence[np.ndarray],
) -> np.ndarray:
    """Add up a pair's two expectations, and what its directions say of each other."""
    pairs = np.array(list(rows_of_units(study.dyads, "pair").values()))
    excess = np.zeros(len(pairs))
    for count in replicates:
        log_prob = name.family.log_prob(count, *arguments).T
        single = logsumexp(log_prob + weights["dyad"], axis=1)
        both = logsumexp(log_prob[pairs].sum(axis=1) + weights["pair"], axis=1)
        excess += (both - single[pairs].sum(axis=1)) / len(replicates)
    return expected[pairs].sum(axis=1) + excess


def _of_cities(study: Study, name: Any, draws: xr.Dataset) -> Iterator[float]:
    some = thinned(draws.expand_dims("chain"), OF_CITY).expand_dims("chain")
    for city in study.dyads["city"].to_numpy().tolist():
        densities, _ = log_densities_of_newcomer(some, study.dyads, name, city, 1)
        yield reweighted(densities).elpd


def _pooled(study: Study, family: str, grid: "Counts") -> Iterator[tuple[str, Any]]:
    fit = maximum_likelihood(study, f"{family}_pooled")
    for unit in ("dyad", "pair", "city"):
        yield unit, left_out_densities(study, family, unit)["elpd"].to_numpy()
    name = parse_model(f"{family}_pooled")
    at = fit.parameters.to_series()
    values: dict[str, Any] = {"dispersion": np.exp(at["log_dispersion"])}
    size = 1 + len(TERMS)
    for part, own in zip(name.parts, batched(at.to_numpy()[:-1], size), strict=True):
        values |= {part.intercept: own[0], part.coef: (part.term, np.array(own[1:]))}
    one = xr.Dataset(values, {part.term: list(TERMS) for part in name.parts})
    arguments = family_arguments(one.expand_dims(draw=1), study.dyads, name)
    expected = grid.expectation(grid.log_pmf(*arguments, np.ones((study.dyads.sizes["dyad"], 1))))
    yield "dyad_expected", expected
    yield "pair_expected", expected[list(rows_of_units(study.dyads, "pair").values())].sum(axis=1)


@dataclass(frozen=True)
class Counts:
    """Each dyad's counts from 0 to where next to nothing is left, and their true probabilities."""

    largest: np.ndarray
    probability: np.ndarray

    @classmethod
    def of(cls, degree: Any, selection: Any, dispersion: Any) -> "Counts":
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


if __name__ == "__main__":
    main()
