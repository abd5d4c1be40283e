"""Simulated studies, the same for every program that is timed."""

import numpy as np
import pandas as pd

from data.declaration import Declaration
from data.from_memory import study_from_table
from data.roles import PARTS
from data.study import Study
from models.name import parse_model
from models.simulation.simulate import TRUTH, draw_outcomes

PREDICTORS = [f"x{number}" for number in range(1, 7)]
SEED = 20221


def made_study(cities: int, model: str) -> Study:
    """Simulate counts with six predictors a part, the same for both parts."""
    rng = np.random.default_rng([SEED, cities])
    names = np.array([f"city {number:03d}" for number in range(1, cities + 1)])
    i, j = np.nonzero(~np.eye(cities, dtype=bool))
    table = pd.DataFrame({"sender": names[i], "receiver": names[j], "count": 1})
    table[PREDICTORS] = rng.normal(size=(len(table), len(PREDICTORS))).round(4)
    formula = " + ".join(PREDICTORS)
    declaration = Declaration.model_validate(
        {
            "title": f"Benchmark of {cities} cities",
            "synthetic": ["count", *PREDICTORS],
            "models": [model],
            "dyads": {"sender": "sender", "receiver": "receiver", "outcome": "count"},
            "formula": dict.fromkeys(PARTS, formula),
        }
    )
    coefs = {
        f"{part}_coef": dict(zip(PREDICTORS, rng.normal(0, 0.3, len(PREDICTORS)), strict=True))
        for part in PARTS
    }
    dyads = study_from_table(table, declaration, "unknown").dyads
    _, count = draw_outcomes(dyads, parse_model(model), TRUTH | coefs, rng)
    return study_from_table(table.assign(count=count), declaration, "benchmark")


def standardised(study: Study) -> tuple[pd.DataFrame, np.ndarray]:
    """Give a table whose predictors have mean 0 and standard deviation 1, and their scales.

    Priors of coefficients speak of one standard deviation, those of intercepts of the predictors'
    means; so programs that know neither convention are given such columns.
    """
    x = study.dyads["degree_design"].to_numpy()
    scales = x.std(axis=0, ddof=1)
    table = pd.DataFrame((x - x.mean(axis=0)) / scales, columns=PREDICTORS)
    for column in ("sender", "receiver", "count"):
        table[column] = study.dyads[column].to_numpy()
    return table, scales
