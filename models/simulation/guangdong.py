"""Guangdong's `dyads.csv` from `cities.csv` and `truth.toml`: `make data`."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from data.declaration import read_declaration
from data.formulas.node_terms import Ends
from data.from_memory import study_from_table
from data.guangdong import FOLDER
from models.name import named
from models.simulation.simulate import draw_outcomes

YUAN = 1e8  # GDP is in 100 million yuan


def rebuild(target: Path) -> None:
    """Write the table of dyads, the same bytes each time.

    Distances are rounded before anything is drawn from them, as the study's predictors are, so
    that the last bits of a machine's arithmetic cannot reach the file.
    """
    recipe = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(recipe["seed"])
    cities = pd.read_csv(FOLDER / "cities.csv", index_col="city", encoding="utf-8")
    names = cities.index.to_numpy()
    i, j = np.nonzero(~np.eye(len(names), dtype=bool))
    table = pd.DataFrame({"sender": names[i], "receiver": names[j]})
    ends = Ends(cities, i, j, cities["latitude"].to_numpy(), cities["longitude"].to_numpy())
    distance_km = ends.context((), table.index)["distance_km"]().round(3)
    table["mayor_ties"] = _mayor_ties(table, rng, **recipe["mayor_ties"])
    table["migrants"] = _migrants(table, distance_km, cities, rng, **recipe["migrants"])
    declaration = read_declaration((FOLDER / "study.toml").read_bytes())
    unknown = study_from_table(
        table.assign(services=1), declaration, "guangdong", cities.reset_index()
    )
    model = named(recipe["model"])
    _, table["services"] = draw_outcomes(unknown.dyads, model, recipe["truth"], rng)
    target.write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="")


def _mayor_ties(table: pd.DataFrame, rng: np.random.Generator, rate: float) -> np.ndarray:
    pair = [tuple(sorted(two)) for two in zip(table["sender"], table["receiver"], strict=True)]
    number, pairs = pd.factorize(pd.Index(pair, tupleize_cols=False))
    return (rng.random(len(pairs)) < rate)[number].astype(int)


def _migrants(
    table: pd.DataFrame,
    distance_km: pd.Series,
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
        - weight["distance"] * np.log(distance_km.to_numpy())
        + rng.normal(0, weight["noise"], len(table))
    )
    migrants: np.ndarray = np.maximum(np.round(np.exp(log_migrants)), 1).astype(int)
    return migrants


if __name__ == "__main__":
    rebuild(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "dyads.csv")
