"""The tables of `comparison_errors.py`, from the files of its networks."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis.comparison.errors import RULED, errors_of_sum, independent, jackknife, ruling
from analysis.comparison.inflation import Verdict

Network = tuple[str, int, Mapping[str, np.ndarray]]  # population, cities, what its file holds
REACH = 1.96
PAIRS = (
    ("nb_pooled", "zinb_pooled"),
    ("nb_pooled", "nb_crossed"),
    ("nb_crossed", "zinb_crossed"),
    ("zinb_crossed", "zinb_srm"),
)
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
    "jackknife, t": _by_t,
    "jackknife, halved": _halved,
    "dyadic": _dyadic,
    "bootstrap": _bootstrap,
    "larger of independent, jackknife": lambda values, cities: max(
        independent(values), jackknife(values, cities)
    ),
    "jackknife and independent": lambda values, cities: errors_of_sum(values, cities).others,
}


def tables(networks: Sequence[Network]) -> str:
    """Write coverage by unit, target and size, by city, and what the rule on inflation finds."""
    counted = pd.DataFrame(list(_differences(networks)))
    parts = [_coverage(counted, target) for target in ("these", "others")]
    return "\n".join([*parts, _by_city(networks), _inflation(networks)])


def _differences(networks: Sequence[Network]) -> Iterator[dict[str, object]]:
    for population, cities, found in networks:
        for unit in ("dyad", "pair"):
            ends = found["ends"] if unit == "dyad" else found["ends"][:, found["pairs"][:, 0]]
            for one, other in PAIRS:
                values = found[f"{other}/{unit}"] - found[f"{one}/{unit}"]
                key = f"{unit}_expected"
                yield {
                    "population": population,
                    "cities": cities,
                    "unit": unit,
                    "models": f"{NAMES.get(one, one)}, {NAMES.get(other, other)}",
                    "difference": values.sum(),
                    "these": (found[f"{other}/{key}"] - found[f"{one}/{key}"]).sum(),
                    "ruled": ruling(values) > RULED,
                    **{kind: error(values, ends) for kind, error in KINDS.items()},
                }


def _coverage(counted: pd.DataFrame, target: str) -> str:
    """Count how often the difference lies within 1.96 errors of a target."""
    used = counted[~counted["ruled"]].copy()
    if target == "others":
        of_population = used.groupby(["population", "cities", "unit", "models"])["difference"]
        number = of_population.transform("size")
        used["others"] = of_population.transform("mean")
        # the mean has the network itself in it
        used["off"] = (used["difference"] - used["others"]) * np.sqrt(number / (number - 1))
        used = used[number > 2]
    else:
        used["off"] = used["difference"] - used["these"]
    rows = []
    for (cities, unit, models), some in used.groupby(["cities", "unit", "models"], sort=False):
        within = {kind: f"{(some['off'].abs() <= REACH * some[kind]).mean():.2f}" for kind in KINDS}
        rows.append({"cities": cities, "unit": unit, "models": models, "n": len(some), **within})
    words = {
        "these": "These cities: the expectation over new counts of the same cities.",
        "others": "Other cities: the expectation over networks of other cities.",
    }
    left_out = counted[counted["ruled"]].groupby("models").size()
    without = "; ".join(f"{number} of {models}" for models, number in left_out.items())
    caption = (
        f"{words[target]} Share of n networks in which the difference lies within {REACH} standard "
        f"errors of it. Not counted are those of whose difference one unit makes up more than "
        f"{RULED:.0%} (sizes and units together: {without or 'none'})."
    )
    return _captioned(caption, pd.DataFrame(rows))


def _by_city(networks: Sequence[Network]) -> str:
    rows = []
    for cities in dict.fromkeys(cities for _, cities, _ in networks):
        for one, other in PAIRS[:3]:
            off: dict[str, list[float]] = {}
            errors = []
            for population, of, found in networks:
                if of == cities and f"{one}/city" in found and f"{other}/city" in found:
                    values = found[f"{other}/city"] - found[f"{one}/city"]
                    if ruling(values) <= RULED:
                        off.setdefault(population, []).append(float(values.sum()))
                        errors.append((population, independent(values)))
            error = pd.DataFrame(errors, columns=["population", "error"])
            apart, known = [], []
            for population, sums in off.items():
                if len(sums) > 2:
                    centred = np.array(sums) - np.mean(sums)
                    apart.append(np.abs(centred) * np.sqrt(len(sums) / (len(sums) - 1)))
                    known.append(error.loc[error["population"] == population, "error"].to_numpy())
            if not apart:
                continue
            relative = np.concatenate(apart) / np.concatenate(known)
            rows.append(
                {
                    "cities": cities,
                    "models": f"{NAMES.get(one, one)}, {NAMES.get(other, other)}",
                    "n": len(relative),
                    **{
                        label: f"{(relative <= REACH * factor).mean():.2f}"
                        for label, factor in (("independent", 1), ("twice independent", 2))
                    },
                }
            )
    return _captioned("Other cities, all dyads of a city left out.", pd.DataFrame(rows))


def _inflation(networks: Sequence[Network]) -> str:
    """Count verdicts on inflation, and how often it helped."""
    rows = []
    for population, cities, found in networks:
        values = found["zinb_crossed/dyad"] - found["nb_crossed/dyad"]
        expected = found["zinb_crossed/dyad_expected"] - found["nb_crossed/dyad_expected"]
        verdict = Verdict(
            *(
                "zinb_crossed",
                "nb_crossed",
                float(values.sum()),
                errors_of_sum(values, found["ends"]),
            ),
            overlap=float(found["zinb_crossed/overlap"]),
            at_boundary=bool(found["zinb_pooled/at_boundary"]),
        )
        rows.append(
            {
                "cities": cities,
                "population": population,
                "helps": expected.sum() > 0,
                "gain": float(values.sum()),
                "verdict": verdict.verdict,
            }
        )
    every = pd.DataFrame(rows)
    lines = []
    for (cities, population), some in every.groupby(["cities", "population"], sort=False):
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
            }
        )
    caption = (
        "Verdicts on the inflation of `zinb_crossed` against `nb_crossed`: how many of n networks. "
        "Inflation helps where new counts of the same cities are expected to be predicted better."
    )
    return _captioned(caption, pd.DataFrame(lines))


def _captioned(caption: str, table: pd.DataFrame) -> str:
    return f"{textwrap.fill(caption, 100)}\n\n{table.to_markdown(index=False)}\n"
