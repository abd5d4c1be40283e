"""Time the fit of a pooled model beside statsmodels, pscl and glmmTMB, and count who fails.

    .venv/bin/python tests/benchmarks/maximum_likelihood.py --studies 200 --output table.md

Times are medians of fits in turn, one of each program a round, so that other work on the machine
slows all of them alike; a ratio is the median of the rounds' ratios. `maximum_likelihood` searches
from several starts and computes covariances of six kinds; the others search once, from their own
start, and compute one. The search alone is timed beside the whole. R's programs are timed inside
R, after a first fit. All must end at the same log-likelihood, or the table says how far below.
"""

import argparse
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from peers import r_lacks
from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP
from tables import captioned, markdown, short

from data import read_study
from data.study import Study
from models import maximum_likelihood, simulate_study
from models.frequentist.optimum import find_optimum
from models.frequentist.regression import regression

ROOT = Path(__file__).parents[2]
MODEL = "zinb_pooled"
# more iterations than any of them needs; its own limit of 35 stops some of them too early
ITERATIONS = {"bfgs": 1000, "newton": 1000, "lbfgs": 1000, "nm": 20_000}
SHORT = 1e-3  # below the maximum by more than this, statsmodels has not found it
BELOW = 1e-6  # the same of ours, against the best of statsmodels
R_PACKAGES = ("pscl", "glmmTMB")
POOLED = Path(__file__).with_name("pooled.R")


@dataclass(frozen=True)
class Ended:
    """How a search ended, and the log-likelihood there."""

    state: str
    value: float = -np.inf


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=200, help="simulated studies to fit")
    parser.add_argument("--rounds", type=int, default=9, help="fits of each program to time")
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    given = parser.parse_args(arguments)
    parts = [_speed(given.rounds)]
    if given.studies:
        parts.append(_failures(given.studies))
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text("\n".join(parts), encoding="utf-8")


def _speed(rounds: int) -> str:
    studies = {
        "Guangdong": read_study(ROOT / "data" / "guangdong"),
        "21 simulated cities": simulate_study(21, MODEL, seed=1)[0],
        "130 simulated cities": simulate_study(130, MODEL, seed=1)[0],
    }
    lacking = {package: r_lacks(package) for package in R_PACKAGES}
    there = [package for package, why in lacking.items() if not why]
    rows = [row for name in studies for row in _timed(name, studies[name], rounds, there)]
    caption = (
        f"Milliseconds a fit of `{MODEL}`, median of {rounds}, and the median ratio of ours to "
        "theirs. `ours`: `maximum_likelihood`, all of it; `search`: `find_optimum` alone. "
        f"statsmodels: the fastest of {', '.join(ITERATIONS)} that finds the maximum, from its own "
        "start. Below: how far the log-likelihood ends below ours."
    )
    remarks = [f"Not run: {package} ({why})." for package, why in lacking.items() if why]
    return _said(captioned(caption, markdown(rows), *remarks))


def _timed(name: str, study: Study, rounds: int, there: list[str]) -> list[dict[str, str]]:
    top = maximum_likelihood(study, MODEL).log_likelihood
    optimizer = _fastest(study, top)
    problem = regression(study, "zinb").problem
    ended = {"statsmodels": _statsmodels(study, optimizer).value} if optimizer else {}
    found: list[dict[str, float]] = []
    with TemporaryDirectory() as folder:
        for _ in range(rounds):
            row = {
                "ours": _seconds(lambda: maximum_likelihood(study, MODEL)),
                "search": _seconds(lambda: find_optimum(problem)),
            }
            if optimizer:
                row["statsmodels"] = _seconds(lambda: _statsmodels(study, optimizer))
            for package in there:
                row[package], ended[package] = _by_r(package, study, Path(folder))
            found.append(row)
    times = pd.DataFrame(found)
    lines = []
    for program in times:
        line = {
            "study": name,
            "dyads": f"{study.dyads.sizes['dyad']:,}",
            "program": f"{program}, {optimizer}" if program == "statsmodels" else program,
            "ms": short(1e3 * times[program].median()),
        }
        if program in ended:
            for mine in ("ours", "search"):
                line[f"{mine} : it"] = short((times[mine] / times[program]).median())
            line["below"] = f"{top - ended[program]:.1e}"
        lines.append(line)
    if not optimizer:
        lines.append({"study": name, "program": "statsmodels", "ms": "no optimizer finds it"})
    return lines


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _fastest(study: Study, top: float) -> str | None:
    """Name the fastest optimizer of statsmodels among those that find the maximum."""
    times = {}
    for optimizer in ITERATIONS:
        if _statsmodels(study, optimizer).value > top - SHORT:
            again = [_seconds(lambda o=optimizer: _statsmodels(study, o)) for _ in range(3)]
            times[optimizer] = median(again)
    return min(times, key=times.__getitem__) if times else None


