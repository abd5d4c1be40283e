"""Count how often a difference of elpd lies within its errors, in simulated networks.

    .venv/bin/python tests/benchmarks/comparison_errors.py results/comparison_errors

Each network has cities, predictors, effects and counts of its own, from one of the populations in
`comparison_networks.py`. `nb_crossed`, `zinb_crossed` and `zinb_srm` are sampled, `nb_pooled` and
`zinb_pooled` fitted by maximum likelihood, and each scored by dyad, pair and city. Two values are
what a difference may be an estimate of:

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

import numpy as np
import pymc as pm
import xarray as xr
from arviz_stats.base.array import array_stats
from comparison_networks import POPULATIONS, TERMS, Counts, simulated
from comparison_tables import tables
from scipy.special import logsumexp

from analysis.comparison.errors import cities_of_units
from data.files import replacing
from data.roles import Part
from data.study import Study
from models import maximum_likelihood
from models.compiled.predictor import KnownOfDyads
from models.effects.centering import centering
from models.inference.chains import compiled_model
from models.inference.predictive import family_arguments, log_likelihood, thinned
from models.leave_out.maximum_likelihood import left_out_densities
from models.leave_out.new_city import log_densities_of_newcomer, newcomer
from models.leave_out.psis import reweighted
from models.leave_out.units import rows_of_units
from models.name import parse_model
from models.settings import Settings
from models.work.progress import Reporter

TWINS = ("nb_crossed", "zinb_crossed")
SAMPLED = ("nb_crossed", "zinb_crossed", "zinb_srm")
POOLED = ("nb", "zinb")
SETTINGS = Settings(draws=500, tune=400, chains=2)
OF_CITY = 200  # draws that a city's counts are integrated in
UP_TO = 21  # cities, with which models are scored by city, and zinb_pooled too
BRIEF = 1000  # the first number of those in which inflation alone is judged
REPLICATES = 6  # pairs of new counts


def main(arguments: list[str] | None = None) -> None:
    """Simulate what is missing, and write tables of all that the folder holds."""
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
    text = tables(list(_kept(given.folder)))
    (given.folder / "tables.md").write_text(text, encoding="utf-8")
    print(text)


def _kept(folder: Path) -> Iterator[tuple[str, int, dict[str, np.ndarray]]]:
    """Read every network's file, in the order of the populations."""
    for population in POPULATIONS:
        for path in sorted(folder.glob(f"{population.replace(' ', '_')}-*.npz")):
            yield population, int(path.stem.split("-")[1]), dict(np.load(path))


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
    study, truth, known = simulated(
        network.population, network.cities, np.random.default_rng(entropy)
    )
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


@cache
def _compiled(model: str, cities: int) -> tuple[Any, list[str]]:
    """Compile a model once a process, for counts and predictors that are exchanged."""

    def of(dyads: xr.Dataset, part: Part) -> KnownOfDyads:
        known = KnownOfDyads.of(dyads, part)
        return replace(known, design=pm.Data(part.design, known.design))  # type: ignore[arg-type]

    building = import_module("models.build")  # of the package, the name is the function
    study = simulated("inflation", cities, np.random.default_rng(0))[0]  # any one
    with mock.patch.object(building, "KnownOfDyads", SimpleNamespace(of=of)):
        return compiled_model(building.build(study, model, exchangeable=("outcomes",)))


def _sampled(
    study: Study, model: str, seed: int, grid: Counts, replicates: Sequence[np.ndarray]
) -> Iterator[tuple[str, Any]]:
    """Sample a model, and score it; without replicates by dyad alone."""
    dyads, name = study.dyads, parse_model(model)
    compiled, _ = _compiled(model, dyads.sizes["city"])
    shares = centering(dyads, name.family_name, name.roles)
    data = {label: np.asarray(share) for label, share in shares.items()}
    data |= {part.design: KnownOfDyads.of(dyads, part).design for part in name.parts}
    data |= {"counts": dyads["outcome"].to_numpy().astype(float)}
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
    some = thinned(draws.expand_dims("chain"), OF_CITY)
    for city in study.dyads["city"].to_numpy().tolist():
        seen = newcomer(some, study.dyads, name, city)
        both, *_ = log_densities_of_newcomer(seen, np.random.default_rng(1))
        yield reweighted(both[None]).elpd


def _pooled(study: Study, family: str, grid: Counts) -> Iterator[tuple[str, Any]]:
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


if __name__ == "__main__":
    main()
