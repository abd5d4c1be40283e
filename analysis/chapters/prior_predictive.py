"""What a model expects before it has seen an outcome."""

import pandas as pd

from analysis.tables.blocks import Block, Table, Text
from analysis.tables.words import PLURALS
from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE
from models.inference.prior_predictive import PriorPredictive
from models.priors.absurd import FAR, absurdity


def prior_predictive_blocks(
    expected: PriorPredictive, model: str, priors: str
) -> tuple[Block, ...]:
    """Tabulate what a model expects, and warn where that is absurd."""
    rows, many = {}, PLURALS[expected.kind]
    if expected.kind in (COUNT, SUCCESSES):
        low, middle, high = (f"{share:.0%}" for share in expected.zeros)
        rows["share of zeros"] = f"{middle} ({low} to {high})", f"{expected.observed_zeros:.0%}"
    low, middle, high = (f"{mean:.3g}" for mean in expected.means)
    if expected.kind in (TIE, AMOUNT):
        what = "share of ties" if expected.kind is TIE else "mean"
        rows[what] = f"{middle} ({low} to {high})", f"{expected.observed_mean:.3g}"
    if expected.kind is TIE:
        data = pd.DataFrame.from_dict(rows, orient="index", columns=["prior", "observed"])
        return (Table(data, f"What {model} expects under {priors} priors"),)
    quantiles = zip((50, 90, 99), expected.quantiles, expected.observed_quantiles, strict=True)
    for percent, prior, observed in quantiles:
        rows[f"{percent} % quantile of {many}"] = f"{prior:,.0f}", f"{observed:,.0f}"
    low, middle, high = (f"{outcome:,.0f}" for outcome in expected.largest)
    rows[f"largest {expected.kind.noun}"] = (
        f"{middle} ({low} to {high})",
        f"{expected.observed_largest:,}",
    )
    beyond = "|amount - mean|" if expected.kind is AMOUNT else expected.kind.noun
    rows[f"P({beyond} > {FAR} x the largest observed)"] = f"{expected.far:.1%}", ""
    data = pd.DataFrame.from_dict(rows, orient="index", columns=["prior", "observed"])
    table = Table(data, f"What {model} expects under {priors} priors")
    warning = absurdity(expected.far)
    return (table, Text(warning, warns=True)) if warning else (table,)
