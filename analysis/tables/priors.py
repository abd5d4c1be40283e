"""Priors as text on a terminal."""

import itertools
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.tables.fit import plain_table
from models.inference.prior_predictive import ABSURD, FAR, PriorPredictive
from models.priors.files import locate, prior_sets


def print_prior_sets(out: Console) -> None:
    """Print the prior sets that come with the package, with what they say of themselves."""
    table = _columns_table("Prior sets", "set", "what it is")
    for name in prior_sets():
        table.add_row(name, escape(_first_sentence(locate(name, Path(), ""))))
    out.print(table)


def print_priors(priors: pd.DataFrame, model: str, out: Console) -> None:
    """Print every prior in force."""
    table = _columns_table(f"Priors of {model}", "parameter", "term", "prior", "source")
    for row in priors.itertuples(index=False):
        table.add_row(*(escape(str(value)) for value in row))
    out.print()
    out.print(table)


def print_prior_predictive(
    expected: PriorPredictive, model: str, priors: str, out: Console
) -> None:
    """Print what a model expects before it has seen a count, and warn where that is absurd."""
    title = f"What {model} expects under {priors} priors"
    table = _columns_table(title, "", "prior", "observed")
    low, middle, high = (f"{share:.0%}" for share in expected.zeros)
    table.add_row("share of zeros", f"{middle} ({low} to {high})", f"{expected.observed_zeros:.0%}")
    rows = zip((50, 90, 99), expected.quantiles, expected.observed_quantiles, strict=True)
    for percent, prior, observed in rows:
        table.add_row(f"{percent} % quantile of counts", f"{prior:,.0f}", f"{observed:,.0f}")
    low, middle, high = (f"{count:,.0f}" for count in expected.largest)
    table.add_row("largest count", f"{middle} ({low} to {high})", f"{expected.observed_largest:,}")
    table.add_row(f"P(count > {FAR} x the largest observed)", f"{expected.far:.1%}", "")
    out.print()
    out.print(table)
    if expected.is_absurd:
        out.print(
            f"[bold yellow]Absurd prior:[/] more than {ABSURD:.0%} of the counts that it expects "
            f"lie beyond {FAR} times the largest observed one. Narrow the degree intercept, the "
            "coefficients or the sds."
        )


def _first_sentence(path: Path) -> str:
    """Take the first sentence of the comment that a prior file begins with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    first, full_stop, _ = " ".join(line.lstrip("# ") for line in comment).partition(". ")
    return first + "." * bool(full_stop)


def _columns_table(title: str, *columns: str) -> Table:
    table = plain_table(title)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    return table
