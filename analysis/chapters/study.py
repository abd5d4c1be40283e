"""What a study asks, and of which data."""

import numpy as np
import pandas as pd

from analysis.chapters.data_words import remarks
from analysis.chapters.material import Material
from analysis.tables.blocks import Block, Section, Table, Text
from data.declaration import Declaration
from data.dyads import extent
from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE
from data.study import Study


def asked(material: Material) -> Section:
    """Say what the study asks."""
    declaration = material.study.declaration
    opening = Text(
        f"{_question(declaration)}, and what does it depend on? Every "
        "coefficient below holds the others, and where a model has them the effects of the two "
        "cities, fixed."
    )
    if not declaration.hypothesis:
        return Section("What was asked", (opening, Text("The study states no hypotheses.")))
    columns = ["part", "term", "direction", "source"]
    stated = [hypothesis.model_dump() for hypothesis in declaration.hypothesis]
    table = pd.DataFrame(stated).rename(columns={"label": "hypothesis"}).set_index("hypothesis")
    return Section("What was asked", (opening, Table(table[columns].map(str), "Hypotheses")))


def _question(declaration: Declaration) -> str:
    outcome = f"({declaration.dyads.outcome})"
    if COUNT in declaration.kinds:
        return (
            f"How much does each city direct at each other one {outcome}, whether at all "
            "(selection) and how much if so (degree)"
        )
    if AMOUNT in declaration.kinds:
        return f"How much does each city direct at each other one {outcome}"
    if TIE in declaration.kinds:
        to = "to" if declaration.dyads.directed else "with"
        return f"Which city has a tie {to} which other one {outcome}"
    return f"How often does each city succeed with each other one {outcome}"


def _spread(study: Study) -> str:
    outcome, kinds = study.dyads["outcome"].to_numpy(), study.declaration.kinds
    if AMOUNT in kinds:
        return (
            f"The mean is {outcome.mean():.4g}, the standard deviation {outcome.std(ddof=1):.4g}."
        )
    if TIE in kinds:
        return f"{int(outcome.sum())} of them ({outcome.mean():.1%}) are ties."
    if SUCCESSES in kinds:
        return f"{outcome.sum():,} of {int(study.dyads['trials'].sum()):,} trials are successes."
    return f"{int((outcome == 0).sum())} counts ({(outcome == 0).mean():.1%}) are zero."


def counted(material: Material) -> Section:
    """Describe the data."""
    study, dyads = material.study, material.study.dyads
    columns, synthetic = study.declaration.dyads, set(study.declaration.synthetic)
    outcome = dyads["outcome"].to_numpy()
    absent = study.missing_dyads
    missing = (
        f"{absent} {columns.many} have no row."
        if absent
        else f"Every {columns.many.removesuffix('s')} has a row."
    )
    sizes = Text(
        f"{dyads.sizes['city']} cities and {extent(dyads)}, from "
        f"{columns.file}. {missing} "
        f"{_spread(study)}"
    )
    described = {columns.outcome: outcome}
    if columns.trials is not None:
        described[columns.trials] = dyads["trials"].to_numpy()
    if columns.exposure is not None:
        described[columns.exposure] = np.exp(dyads["log_exposure"].to_numpy())
    for name in dyads["predictor"].to_numpy().tolist():
        described[name] = dyads["predictors"].sel(predictor=name).to_numpy()
    figures = pd.DataFrame(
        {name: pd.Series(values).describe() for name, values in described.items()}
    ).T
    kept = {"mean": "mean", "std": "sd", "min": "least", "50%": "median", "max": "largest"}
    shown = figures[list(kept)].rename(columns=kept).rename_axis("column")
    shown["source"] = ["synthetic" if name in synthetic else "observed" for name in shown.index]
    blocks: list[Block] = [sizes, Table(shown, "Columns that the models use", form=".4g")]
    for name in dyads["category"].to_numpy().tolist():
        levels = pd.Series(dyads["categories"].sel(category=name).to_numpy()).value_counts()
        listed = ", ".join(f"{level} ({n})" for level, n in levels.items())
        blocks.append(Text(f"{name}{' (synthetic)' * (name in synthetic)}: {listed}."))
    blocks += remarks(study.notes, study.cautions)
    return Section("The data", tuple(blocks))
