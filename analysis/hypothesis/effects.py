"""What each hypothesised term does in plain units, in every fit."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.fits.finding import find_fits
from analysis.posterior.marginal_effects import marginal_effects
from data.declaration import Hypothesis
from data.dyads import columns_of
from data.errors import StudyError
from data.formulas.grammar import parse_formula
from data.formulas.reader import Columns
from data.study import Study
from models.inference.fit import Fit
from models.likelihood.outcomes import CHANCES

DRAWS = 500
SELECTION = ("p_eligible", *CHANCES.values())
DEGREE = ("expected_if_eligible", "expected")  # the first that the family has
COLUMNS = ["effect", "effect_lower", "effect_upper", "change", "quantity"]


def plain_effects(study: Study, *, results: str | Path = "results") -> pd.DataFrame:
    """Compute what each hypothesised term does in plain units, in every fit of a study.

    Returns
    -------
    pandas.DataFrame
        Rows (model, priors, part, term), as `analysis.hypothesis.verdicts.with_effects` takes them:
        posterior mean of the average effect ``effect`` with ``effect_lower`` and ``effect_upper``
        (89 % equal-tailed interval); ``change``, of which column and how far; ``quantity``: for a
        selection term the probability of being eligible, of a tie or of a success, for a degree
        term the expected outcome (of an eligible dyad, where there are others). NaN where the
        column stands in other terms of the part too, or the term is an interaction: no change of
        one column is the term's own.
    """
    rows = {}
    for one in find_fits(study, Path(results)).passed:
        with Fit.open(one.path) as fit:
            columns = columns_of(fit.dyads)
            behind = {
                stated: _column(stated, study.terms[stated.part], columns)
                for stated in study.declaration.hypothesis
            }
            used = sorted(set(filter(None, behind.values())))
            found = marginal_effects(fit.tree, predictors=used, draws=DRAWS) if used else None
        for hypothesis, column in behind.items():
            key = (one.model, one.priors, hypothesis.part, hypothesis.term)
            rows[key] = _row(found, hypothesis, column)
    index = pd.MultiIndex.from_tuples(rows, names=["model", "priors", "part", "term"])
    return pd.DataFrame(list(rows.values()), index=index, columns=COLUMNS)


def _column(hypothesis: Hypothesis, terms: list[str], columns: Columns) -> str:
    """Name the column whose change is the term's; nothing where others take part."""
    bare = _bare(hypothesis.term)
    used = _used(bare, columns)
    others = {term for term in map(_bare, terms) if term != bare}
    shared = set().union(*(_used(term, columns) for term in others))
    return used.pop() if len(used) == 1 and not used & shared else ""


def _bare(term: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", term)  # without the level of a category


def _used(term: str, columns: Columns) -> set[str]:
    try:
        parsed = parse_formula(term, columns)
    except StudyError:  # no formula on its own
        return set()
    return {*parsed.used, *(label for call in parsed.node_calls for label in call.moved)}


def _row(found: pd.DataFrame | None, hypothesis: Hypothesis, column: str) -> list[object]:
    unknown: list[object] = [np.nan, np.nan, np.nan, "", ""]
    if found is None or column not in found.index.unique("predictor"):
        return unknown
    effects = found.xs(column, level="predictor")
    quantities = SELECTION if hypothesis.part == "selection" else DEGREE
    quantity = next((known for known in quantities if known in effects.index.unique(1)), None)
    level = re.search(r"\[(?:T\.)?([^\]]*)\]", hypothesis.term)
    changes = [
        str(change)
        for change in effects.index.unique("change")
        if level is None
        or str(change).startswith(f"{level[1]} instead of ")
        or (level[1], change) == ("1", "0 -> 1")
    ]
    if quantity is None or len(changes) != 1:
        return unknown
    row = effects.loc[[(changes[0], quantity)]].iloc[0]
    return [row["mean"], row["lower"], row["upper"], f"{column} {changes[0]}", quantity]
