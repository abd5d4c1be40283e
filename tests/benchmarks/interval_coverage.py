"""Count how often nominal 95 % intervals of a pooled fit hold the value that it estimates.

    .venv/bin/python tests/benchmarks/interval_coverage.py --studies 300 --cities 21 60

Studies are drawn from `zinb_crossed` and fitted by `zinb_pooled`. Cities differ in both parts, by
sender and receiver effects that the pooled model leaves out; so the counts of dyads that share a
city are correlated. Two predictors are of dyads (`near`, `alike`), two of cities
(`wealth_sender`, `wealth_receiver`). Predictors, effects and counts are drawn anew in each study.

The pooled model does not estimate the coefficients that the studies are drawn from: those compare
dyads of cities with the same effects, its own compare dyads whatever their cities. Coverage is
counted against the value that the pooled estimates tend to as the number of cities grows: their
mean over studies of many cities. The mean of the estimates in the small studies themselves would
not do, for it takes part in their bias, and an interval should not be forgiven that. Intercepts
are left out, for they speak of each study's own predictor means.
"""

import argparse
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from data.declaration import Declaration
from data.from_memory import study_from_table
from data.study import Study
from models import maximum_likelihood
from models.frequentist.covariances import KINDS
from models.frequentist.fit import with_jackknife
from models.frequentist.optimum import find_optimum
from models.frequentist.regression import regression
from models.name import parse_model
from models.simulation.simulate import TRUTH, draw_outcomes

SMALL, LARGE = (
    21,
    150,
)  # cities of the studies whose intervals are counted; of those that tell where
DRAWN = "zinb_crossed"
SIDES = ("sender", "receiver")
SPREAD = 0.7
COEFS = {
    "selection": {"near": 0.8, "alike": -0.4, "wealth_sender": 0.4, "wealth_receiver": 0.3},
    "degree": {"near": 0.5, "alike": 0.3, "wealth_sender": 0.3, "wealth_receiver": 0.2},
}
TRUE = {f"{part}_coef[{term}]": b for part, coefs in COEFS.items() for term, b in coefs.items()}


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=300, help="studies to fit")
    parser.add_argument("--cities", type=int, nargs="+", default=[21, 60], help="in each of them")
    parser.add_argument("--large", type=int, default=40, help=f"studies of {LARGE} cities")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    given = parser.parse_args(arguments)
    large = _table(_estimates(given.large, given.seed))
    parts, middles = [], {}
    for cities in given.cities:
        studies = (simulated(cities, [given.seed, cities, k]) for k in range(given.studies))
        fits = [
            with_jackknife(maximum_likelihood(study, "zinb_pooled"), regression(study, "zinb"))
            for study in studies
        ]
        estimates = _table(fit.parameters.to_series() for fit in fits)
        errors = {kind: _table(fit.standard_errors(kind) for fit in fits) for kind in KINDS}
        middles[cities] = estimates.median()
        parts += [_coverage(estimates, errors, large.mean(), cities), _widths(estimates, errors)]
    text = "\n".join([_values(large, middles), *parts])
    print(text)
    if given.output:
        given.output.write_text(text, encoding="utf-8")


def simulated(cities: int, seed: list[int]) -> Study:
    """Simulate a study with predictors of dyads and of cities."""
    rng = np.random.default_rng(seed)
    names = np.array([f"city {k:03d}" for k in range(1, cities + 1)])
    i, j = np.nonzero(~np.eye(cities, dtype=bool))
    place = rng.random((cities, 2))
    likeness = rng.normal(size=(cities, cities))
    wealth = rng.normal(size=cities)
    table = pd.DataFrame(
        {
            "sender": names[i],
            "receiver": names[j],
            "services": 1,
            "near": -np.log(np.linalg.norm(place[i] - place[j], axis=1) + 0.05),
            "alike": ((likeness + likeness.T) / np.sqrt(2))[i, j],
            "wealth_sender": wealth[i],
            "wealth_receiver": wealth[j],
        }
    )
    formula = " + ".join(COEFS["degree"])
    declaration = Declaration.model_validate(
        {
            "title": f"Simulated study of {cities} cities",
            "models": ("zinb_pooled",),
            "dyads": {"sender": "sender", "receiver": "receiver", "outcome": "services"},
            "formula": {"selection": formula, "degree": formula},
        }
    )
    truth = TRUTH | {f"{part}_coef": coefs for part, coefs in COEFS.items()}
    truth |= {f"{part}_{side}_sd": SPREAD for part in COEFS for side in SIDES}
    dyads = study_from_table(table, declaration, "unknown").dyads
    _, count = draw_outcomes(dyads, parse_model(DRAWN), truth, rng)
    return study_from_table(table.assign(services=count), declaration, "simulated")


def _estimates(studies: int, seed: int) -> Iterator[pd.Series]:
    for number in range(studies):
        data = regression(simulated(LARGE, [seed, LARGE, number]), "zinb")
        at = find_optimum(data.problem, random_starts=0).point.at
        yield pd.Series(at / data.scales, data.names)


def _table(rows: Iterable[pd.Series]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).reset_index(drop=True)[list(TRUE)]


def _values(large: pd.DataFrame, middles: dict[int, pd.Series]) -> str:
    table = pd.DataFrame({"drawn from": TRUE})
    table[f"{LARGE} cities"] = large.mean()
    table["error"] = large.sem()
    for cities, middle in middles.items():
        table[f"{cities} cities"] = middle
    caption = (
        "Coefficients that the studies are drawn from, and their pooled estimates: mean over "
        f"{len(large)} studies of {LARGE} cities, which is what intervals should hold, with its "
        "Monte Carlo error; median over the smaller studies."
    )
    return _captioned(caption, table.to_markdown(floatfmt=".3f"))


def _coverage(
    estimates: pd.DataFrame, errors: dict[str, pd.DataFrame], target: pd.Series, cities: int
) -> str:
    reach = norm.ppf(0.975)
    cells, missing = {}, {}
    for kind, error in errors.items():
        known = error.notna().sum()
        share = ((estimates - target).abs() <= reach * error).sum() / known
        noise = np.sqrt(share * (1 - share) / known)
        missing[kind] = error.size - known.sum()
        cells[kind] = [f"{100 * s:.1f} ± {100 * n:.1f}" for s, n in zip(share, noise, strict=True)]
    table = pd.DataFrame(cells, index=list(TRUE))
    gaps = ", ".join(f"{count} {kind}" for kind, count in missing.items() if count)
    caption = (
        f"{cities} cities: coverage of nominal 95 % intervals in {len(estimates)} studies, percent "
        f"with Monte Carlo errors. Not counted, of {estimates.size} intervals of a kind, are those "
        f"that do not exist: {gaps or 'none'}."
    )
    return _captioned(caption, table.to_markdown())


def _widths(estimates: pd.DataFrame, errors: dict[str, pd.DataFrame]) -> str:
    # not the standard deviation: a selection part that nearly separates has estimates far out
    identified = estimates.where(errors["information"].notna())
    spread = (identified.quantile(0.84) - identified.quantile(0.16)) / 2
    ratios = {kind: error.median() / spread for kind, error in errors.items()}
    caption = (
        "Median standard error over the spread of the estimates that are identified (half the "
        "range of their middle 68 %); 1 is right."
    )
    return _captioned(caption, pd.DataFrame(ratios).to_markdown(floatfmt=".2f"))


def _captioned(caption: str, table: str) -> str:
    return f"{textwrap.fill(caption, 100)}\n\n{table}\n"


if __name__ == "__main__":
    main()
