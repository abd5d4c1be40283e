"""Sections that answer: hypotheses, comparison, sensitivity."""

import json

from analysis.comparison.file import comparison_table
from analysis.comparison.inflation import RULES as INFLATION_RULES
from analysis.figures import elpd_figure
from analysis.figures.catalogue import look_for
from analysis.fits.gathering import ModelResults
from analysis.hypothesis.effects import plain_effects
from analysis.hypothesis.verdicts import findings, with_effects
from analysis.posterior.sensitivity import RULES, sensitivity
from analysis.posterior.summary import CI_PROB
from analysis.report.document import (
    Block,
    Cell,
    Fold,
    Picture,
    Section,
    Text,
    grid,
    interval,
    labelled_rows,
    number,
    p_value,
)
from analysis.report.material import Material
from analysis.tables.comparison import COLUMNS, DIGITS, QUESTIONS, TREATED, sentences
from analysis.tables.hypotheses import remarks
from analysis.tables.hypotheses import sentences as answers
from analysis.tables.maximum_likelihood_text import FEW
from models.likelihood.outcomes import QUANTITIES

TOO_SMALL = (
    f"With fewer than {FEW} cities, p-values of maximum likelihood are too small but for those of "
    "the jackknife over cities and of permutations (docs/standard_errors.md)."
)


def answered(material: Material) -> Section:
    """Hold the hypotheses against every fit, under every prior set.

    Returns
    -------
    Section
        A sentence a hypothesis, then the table, or that there are none.
    """
    study = material.results.study
    if not study.declaration.hypothesis:
        return Section("Hypotheses", (Text("The study states no hypotheses."),))
    results = material.results.folder.parents[1]
    found = findings(study, results=results)
    table = with_effects(found.table, plain_effects(study, results=results))
    of_ml = [str(name) for name in table if str(name).startswith(("ml_", "p_"))]
    of_ml.remove("p_direction")
    rows = [
        (
            *(hypothesis, model, priors, row["verdict"]),
            number(row["mean"]),
            interval(row["lower"], row["upper"]),
            number(row["p_direction"]),
            number(row["rope_share"]),
            number(row["effect"], "+.3f"),
            interval(row["effect_lower"], row["effect_upper"], "+.3f"),
            f"{QUANTITIES.get(row['quantity'], '')}, {row['change']}" if row["quantity"] else "",
            *(p_value(row[name]) if name != "ml_estimate" else number(row[name]) for name in of_ml),
        )
        for (hypothesis, model, priors), row in labelled_rows(table)
    ]
    headings = (
        *("hypothesis", "model", "priors", "verdict", "mean", f"{CI_PROB:.0%} interval"),
        *("P(direction)", "within ROPE", "effect", f"{CI_PROB:.0%} interval", "effect on"),
        *(name.replace("ml_", "ML ").replace("p_", "ML p, ") for name in of_ml),
    )
    blocks: list[Block] = [Text(sentence) for sentence in answers(found)]
    blocks.append(grid("Every model under every prior set that was sampled", headings, rows))
    if len(of_ml) > 1 and study.dyads.sizes["city"] < FEW:
        blocks.append(Text(TOO_SMALL))
    blocks += [Text(sentence) for sentence in remarks(found)]
    return Section("Hypotheses", tuple(blocks))


def sensitive(material: Material) -> Section:
    """Show how far the posteriors rest on the priors."""
    blocks = material.by_model("Sensitivity of", _sensitivity_of)
    return Section("Sensitivity", (Text(RULES), *blocks))


def _sensitivity_of(each: ModelResults, material: Material) -> tuple[Block, ...]:
    rows = [
        (name, number(row["prior"]), number(row["likelihood"]), row["diagnosis"])
        for (name,), row in labelled_rows(sensitivity(each.fit))
    ]
    table = grid(
        f"{each.model}: power-scaling sensitivity",
        ("parameter", "to the prior", "to the likelihood", "what follows"),
        rows,
    )
    return (
        *material.warning(each.model),
        *material.pictures(each.model, "priors", "sensitivity"),
        table,
    )


def compared(material: Material) -> Section:
    """Compare the models by what they predict."""
    tree = material.results.comparison
    if tree is None:
        missing = "These fits have not been compared: run `interlocal compare` on the study."
        return Section("Comparison", (Text(missing),))
    blocks: list[Block] = [
        Text(
            "elpd: expected log predictive density of counts that the model has not seen; higher "
            "is better. What is left out is the question: a dyad, a pair, all dyads of a city."
        )
    ]
    if ("", "comparison") in material.drawn:
        path = material.drawn["", "comparison"]
        alt = f"Comparison of the models: {tree.attrs['title']}"
        blocks.append(Picture(path, alt, look_for(elpd_figure)))
    for unit in tree.children:
        table = comparison_table(tree, unit)
        rows: list[tuple[Cell | str, ...]] = [
            (
                model,
                *(number(row[name], f".{DIGITS.get(name, 1)}f") for name in COLUMNS),
            )
            for (model,), row in labelled_rows(table)
        ]
        headings = ("model", *COLUMNS.values())
        blocks.append(grid(f"Left out: {QUESTIONS[unit]}", headings, rows))
        blocks.append(Text(" ".join(sentences(table, unit))))
    verdicts = json.loads(tree.attrs["verdicts"])
    blocks += [Text(sentence) for sentence in (TREATED, *verdicts)]
    blocks += [Text(f"Rules: {INFLATION_RULES}")] if verdicts else []
    blocks += [
        Fold(f"Dyads that {model} finds hard to leave out", material.pictures(model, "pareto"))
        for model in material.results.models
    ]
    return Section("Comparison", tuple(blocks))
