"""What is known of a study's hypotheses, in words and tables."""

from collections.abc import Iterator

import pandas as pd

from analysis.chapters.fits import INTERVAL
from analysis.chapters.material import Material
from analysis.chapters.maximum_likelihood import FEW
from analysis.hypothesis.effects import plain_effects
from analysis.hypothesis.verdicts import Findings, findings, rules, with_effects
from analysis.tables.blocks import Block, Fold, P, Page, Section, Table, Text, intervals
from analysis.tables.numbers import listed, p_value
from data.declaration import Declaration
from models.likelihood.outcomes import quantities
from models.name import named

TOO_SMALL = (
    f"With fewer than {FEW} cities, p-values of maximum likelihood are too small but for those of "
    "the jackknife over cities and of permutations (docs/standard_errors.md)."
)


def hypotheses_page(found: Findings, declaration: Declaration) -> Page:
    """Show each hypothesis under every model and prior set, and what that comes to."""
    title, synthetic = f"Hypotheses · {declaration.title}", declaration.synthetic
    data = found.table.assign(synthetic=" ".join(synthetic))
    return Page(title, _blocks(found), "", synthetic, data)


def answered(material: Material) -> Section:
    """Hold the hypotheses against every fit, under every prior set."""
    study = material.study
    if not study.declaration.hypothesis:
        return Section("Hypotheses", (Text("The study states no hypotheses."),))
    results = material.results.workspace.results
    found = findings(study, results=results)
    table = with_effects(found.table, plain_effects(study, results=results))
    fold = Fold("In plain units, and by maximum likelihood", (_beside(table),))
    known = [name for name in _kinds(table) if table[name].notna().any()]
    small = [Text(TOO_SMALL)] if known and study.dyads.sizes["city"] < FEW else []
    return Section("Hypotheses", (*_blocks(found), *small, fold))


def _remarks(found: Findings) -> list[str]:
    """Say what is not in the table, and by which rules verdicts come about."""
    said = [
        f"Not in the model: the {part} part of {listed(models)}."
        for part, models in found.absent.items()
    ]
    if found.beside:
        said.append(
            f"Failed the diagnostics in another run; the fit that passed is used: "
            f"{', '.join(found.beside)}."
        )
    if found.failed:
        said.append(f"Failed the diagnostics, and not used: {', '.join(found.failed)}.")
    if found.out_of_date:
        several, named = len(found.out_of_date), ", ".join(found.out_of_date)
        results = f"{several} result{'s' * (several > 1)}"
        said.append(f"{results} of other data or priors, not used: {named}.")
    if "ml_estimate" in found.table and found.table["ml_estimate"].isna().all():
        said.append("No maximum-likelihood results are there: `interlocal mle` makes them.")
    return [*said, f"Rules: {rules(found.rope)}"]


def _blocks(found: Findings) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for heading, rows in _by_hypothesis(found):
        sources = (f"Source: {source}." for source in rows["source"].unique() if source)
        blocks.append(_table(rows, heading, tuple(sources)))
        blocks += [Text(sentence) for sentence in (_sentence(rows), *_classical(rows))]
    return (*blocks, *map(Text, _remarks(found)))


def _by_hypothesis(found: Findings) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give each hypothesis' heading and rows, in order."""
    by = ["hypothesis", "part", "term", "direction"]
    for (label, part, term, direction), rows in found.table.groupby(by, sort=False):
        yield f"{label}: {part}, {term}, {direction}", rows


def _table(rows: pd.DataFrame, caption: str, notes: tuple[str, ...]) -> Table:
    turns = rows["sign_changes"].map({True: " (sign changes)", False: ""})
    shown = pd.DataFrame(
        {
            "mean": rows["mean"],
            INTERVAL: intervals(rows),
            "P(direction)": rows["p_direction"],
            "beyond ROPE": rows["beyond_share"],
            "in ROPE": rows["rope_share"],
            "verdict": rows["verdict"] + turns,
        }
    ).droplevel("hypothesis")
    return Table(shown, caption, dict.fromkeys(["beyond ROPE", "in ROPE"], ".0%"), notes=notes)


def _beside(table: pd.DataFrame) -> Table:
    """Tabulate what a hypothesis' term does in plain units, and maximum likelihood beside it."""
    shown = pd.DataFrame(
        {
            "effect": table["effect"],
            f"effect, {INTERVAL}": intervals(table, "effect_lower", "effect_upper"),
            "of": table["change"].fillna(""),
            "on": [
                quantities(named(model).family).get(quantity, "")
                for model, quantity in zip(
                    table.index.get_level_values("model"), table["quantity"], strict=True
                )
            ],
            "ML estimate": table["ml_estimate"],
        }
    )
    kinds = {name: f"ML p, {name.removeprefix('p_')}" for name in _kinds(table)}
    shown = shown.assign(**{heading: table[name] for name, heading in kinds.items()})
    forms = dict.fromkeys(kinds.values(), P) | {"ML estimate": ".3f"}
    return Table(shown, "Every model under every prior set that was sampled", forms, "+.3f")


def _kinds(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table if str(name).startswith("p_") and name != "p_direction"]


def _sentence(rows: pd.DataFrame) -> str:
    flat = rows.reset_index()
    under: dict[str, list[str]] = {}
    for priors, some in flat.groupby("priors", sort=False):
        under.setdefault(_counted(some), []).append(str(priors))
    said = [f"{text} under {listed(sets)} priors" for text, sets in under.items()]
    text = f"{flat['hypothesis'].iloc[0]}: {'; '.join(said)}."
    turning = list(dict.fromkeys(flat.loc[flat["sign_changes"], "model"]))
    if turning:
        text += f" The sign of the mean changes with the priors in {listed(turning)}."
    return text


def _counted(rows: pd.DataFrame) -> str:
    """Say how many models support a hypothesis, and what the others find."""
    models = {
        str(verdict): [str(model) for model in some["model"]]
        for verdict, some in rows.groupby("verdict", sort=False)
    }
    if len(models) == 1:
        ((verdict, named),) = models.items()
        every = {1: named[0], 2: "both models"}.get(len(named), f"all {len(named)} models")
        return f"{verdict} in {every}"
    supporting = len(models.pop("supported", []))
    others = [f"{verdict} in {listed(named)}" for verdict, named in models.items()]
    return f"supported in {supporting} of {len(rows)} models ({'; '.join(others)})"


def _classical(rows: pd.DataFrame) -> Iterator[str]:
    """Say what pooled maximum likelihood finds, once for the models of one family."""
    flat = rows.reset_index()
    known = flat[flat["ml_estimate"].notna()]
    for estimate, same in known.groupby("ml_estimate", sort=False):
        values = same.iloc[0][_kinds(flat)].dropna().items()
        figures = [f"{str(name).removeprefix('p_')} {p_value(value)}" for name, value in values]
        models = listed(list(dict.fromkeys(same["model"])))
        p = f"p by {', '.join(figures)}" if figures else "p is not determined"
        yield f"Pooled maximum likelihood, beside {models}: {estimate:.3f}; {p}."
