"""Power-scaling sensitivity as text on a terminal."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.posterior.sensitivity import RULES, flagged, not_scaled
from analysis.tables.fit import plain_table


def print_sensitivity(table: pd.DataFrame, label: str, out: Console) -> None:
    """Print the parameters that the priors move, or that the data do not."""
    some, known = flagged(table), int(table["prior"].notna().sum())
    out.print()
    if some.empty:
        out.print(escape(f"{label}: each of {known} parameters rests on the data."))
    else:
        out.print(_grid(some, f"{label}: of {known} parameters, these do not rest on data alone"))
    if sentence := not_scaled(table):
        out.print(escape(sentence))


def print_rules(out: Console) -> None:
    """Print what a sensitivity is."""
    out.print()
    out.print(escape(RULES))


def _grid(some: pd.DataFrame, title: str) -> Table:
    grid = plain_table(escape(title))
    grid.add_column("", overflow="fold")
    for heading in ("prior", "likelihood"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("")
    for name, row in some.iterrows():
        figures = (f"{row[column]:.3f}" for column in ("prior", "likelihood"))
        grid.add_row(escape(str(name)), *figures, row["diagnosis"])
    return grid
