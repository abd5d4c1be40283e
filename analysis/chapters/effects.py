"""What predictors do in plain units, and how cities differ."""

import pandas as pd

from analysis.chapters.fits import INTERVAL, SHARES, SPREADS, parameter_tables
from analysis.chapters.material import Material
from analysis.fits.gathering import ModelResults
from analysis.posterior.city_effects import city_effects
from analysis.posterior.marginal_effects import marginal_effects
from analysis.tables.blocks import Block, Fold, Section, Table, Text, intervals
from data.roles import PARTS
from models.inference.fit import Fit
from models.likelihood.outcomes import quantities


def effects(material: Material) -> Section:
    """Show coefficients, and what they mean in plain units."""
    opening = (
        "A coefficient is on the scale that its table names. The tables of effects say what a "
        "change in one predictor does to probabilities and outcomes, averaged over all dyads, "
        "everything else as it was observed; an odds ratio is that of the mean chance after the "
        "change against before."
    )
    return material.by_model("Effects", opening, "Effects in", _effects_of)


def cities(material: Material) -> Section:
    """Show how cities differ."""
    opening = (
        "A city's sender effect is how much more it directs at others than its predictors say, "
        "its receiver effect how much more is directed at it."
    )
    if not material.study.declaration.dyads.directed:
        opening = "A city's effect is how much more its pairs have than their predictors say."
    return material.by_model("City effects", opening, "Cities in", _cities_of)


def _effects_of(model: ModelResults, material: Material) -> tuple[Block, ...]:
    name = model.model
    blocks: list[Block] = [*material.pictures(name, "coefficients")]
    blocks += parameter_tables(model.fit, PARTS, name)
    found = marginal_effects(model.fit)
    if not len(found):
        return (*blocks, Text(f"{name} has no predictors."))
    shown = found[["mean"]].assign(**{INTERVAL: intervals(found)})
    shown["P(positive)"] = found["p_positive"]
    words = quantities(Fit(model.fit).name.family)
    shown = shown.rename(index=words, level="quantity").rename_axis(index={"quantity": "effect on"})
    caption = f"{name}: average effects in plain units, {found.attrs['draws']} draws"
    return (*blocks, Table(shown, caption, {"P(positive)": ".3f"}, "+.3f"))


def _cities_of(model: ModelResults, material: Material) -> tuple[Block, ...]:
    name, tables = model.model, parameter_tables(model.fit, (SPREADS, SHARES), model.model)
    if not Fit(model.fit).name.roles:
        return (Text(f"{name} has no city effects."), *tables)
    pictures = material.pictures(name, "cities", "map", "reciprocity", "positions")
    every = Fold(f"Every city in {name}", (_every_city(model),))
    return (*pictures, *tables, every)


def _every_city(model: ModelResults) -> Table:
    effects = city_effects(model.fit)
    columns = {}
    for role in effects["role"].to_numpy().tolist():
        found, words = effects.sel(role=role).to_dataframe(), role.replace("_", " ")
        columns[words] = found["mean"]
        columns[f"{words}, {INTERVAL}"] = intervals(found)
    caption = f"{model.model}: effects of every city, posterior means"
    return Table(pd.DataFrame(columns), caption, form="+.2f")
