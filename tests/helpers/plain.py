"""The Guangdong study as a table of dyads alone: every predictor a column, and no city table."""

import re

import pandas as pd

from data.dyads import raw_predictors
from data.guangdong import FOLDER


def plain_table(study):
    """Give the table of dyads with the study's predictors as columns."""
    table = pd.read_csv(FOLDER / "dyads.csv")
    predictors = raw_predictors(study.dyads).reset_index(drop=True)
    return table.assign(**{name: predictors[name] for name in predictors if name not in table})


def plain_declaration(study):
    """Give the declaration that such a table needs."""
    return study.declaration.model_copy(update={"predictors": {}, "cities": None})


def write_plain(folder, study):
    """Write such a table over a copy of the study."""
    plain_table(study).to_csv(folder / "dyads.csv", index=False)
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^\[predictors\].*?(?=^\[formula\])", "", text)
    path.write_text(text.replace('[cities]\nfile = "cities.csv"\n', ""), encoding="utf-8")
