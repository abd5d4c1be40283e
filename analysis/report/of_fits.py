"""Sections that show the fits: diagnostics, coefficients and effects, cities, checks."""

import json

from analysis.checks.network import network_check, network_table
from analysis.fits.gathering import ModelResults
from analysis.posterior.city_effects import city_effects
from analysis.posterior.marginal_effects import marginal_effects
from analysis.posterior.summary import CI_PROB, coefficients, part_unit, shares, spreads
from analysis.report.document import (
    Block,
    Cell,
    Fold,
    Grid,
    Section,
    Text,
    grid,
    interval,
    labelled_rows,
    number,
    summary_grid,
)
from analysis.report.material import Material
from data.roles import PARTS
from models.likelihood.outcomes import QUANTITIES
from models.name import parse_model

PERCENT = f"{CI_PROB:.0%}"


def diagnosed(material: Material) -> Section:
    """Say which fits can be believed."""
    rows, blocks = [], []
    for model, each in material.results.models.items():
        about = each.fit.attrs
        if not about["passed"]:
            faults = "; ".join(json.loads(about["faults"]))
            text = f"{model} fails its diagnostics and must not be interpreted: {faults}."
            blocks.append(Text(text, warns=True))
        rows.append(
            (
                model,
                "passes" if about["passed"] else "fails",
                number(about["max_r_hat"]),
                number(about["min_ess_bulk"], ".0f"),
                number(about["min_ess_tail"], ".0f"),
                number(about["divergences"], ".0f"),
                number(about["min_bfmi"], ".2f"),
                f"{about['chains']} x {about['draws']}",
                number(about["sampling_seconds"], ".1f"),
            )
        )
    headings = (
        *("model", "diagnostics", "largest R-hat", "least bulk ESS", "least tail ESS"),
        *("divergences", "least E-BFMI", "draws", "seconds"),
    )
    caption = "A fit passes with R-hat <= 1.01, ESS >= 400, no divergence, E-BFMI >= 0.3"
    folds = [
        Fold(f"Ranks and energy of {model}", material.pictures(model, "ranks", "energy"))
        for model in material.results.models
    ]
    return Section("Diagnostics", (*blocks, grid(caption, headings, rows), *folds))


def effects(material: Material) -> Section:
    """Show coefficients, and what they mean in plain units."""
    opening = Text(
        "A coefficient is on the scale of logits or logs. The tables of effects say what a change "
        "in one predictor does to probabilities and counts, averaged over all dyads, everything "
        "else as it was observed."
    )
    return Section("Effects", (opening, *material.by_model("Effects in", _effects_of)))


def _effects_of(each: ModelResults, material: Material) -> tuple[Block, ...]:
    tables: list[Block] = [
        *material.warning(each.model),
        *material.pictures(each.model, "coefficients"),
    ]
    for part in PARTS:
        table = coefficients(each.fit, part)
        if len(table):
            caption = f"{each.model}, {part}: {part_unit(each.fit, part)}"
            tables.append(summary_grid(caption, table, PERCENT))
    found = marginal_effects(each.fit)
    if not len(found):
        return (*tables, Text(f"{each.model} has no predictors."))
    rows = [
        (
            predictor,
            change,
            QUANTITIES[quantity],
            number(row["mean"], "+.3f"),
            interval(row["lower"], row["upper"], "+.3f"),
            number(row["p_positive"]),
        )
        for (predictor, change, quantity), row in labelled_rows(found)
    ]
    headings = ("predictor", "change", "effect on", "mean", f"{PERCENT} interval", "P(positive)")
    caption = f"{each.model}: average effects in plain units, {found.attrs['draws']} draws"
    return (*tables, grid(caption, headings, rows))


def cities(material: Material) -> Section:
    """Show how cities differ."""
    opening = Text(
        "A city's sender effect is how much more it directs at others than its predictors say, "
        "its receiver effect how much more is directed at it."
    )
    return Section("City effects", (opening, *material.by_model("Cities in", _cities_of)))


def _cities_of(each: ModelResults, material: Material) -> tuple[Block, ...]:
    pictures = material.pictures(each.model, "cities", "map", "reciprocity")
    tables = [
        summary_grid(f"{each.model}: {caption}", table, PERCENT, _is_correlation)
        for caption, table in (
            ("spread and correlation of city effects, dispersion", spreads(each.fit)),
            ("share of the linear predictor's variance", shares(each.fit)),
        )
        if len(table)
    ]
    if not parse_model(each.model).roles:
        return (Text(f"{each.model} has no city effects."), *tables)
    warning = material.warning(each.model)
    return (*warning, *pictures, *tables, Fold(f"Every city in {each.model}", (_every_city(each),)))


def _is_correlation(name: str) -> bool:
    return name.partition("[")[0].endswith(("_reciprocity", "correlation"))


def _every_city(each: ModelResults) -> Grid:
    effects = city_effects(each.fit)
    roles = [str(role) for role in effects["role"].to_numpy()]
    rows: list[tuple[str | Cell, ...]] = []
    for city in effects["city"].to_numpy():
        cells: list[Cell] = []
        for role in roles:
            one = effects.sel(role=role, city=city)
            cells.append(number(float(one["mean"]), "+.2f"))
            cells.append(interval(float(one["lower"]), float(one["upper"]), "+.2f"))
        rows.append((str(city), *cells))
    words = [role.replace("_", " ") for role in roles]
    headings = ["city", *(each for word in words for each in (word, f"{PERCENT} interval"))]
    return grid(f"{each.model}: effects of every city, posterior means", headings, rows)


def checked(material: Material) -> Section:
    """Hold the observed counts against counts that the fits predict."""
    opening = Text(
        "A model that describes the counts predicts networks like the observed one. p is the share "
        "of predicted networks whose statistic is at least as large, ties counted half; near 0 or "
        "1 the model misses that feature."
    )
    return Section(
        "Predictive checks", (opening, *material.by_model("Predictive checks of", _checks_of))
    )


def _checks_of(each: ModelResults, material: Material) -> tuple[Block, ...]:
    pictures = material.pictures(each.model, "statistics", "rootogram", "pit", "matrix")
    return (*material.warning(each.model), _statistics(each), *pictures)


def _statistics(each: ModelResults) -> Grid:
    rows = [
        (
            name,
            number(row["observed"]),
            number(row["mean"]),
            interval(row["lower"], row["upper"]),
            number(row["p"]),
        )
        for (name,), row in labelled_rows(network_table(network_check(each.fit)))
    ]
    headings = ("statistic", "observed", "predicted", f"{PERCENT} interval", "p")
    return grid(f"{each.model}: statistics of the network", headings, rows)
