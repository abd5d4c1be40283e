"""How far posteriors rest on the priors."""

import pandas as pd

from analysis.chapters.material import Material
from analysis.fits.gathering import ModelResults
from analysis.posterior.sensitivity import RULES, flagged, not_scaled, sensitivity
from analysis.tables.blocks import Block, Fold, Section, Table, Text


def sensitivity_blocks(table: pd.DataFrame, label: str) -> tuple[Block, ...]:
    """Show the parameters that the priors move, or that the data do not."""
    some, known = flagged(table), int(table["prior"].notna().sum())
    caption = f"{label}: of {known} parameters, these do not rest on data alone"
    rest = Text(f"{label}: each of {known} parameters rests on the data.")
    sentence = not_scaled(table)
    return _grid(some, caption) if len(some) else rest, *([Text(sentence)] if sentence else [])


def sensitive(material: Material) -> Section:
    """Show how far the posteriors rest on the priors."""
    return material.by_model("Sensitivity", RULES, "Sensitivity of", _sensitivity_of)


def _sensitivity_of(model: ModelResults, material: Material) -> tuple[Block, ...]:
    name, table = model.model, sensitivity(model.fit)
    pictures = material.pictures(name, "priors", "sensitivity")
    every = _grid(table, f"{name}: power-scaling sensitivity")
    fold = Fold(f"Every parameter of {name}", (every,))
    return (*pictures, *sensitivity_blocks(table, name), fold)


def _grid(table: pd.DataFrame, caption: str) -> Table:
    return Table(table[["prior", "likelihood", "diagnosis"]].rename_axis("parameter"), caption)
