"""Count how often the search of a zero-inflated maximum misses it, and what the search costs.

    .venv/bin/python tests/benchmarks/maxima.py --problems 500 --starts 200

The truth is the best end of many random starts and of the search itself. Problems, in turn: studies
of 21 to 60 cities drawn from `zinb_pooled` and from `zinb_srm`, with few positive counts, near
separation; dyads of the real studies beside the project, drawn with replacement; and rows of
two tables that are not dyadic, drawn likewise: articles of biochemists, and visits to doctors (the
RAND experiment's, as statsmodels has them). `before` is the search without parted zeros, steps and
maxima drawn inward. Each problem is kept as it is finished, and not searched again.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from threadpoolctl import threadpool_limits

from data.roles import Part
from data.study import read_study
from models import simulate_study
from models.frequentist import optimum
from models.frequentist.optimum import climb, find_optimum
from models.frequentist.problem import Problem
from models.frequentist.regression import Regression, regression
from models.simulation.simulate import TRUTH

MISSED = 1e-3  # log-likelihood
SPREAD = 2.0  # standard deviation of random starts, in standardized coefficients
SHARED = Path("../shared/data")
DRAWN = ("zinb_pooled", "zinb_srm")
STUDIES = (Path("data/guangdong"), SHARED / "sheep", SHARED / "opengr/gelderland")
TABLES = ("bioChemists", "visits to doctors")
ROWS = 1000  # of the visits to doctors, which are 20,190
COLUMNS = ("number", "problems", "now", "before", "truth", "seconds", "seconds before")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--starts", type=int, default=200, help="random ones, for the truth")
    parser.add_argument("--family", default="zinb")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/maxima.csv"))
    given = parser.parse_args()
    if not given.output.exists():
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    done = set(pd.read_csv(given.output)["number"])
    with ProcessPoolExecutor(given.processes) as pool:
        wanted = [number for number in range(given.problems) if number not in done]
        tasks = [pool.submit(searched, number, given.family, given.starts) for number in wanted]
        for task in as_completed(tasks):
            with given.output.open("a", encoding="utf-8") as file:
                file.write(",".join(map(str, task.result())) + "\n")
    print(summary(pd.read_csv(given.output)).to_string())


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Count the misses, and give the ratio of all seconds, by kind of problem and over all."""
    for name in ("now", "before"):
        best = table[["now", "before", "truth"]].max(axis=1)
        table[f"{name}, missed"] = table[name] < best - MISSED
    whole = table.assign(problems="all")
    by = pd.concat([table, whole]).groupby("problems", sort=False)
    shown = by[["before, missed", "now, missed"]].sum()
    ratio = by["seconds"].sum() / by["seconds before"].sum()
    return shown.assign(**{"of": by.size(), "cost, ratio": ratio.round(2)})


def searched(number: int, family: str, starts: int) -> tuple[object, ...]:
    """Search a problem in both ways and from random starts; give what `COLUMNS` names."""
    kind, problem = problem_of(number, family)
    with threadpool_limits(1, "blas"):
        now, seconds = _timed(lambda: find_optimum(problem).point.value)
        with _before():
            before, seconds_before = _timed(lambda: find_optimum(problem).point.value)
        truth = _best_of_random(problem, starts)
    return number, kind, now, before, truth, seconds, seconds_before


def problem_of(number: int, family: str) -> tuple[str, Problem]:
    """Give a problem, with what it is."""
    rng = np.random.default_rng(number)
    turn = number % (len(DRAWN) + len(STUDIES) + len(TABLES))
    if turn < len(DRAWN):
        level = {"selection_intercept": rng.normal(-1, 1), "degree_intercept": rng.normal(0, 1)}
        coefs = {
            f"{part}_coef": {"near": rng.normal(0, 2), "alike": rng.normal(0, 1)}
            for part in ("selection", "degree")
        }
        cities = int(rng.integers(21, 61))
        study, _ = simulate_study(cities, DRAWN[turn], seed=number, truth=TRUTH | level | coefs)
        return f"drawn from {DRAWN[turn]}", regression(study, family).problem
    name, whole = _real(turn - len(DRAWN), family)
    size = whole.outcome.size
    times = rng.multinomial(min(size, ROWS), np.full(size, 1 / size)).astype(float)
    kept = times > 0
    designs = {part: design[kept] for part, design in whole.designs.items()}
    drawn = Problem(family, whole.outcome[kept], designs, whole.offset[kept], times[kept])
    return f"resampled {name}", drawn


@cache
def _real(turn: int, family: str) -> tuple[str, Problem]:
    if turn < len(STUDIES):
        folder = STUDIES[turn]
        return folder.name, regression(read_study(folder), family).problem
    name = TABLES[turn - len(STUDIES)]
    if name == TABLES[0]:
        table = pd.read_csv(SHARED / "biochemists.csv")
        X = table[["kid5", "phd", "ment"]].astype(float)
        X["fem"], X["mar"] = table["fem"] == "Women", table["mar"] == "Married"
        counts = table["art"].to_numpy()
    else:
        visits = sm.datasets.randhie.load_pandas()
        X, counts = visits.exog, visits.endog.to_numpy().astype(int)
    designs = {Part.SELECTION: X, Part.DEGREE: X}
    return name, Regression(family, counts, designs, np.zeros(len(counts))).problem


@contextmanager
def _before() -> Iterator[None]:
    """Search as it was before it looked further, at parted zeros and at steps."""
    further, inward = optimum._further, optimum.drawn_inward
    optimum._further = lambda *_: []
    optimum.drawn_inward = lambda _, at: at
    try:
        yield
    finally:
        optimum._further, optimum.drawn_inward = further, inward


def _best_of_random(problem: Problem, starts: int) -> float:
    rng = np.random.default_rng(0)
    centre = find_optimum(problem, random_starts=0).point.at.clip(-3, 3)
    ends = (climb(problem, centre + rng.normal(0, SPREAD, problem.size)) for _ in range(starts))
    return max(end.value for end in ends if np.isfinite(end.value))


def _timed(work: Callable[[], float]) -> tuple[float, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


if __name__ == "__main__":
    main()
