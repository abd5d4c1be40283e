"""Guangdong's `dyads.csv` from `cities.csv` and `truth.toml`: `make data`."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from data.declaration import read_declaration
from data.dyads import dyads_dataset
from data.guangdong import FOLDER
from data.guangdong.covariates import directed_dyads, read_cities
from models.name import named
from models.simulation.simulate import draw_outcomes

YUAN = 1e8  # GDP is in 100 million yuan


def rebuild(target: Path) -> None:
    """Write the table of dyads, the same bytes each time.

    Real covariates are rounded before anything is drawn from them, so that the last bits of a
    machine's arithmetic cannot reach the file.
    """
    recipe = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(recipe["seed"])
    cities = read_cities(FOLDER / "cities.csv")
    table = directed_dyads(cities).round(
        {"distance_km": 3, "proximity": 6, "workforce_similarity": 6}
    )
    table["mayor_ties"] = _mayor_ties(table, rng, **recipe["mayor_ties"])
    table["migrants"] = _migrants(table, cities, rng, **recipe["migrants"])
    table["problem_severity"] = np.log(table["migrants"]).round(6)
    declaration = read_declaration((FOLDER / "study.toml").read_bytes())
    dyads = dyads_dataset(table.assign(services=1), declaration)
    _, table["services"] = draw_outcomes(dyads, named(recipe["model"]), recipe["truth"], rng)
    target.write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="")


def _mayor_ties(table: pd.DataFrame, rng: np.random.Generator, rate: float) -> np.ndarray:
    pair = [tuple(sorted(two)) for two in zip(table["sender"], table["receiver"], strict=True)]
    number, pairs = pd.factorize(pd.Index(pair, tupleize_cols=False))
    return (rng.random(len(pairs)) < rate)[number].astype(int)


def _migrants(
    table: pd.DataFrame,
    cities: pd.DataFrame,
    rng: np.random.Generator,
    **weight: float,
) -> np.ndarray:
    sender, receiver = cities.loc[table["sender"]], cities.loc[table["receiver"]]
    gdp_a_head = sender["gdp"].to_numpy() * YUAN / sender["population"].to_numpy()
    log_migrants = (
        weight["constant"]
        + weight["origin"] * np.log(receiver["population"].to_numpy())
        + weight["destination"] * np.log(gdp_a_head)
        + weight["population"] * np.log(sender["population"].to_numpy())
        - weight["distance"] * np.log(table["distance_km"].to_numpy())
        + rng.normal(0, weight["noise"], len(table))
    )
    migrants: np.ndarray = np.maximum(np.round(np.exp(log_migrants)), 1).astype(int)
    return migrants


if __name__ == "__main__":
    rebuild(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "dyads.csv")
