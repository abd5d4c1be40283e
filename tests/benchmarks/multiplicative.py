"""Effective draws of multiplicative effects of amounts, beside the Gibbs sampler of R's amen.

    .venv/bin/python tests/benchmarks/multiplicative.py TRADE/dyads.csv

The trade of 30 countries (870 directed dyads), rank 2, ten predictors. In each round one fit of
`normal_ame2`, whole, with its compilation and its search for modes, and then as many chains of amen
as there are cores, each in a process of its own. Compared are coefficients, dyadic reciprocity,
the residual variance and those of city effects: their smallest bulk ESS for each second from the
study to the draws. The priors differ (docs/method.md, "Beside amen"): means of the residual
variance and of dyadic reciprocity, which do not rest on them, must lie within half a posterior sd
of each other, or the exit status is 1.

`--amen` is a folder that holds the package's R files, where R has no package amen.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from data import study_from
from models import sample

SCRIPT = Path(__file__).parent / "peers" / "amen.R"
ENDS = {"sender": "exporter", "receiver": "importer"}
OF_CITIES, OF_DYADS = ("pop", "gdp", "polity"), ("conflicts", "distance", "igos", "polity_int")
RANK, BURN, EVERY = 2, 2000, 10
# amen's names of variances, and what they are here
RESIDUAL, RECIPROCITY = "ve", "rho"


def main(arguments: list[str] | None = None) -> int:
    """Fit in turn and print; give the exit status."""
    given = _options().parse_args(arguments)
    table = pd.read_csv(given.trade)
    rows, kept = [], []
    for seed in range(1, given.rounds + 1):
        found = {"interlocal": ours(table, seed), "amen": theirs(table, seed, given)}
        kept.append({program: draws for program, (draws, _) in found.items()})
        costs = {program: _cost(*each) for program, each in found.items()}
        gain = costs["interlocal"]["ess_per_s"] / costs["amen"]["ess_per_s"]
        rows += [{"round": seed, "program": program, **cost} for program, cost in costs.items()]
        print(pd.DataFrame(rows[-2:]).to_string(index=False), f"\nratio: {gain:.1f}\n", flush=True)
    return int(not all(map(agree, kept)))


def ours(table: pd.DataFrame, seed: int) -> tuple[xr.Dataset, float]:
    """Give draws of what is compared, and seconds."""
    columns = [f"{name}_{end}" for end in ENDS.values() for name in OF_CITIES] + [*OF_DYADS]
    began = perf_counter()
    study = study_from(
        table, outcome="trade", degree=" + ".join(columns), models=(f"normal_ame{RANK}",), **ENDS
    )
    fit = sample(study, f"normal_ame{RANK}", seed=seed, progress=False)
    seconds = perf_counter() - began
    draws = fit["posterior"].to_dataset()
    found = draws["degree_coef"].to_dataset("degree_term")
    sds = {"va": "degree_sender_sd", "vb": "degree_receiver_sd", RESIDUAL: "residual_sd"}
    found = found.assign({name: draws[sd] ** 2 for name, sd in sds.items()})
    return found.assign({RECIPROCITY: draws["degree_dyadic_reciprocity"]}), seconds


def theirs(table: pd.DataFrame, seed: int, given: argparse.Namespace) -> tuple[xr.Dataset, float]:
    """Give the same of chains of amen, as many as there are cores, at once."""
    columns = {end: side for side, end in ENDS.items()} | {"trade": "outcome"}
    columns |= {
        f"{name}_{end}": f"{name} {side}" for side, end in ENDS.items() for name in OF_CITIES
    }
    shown = table.rename(columns=columns)
    first = ["sender", "receiver", "outcome"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        shown[first + [name for name in shown if name not in first]].to_csv(
            folder / "dyads.csv", index=False
        )

        def chain(number: int) -> tuple[pd.DataFrame, float]:
            draws, about = folder / f"{number}.csv", folder / f"{number}.json"
            numbers = RANK, BURN, given.scan, EVERY, 100 * seed + number
            rscript = shutil.which("Rscript") or "Rscript"
            command = [rscript, "--vanilla", SCRIPT, folder / "dyads.csv", draws, about]
            subprocess.run([*command, *map(str, numbers), *filter(None, [given.amen])], check=True)
            return pd.read_csv(draws), json.loads(about.read_text("utf-8"))["seconds"]

        chains = os.process_cpu_count() or 1
        with ThreadPoolExecutor(chains) as pool:
            found = list(pool.map(chain, range(chains)))
    tables, seconds = zip(*found, strict=True)
    draws = {
        name: (("chain", "draw"), np.stack([one[name] for one in tables])) for name in tables[0]
    }
    return xr.Dataset(draws).drop_vars(["intercept", "cab"]), max(seconds)


def _cost(draws: xr.Dataset, seconds: float) -> dict[str, object]:
    ess = az.ess(draws, method="bulk").to_array()
    least = int(ess.argmin())
    return {
        "seconds": round(seconds, 1),
        "least_ess": round(float(ess[least])),
        "of": str(ess["variable"][least].item()),
        "ess_per_s": float(ess[least]) / seconds,
        "largest_r_hat": round(float(az.rhat(draws).to_array().max()), 3),
        RECIPROCITY: round(float(draws[RECIPROCITY].mean()), 4),
        RESIDUAL: round(float(draws[RESIDUAL].mean()), 4),
    }


def agree(draws: dict[str, xr.Dataset]) -> bool:
    """Tell whether both programs find the same of what does not rest on their priors."""
    names = [RECIPROCITY, RESIDUAL]
    one, other = (each[names] for each in draws.values())
    apart = np.abs(one.mean() - other.mean()) / one.std()
    return bool((apart < 0.5).to_array().all())


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trade", type=Path, help="the table of the trade of 30 countries")
    parser.add_argument("--amen", type=Path, help="folder of amen's R files")
    parser.add_argument("--rounds", type=int, default=3, help="fits of either program")
    parser.add_argument("--scan", type=int, default=10_000, help="iterations of a chain of amen")
    return parser


if __name__ == "__main__":
    sys.exit(main())