def _statsmodels(study: Study, optimizer: str) -> Ended:
    """Fit with one of statsmodels' optimizers, from its own start."""
    dyads = study.dyads
    selection, degree = (
        np.column_stack([np.ones(dyads.sizes["dyad"]), dyads[f"{part}_design"].to_numpy()])
        for part in ("selection", "degree")
    )
    model = ZeroInflatedNegativeBinomialP(
        dyads["outcome"].to_numpy(),
        degree,
        exog_infl=selection,
        p=2,
        offset=dyads["log_exposure"].to_numpy(),
    )
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            fit = model.fit(method=optimizer, maxiter=ITERATIONS[optimizer], disp=0)
            value = float(fit.llf)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return Ended("raises")
    if not np.isfinite(value):
        return Ended("NaN")
    return Ended("converged" if fit.mle_retvals["converged"] else "not converged", value)


def _by_r(package: str, study: Study, folder: Path) -> tuple[float, float]:
    """Give the seconds that a package of R needs, and the log-likelihood where it ends."""
    table = study.dyads[["outcome", "log_exposure"]].to_dataframe()
    table = table[["outcome", "log_exposure"]].reset_index(drop=True)
    sides = []
    for part in ("degree", "selection"):
        design = study.dyads[f"{part}_design"].to_numpy()
        columns = [f"{part}{k}" for k in range(design.shape[1])]
        table[columns] = design
        sides.append(" + ".join(columns))
    path = folder / "dyads.csv"
    table.to_csv(path, index=False)
    rscript = shutil.which("Rscript") or "Rscript"
    said = subprocess.run(
        [rscript, POOLED, package, path, *sides], check=True, capture_output=True, text=True
    )
    seconds, value = map(float, said.stdout.split()[-2:])
    return seconds, value


def _failures(studies: int) -> str:
    """Count the failures of each optimizer, and ours."""
    kinds = ["raises", "NaN", "not converged", "lower"]
    counts = pd.DataFrame(0, index=["ours", *ITERATIONS], columns=[*kinds, "fine"])
    for seed in range(1, studies + 1):
        study, _ = simulate_study(21, MODEL, seed=seed)
        fit = maximum_likelihood(study, MODEL)
        others = {name: _statsmodels(study, name) for name in ITERATIONS}
        best = max(ended.value for ended in others.values())
        for name, ended in others.items():
            counts.loc[name, _kind(ended, fit.log_likelihood - SHORT)] += 1
        ours = Ended("converged" if fit.converged else "not converged", fit.log_likelihood)
        counts.loc["ours", _kind(ours, best - BELOW)] += 1
    counts = counts[kinds].assign(failed=counts[kinds].sum(axis=1), studies=studies)
    caption = f"Fits that failed, of {studies} simulated studies of 21 cities (seeds 1 to "
    caption += f"{studies}); each counts once, under the first that applies. `lower`: the "
    caption += f"log-likelihood is more than {SHORT:g} below ours; for ours, more than {BELOW:g} "
    caption += "below the best of statsmodels."
    return _said(captioned(caption, counts.to_markdown()))


def _said(text: str) -> str:
    print(text)
    return text


def _kind(ended: Ended, least: float) -> str:
    if ended.state != "converged":
        return ended.state
    return "lower" if ended.value < least else "fine"


if __name__ == "__main__":
    main()
