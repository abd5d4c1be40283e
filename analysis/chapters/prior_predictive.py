"""What a model expects before it has seen a count."""

import pandas as pd

from analysis.tables.blocks import Block, Table, Text
from models.inference.prior_predictive import PriorPredictive
from models.priors.absurd import FAR, absurdity


def prior_predictive_blocks(
    expected: PriorPredictive, model: str, priors: str
) -> tuple[Block, ...]:
    """Tabulate what a model expects, and warn where that is absurd."""
    low, middle, high = (f"{share:.0%}" for share in expected.zeros)
    rows = {"share of zeros": (f"{middle} ({low} to {high})", f"{expected.observed_zeros:.0%}")}
    quantiles = zip((50, 90, 99), expected.quantiles, expected.observed_quantiles, strict=True)
    for percent, prior, observed in quantiles:
        rows[f"{percent} % quantile of counts"] = f"{prior:,.0f}", f"{observed:,.0f}"
    low, middle, high = (f"{count:,.0f}" for count in expected.largest)
    rows["largest count"] = f"{middle} ({low} to {high})", f"{expected.observed_largest:,}"
    rows[f"P(count > {FAR} x the largest observed)"] = f"{expected.far:.1%}", ""
    data = pd.DataFrame.from_dict(rows, orient="index", columns=["prior", "observed"])
    table = Table(data, f"What {model} expects under {priors} priors")
    warning = absurdity(expected.far)
    return (table, Text(warning, warns=True)) if warning else (table,)
