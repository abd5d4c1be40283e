"""Count how often the search of a zero-inflated maximum misses it, and what the search costs.

    .venv/bin/python tests/benchmarks/maxima.py --problems 500 --starts 200

The truth is the best end of many random starts and of the search itself. Problems, in turn: studies
of 8 to 40 cities drawn from `zinb_pooled` and from `zinb_srm`, with few positive counts, near
separation; and dyads of the real studies beside the project, drawn with replacement. `before` is
the search without parted zeros and without maxima drawn inward.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from data.study import read_study
from models import simulate_study
from models.frequentist import optimum
from models.frequentist.optimum import climb, find_optimum
from models.frequentist.problem import Problem
from models.frequentist.regression import regression
from models.simulation.simulate import TRUTH

MISSED = 1e-3  # log-likelihood
SPREAD = 2.0  # standard deviation of random starts, in standardized coefficients
STUDIES = ("data/guangdong", "../shared/data/sheep", "../shared/data/opengr/gelderland")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--starts", type=int, default=200, help="random ones, for the truth")
    parser.add_argument("--family", default="zinb")
    given = parser.parse_args()
    rows = []
    for kind, problem in problems(given.problems, given.family):
        now, seconds = _timed(lambda problem=problem: find_optimum(problem).point.value)
        before, seconds_before = _timed(lambda problem=problem: _before(problem))
        best = max(now, before, _best_of_random(problem, given.starts))
        rows.append((kind, now < best - MISSED, before < best - MISSED, seconds, seconds_before))
    columns = ["problems", "missed", "missed before", "seconds", "seconds before"]
    table = pd.DataFrame(rows, columns=columns)
    by = table.groupby("problems")
    shown = by[["missed", "missed before"]].sum().assign(of=by.size())
    shown["cost, ratio"] = by["seconds"].sum() / by["seconds before"].sum()
    whole = table[columns[1:3]].sum().tolist()
    shown.loc["all"] = [
        *whole,
        len(table),
        table["seconds"].sum() / table["seconds before"].sum(),
    ]
    print(shown.astype({"missed": int, "missed before": int, "of": int}).round(2).to_string())


def problems(number: int, family: str) -> Iterator[tuple[str, Problem]]:
    """Give problems to search, each with what it is."""
    real = [regression(read_study(Path(folder)), family).problem for folder in STUDIES]
    for k in range(number):
        rng = np.random.default_rng(k)
        turn = k % 5
        if turn < 2:
            drawn = ("zinb_pooled", "zinb_srm")[turn]
            level = {"selection_intercept": rng.normal(-1, 1), "degree_intercept": rng.normal(0, 1)}
            coefs = {
                f"{part}_coef": {"near": rng.normal(0, 2), "alike": rng.normal(0, 1)}
                for part in ("selection", "degree")
            }
            cities = int(rng.integers(8, 41))
            study, _ = simulate_study(cities, drawn, seed=k, truth=TRUTH | level | coefs)
            yield f"drawn from {drawn}", regression(study, family).problem
        else:
            whole = real[turn - 2]
            size = whole.count.size
            times = rng.multinomial(size, np.full(size, 1 / size)).astype(float)
            yield f"resampled {Path(STUDIES[turn - 2]).name}", replace(whole, weight=times)


def _before(problem: Problem) -> float:
    parted, inward = optimum._parted, optimum.drawn_inward
    optimum._parted = lambda *_: iter(())  # type: ignore[assignment]
    optimum.drawn_inward = lambda _, at: at  # type: ignore[assignment]
    try:
        return find_optimum(problem).point.value
    finally:
        optimum._parted, optimum.drawn_inward = parted, inward


def _best_of_random(problem: Problem, starts: int) -> float:
    rng = np.random.default_rng(0)
    centre = find_optimum(problem, random_starts=0).point.at.clip(-3, 3)
    ends = (climb(problem, centre + rng.normal(0, SPREAD, problem.size)) for _ in range(starts))
    return max(end.value for end in ends if np.isfinite(end.value))


def _timed(work) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    return work(), time.perf_counter() - began


if __name__ == "__main__":
    main()
