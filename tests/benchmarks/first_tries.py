"""Which fits pass the gate at the first try: studies, models and seeds.

    .venv/bin/python tests/benchmarks/first_tries.py ../shared/data results/first_tries.jsonl \\
        --cases trade friends --seeds 1 2 3 4 5

A line of JSON a fit, written as it ends: whether it passed, what its first try showed, R-hat, ESS,
divergences and seconds. A fit that has its line is not made again. The last line printed counts
first and second tries. Cases that begin with `simulated` need no data.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pandas as pd

from data import read_study, study_from
from data.study import Study
from models import sample, simulate_study

TOLD = ("max_r_hat", "worst", "min_ess_bulk", "min_ess_tail", "divergences")
ENDS = {"sender": "exporter", "receiver": "importer"}
TRADE = [f"{name}_{end}" for end in ENDS.values() for name in ("pop", "gdp", "polity")]
TRADE += ["conflicts", "distance", "igos", "polity_int"]
PERSONS = ("status", "female", "seniority", "age", "practice")
FRIENDS = [f"{name}_{end}" for end in ("sender", "receiver") for name in PERSONS]
FRIENDS += ["advice", "cowork"]


def trade(data: Path) -> Study:
    """Give the trade of 30 countries."""
    table = pd.read_csv(data / "trade" / "dyads.csv")
    given = {"outcome": "trade", "degree": " + ".join(TRADE), "models": ("normal_ame2",)}
    return study_from(table, **given, **ENDS)


def friends(data: Path) -> Study:
    """Give the friendships of 71 lawyers, through the probit link."""
    table = pd.read_csv(data / "friends" / "dyads.csv")
    given = {"outcome": "friendship", "selection": " + ".join(FRIENDS)}
    return study_from(table, **given, models=("bernoulli_ame2",), link="probit")


def simulated(seed: int) -> Callable[[Path], Study]:
    """Give 40 cities with two dimensions in each part."""
    return lambda _: simulate_study(40, "zinb_ame2", seed=seed)[0]


CASES: dict[str, tuple[Callable[[Path], Study], str]] = {
    "trade": (trade, "normal_ame2"),
    "friends": (friends, "bernoulli_ame2"),
    "sheep, 1": (lambda data: read_study(data / "sheep"), "nb_ame1"),
    "sheep, 2": (lambda data: read_study(data / "sheep"), "nb_ame2"),
    "gelderland": (lambda data: read_study(data / "opengr" / "gelderland"), "nb_ame2"),
    **{f"simulated {seed}": (simulated(seed), "zinb_ame2") for seed in (1, 2, 3)},
}


def main(arguments: list[str] | None = None) -> int:
    """Fit what is not there yet; give 1 where a second try failed."""
    given = _options().parse_args(arguments)
    given.results.parent.mkdir(parents=True, exist_ok=True)
    lines = given.results.read_text("utf-8").splitlines() if given.results.exists() else []
    found = {(line["case"], line["seed"]): line for line in map(json.loads, lines)}
    for case in given.cases:
        make, model = CASES[case]
        if not (missing := [seed for seed in given.seeds if (case, seed) not in found]):
            continue
        study = make(given.data)
        for seed in missing:
            found[case, seed] = line = {"case": case, "seed": seed, **_fitted(study, model, seed)}
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
    asked = [found[case, seed] for case in given.cases for seed in given.seeds]
    first = sum(line["passed"] and not line["first_try"] for line in asked)
    passed = sum(line["passed"] for line in asked)
    print(f"{first} of {len(asked)} passed at the first try, {passed - first} at the second")
    return int(passed < len(asked))


def _fitted(study: Study, model: str, seed: int) -> dict[str, object]:
    began = perf_counter()
    attributes = sample(study, model, seed=seed, progress=False).attrs
    told = {name: attributes[name] for name in TOLD}
    return {
        "model": model,
        "passed": bool(attributes["passed"]),
        "first_try": json.loads(attributes["first_try"]),
        "faults": json.loads(attributes["faults"]),
        **{name: value.item() if hasattr(value, "item") else value for name, value in told.items()},
        "seconds": round(perf_counter() - began, 1),
    }


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the real data sets")
    parser.add_argument("results", type=Path, help="file that lines are added to")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    return parser


if __name__ == "__main__":
    sys.exit(main())
