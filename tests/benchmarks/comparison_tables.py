"""The tables of `comparison_errors.py`, from the files of its networks."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis.comparison.errors import MARGIN, RULED, errors_of_sum, independent, jackknife, ruling
from analysis.comparison.inflation import Verdict

Network = tuple[str, int, Mapping[str, np.ndarray]]  # population, cities, what its file holds
REACH = 1.96
PAIRS = (
    ("nb_pooled", "zinb_pooled"),
    ("nb_pooled", "nb_crossed"),
    ("nb_crossed", "zinb_crossed"),
    ("zinb_crossed", "zinb_srm"),
)
FEWEST = 4  # networks of a population whose mean is taken for its expectation
WORDS = {
    "these": "These cities: the expectation over new counts of the same cities.",
    "others": "Other cities: the expectation over networks of other cities.",
}
NAMES = {"nb_pooled": "nb_pooled (ML)", "zinb_pooled": "zinb_pooled (ML)"}


def _dyadic(values: np.ndarray, cities: np.ndarray) -> float:
    """Add up the products of units that share a city; NaN where the sum is negative."""
    apart, number = values - values.mean(), int(cities.max()) + 1
    of_city = sum(np.bincount(side, apart, number) for side in cities)
    pair = np.sort(cities, axis=0)
    of_pair = np.bincount(pair[0] * number + pair[1], apart)
    total = float((of_city**2).sum() - (of_pair**2).sum())
    return np.sqrt(total) if total > 0 else np.nan


def _bootstrap(values: np.ndarray, cities: np.ndarray) -> float:
    """Draw cities with replacement, and a unit as often as both of its cities (pigeonhole)."""
    rng, number = np.random.default_rng(1), int(cities.max()) + 1
    times = rng.multinomial(number, np.full(number, 1 / number), size=200)
    weight = times[:, cities[0]] * times[:, cities[1]]
    return float(values.size * np.std(weight @ values / weight.sum(axis=1)))


def _by_t(values: np.ndarray, cities: np.ndarray) -> float:
    return jackknife(values, cities) * float(t.ppf(0.975, cities.max()) / REACH)


def _halved(values: np.ndarray, cities: np.ndarray) -> float:
    number = cities.max() + 1
    return jackknife(values, cities) * float(np.sqrt((number - 2) / (number - 1) / 2))


KINDS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "independent": lambda values, _: independent(values),
    "jackknife": jackknife,
    "by t": _by_t,
    "halved": _halved,
    "dyadic": _dyadic,
    "bootstrap": _bootstrap,
    "both": lambda values, cities: errors_of_sum(values, cities).others,
}


def tables(networks: Sequence[Network]) -> str:
    """Write coverage by unit, target and size, by city, and what the rule on inflation finds."""
    counted = pd.DataFrame(list(_differences(networks)))
    of_population = counted.groupby(["population", "cities", "unit", "models"])["difference"]
    number = of_population.transform("size")
    # the mean has the network itself in it
    widened = np.sqrt(number / (number - 1).clip(lower=1))
    counted["off others"] = (counted["difference"] - of_population.transform("mean")) * widened
    counted.loc[number < FEWEST, "off others"] = np.nan
    counted["off these"] = counted["difference"] - counted["these"]
    parts = [_coverage(counted, target) for target in WORDS]
    return "\n".join([*parts, _by_share(counted), _by_city(networks), _inflation(networks)])


def _differences(networks: Sequence[Network]) -> Iterator[dict[str, object]]:
    """Give each difference that a file holds, in the order in which tables show them."""
    by_size = sorted(networks, key=lambda network: network[1])
    for unit, (one, other), network in product(("dyad", "pair"), PAIRS, by_size):
        population, cities, found = network
        if not {f"{one}/{unit}", f"{other}/{unit}"} <= set(found):
            continue
        values = found[f"{other}/{unit}"] - found[f"{one}/{unit}"]
        ends = found["ends"] if unit == "dyad" else found["ends"][:, found["pairs"][:, 0]]
        key = f"{unit}_expected"
        yield {
            "population": population,
            "cities": cities,
            "unit": unit,
            "models": f"{NAMES.get(one, one)}, {NAMES.get(other, other)}",
            "difference": values.sum(),
            "these": (found[f"{other}/{key}"] - found[f"{one}/{key}"]).sum(),
            "ruling": ruling(values),
            **{kind: error(values, ends) for kind, error in KINDS.items()},
        }


def _coverage(counted: pd.DataFrame, target: str) -> str:
    """Count how often the difference lies within 1.96 errors of a target."""
    used = counted[counted[f"off {target}"].notna()]
    rows = []
    for (cities, unit, models), some in used.groupby(["cities", "unit", "models"], sort=False):
        within = {kind: _within(some[f"off {target}"], some[kind]) for kind in KINDS}
        rows.append({"cities": cities, "unit": unit, "models": models, "n": len(some), **within})
    caption = (
        f"{WORDS[target]} Share of n networks of all populations in which the difference lies "
        f"within {REACH} standard errors of it."
    )
    return _captioned(caption, pd.DataFrame(rows))


def _by_share(counted: pd.DataFrame) -> str:
    """Count the same for the errors that are used, by what one unit makes up."""
    edges = [0, 0.1, RULED, 0.5, 1]
    shares = pd.cut(counted["ruling"], edges, labels=["to 10 %", "to 25 %", "to 50 %", "to 100 %"])
    separated = counted["models"].str.contains("zinb_pooled")
    rows = [
        {
            "one unit makes up": share,
            "models": label,
            "n": len(some),
            "these cities, jackknife": _within(some["off these"], some["jackknife"]),
            "other cities, both": _within(some["off others"], some["both"]),
        }
        for label, chosen in (("with city effects", ~separated), ("zinb_pooled (ML)", separated))
        for share, some in counted[chosen].groupby(shares[chosen], observed=True)
    ]
    caption = (
        "Of all sizes and units: coverage by the share of the squared deviations of the pointwise "
        "differences that one unit makes up."
    )
    return _captioned(caption, pd.DataFrame(rows))


def _within(off: pd.Series, error: pd.Series) -> str:
    known = off.notna()
    return f"{(off[known].abs() <= REACH * error[known]).mean():.2f}" if known.any() else ""


def _by_city(networks: Sequence[Network]) -> str:
    rows = []
    for population, cities, found in networks:
        for one, other in PAIRS[:3]:
            if f"{one}/city" in found and f"{other}/city" in found:
                values = found[f"{other}/city"] - found[f"{one}/city"]
                models = f"{NAMES.get(one, one)}, {NAMES.get(other, other)}"
                rows.append((cities, models, population, values.sum(), independent(values)))
    columns = ["cities", "models", "population", "difference", "error"]
    every = pd.DataFrame(rows, columns=columns)
    of_population = every.groupby(columns[:3])["difference"]
    number = of_population.transform("size")
    every = every[number >= FEWEST]
    off = (every["difference"] - of_population.transform("mean")) * np.sqrt(number / (number - 1))
    lines = [
        {
            "cities": cities,
            "models": models,
            "n": len(some),
            "independent": _within(off[some.index], some["error"]),
            "twice": _within(off[some.index], 2 * some["error"]),
        }
        for (cities, models), some in every.groupby(["cities", "models"], sort=False)
    ]
    return _captioned("Other cities, all dyads of a city left out.", pd.DataFrame(lines))


def _inflation(networks: Sequence[Network]) -> str:
    """Count verdicts on inflation, and how often it helped."""
    rows = []
    for population, cities, found in networks:
        values = found["zinb_crossed/dyad"] - found["nb_crossed/dyad"]
        expected = found["zinb_crossed/dyad_expected"] - found["nb_crossed/dyad_expected"]
        gain, errors = float(values.sum()), errors_of_sum(values, found["ends"])
        verdict = Verdict(
            *("zinb_crossed", "nb_crossed", gain, errors),
            overlap=np.nan,  # which has no part in it, nor has where maximum likelihood ends
            at_boundary=False,
        )
        rows.append(
            {
                "cities": cities,
                "population": population,
                "helps": expected.sum() > 0,
                "gain": gain,
                "two errors": gain >= max(MARGIN, 2 * errors.these),
                "verdict": verdict.verdict,
            }
        )
    every = pd.DataFrame(rows)
    lines = []
    of_size = every.sort_values("cities", kind="stable")
    for (cities, population), some in of_size.groupby(["cities", "population"], sort=False):
        share = some["verdict"].value_counts()
        lines.append(
            {
                "cities": cities,
                "population": population,
                "n": len(some),
                "inflation helps": int(some["helps"].sum()),
                "gain, 10 % to 90 %": "{:.1f} to {:.1f}".format(*some["gain"].quantile([0.1, 0.9])),
                **{
                    name: int(share.get(name, 0))
                    for name in ("identified", "weakly identified", "not identified")
                },
                "4 elpd and two errors": int(some["two errors"].sum()),
            }
        )
    caption = (
        "Verdicts on the inflation of `zinb_crossed` against `nb_crossed`: how many of n networks. "
        "Inflation helps where new counts of the same cities are expected to be predicted better."
    )
    return _captioned(caption, pd.DataFrame(lines))


def _captioned(caption: str, table: pd.DataFrame) -> str:
    text = table.to_markdown(index=False, disable_numparse=True)
    return f"{textwrap.fill(caption, 100)}\n\n{text}\n"
