"""What a study asks, and of which data."""

import numpy as np
import pandas as pd

from analysis.chapters.data_words import remarks
from analysis.chapters.material import Material
from analysis.tables.blocks import Block, Section, Table, Text


def asked(material: Material) -> Section:
    """Say what the study asks."""
    declaration = material.study.declaration
    opening = Text(
        f"How much does each city direct at each other one ({declaration.dyads.outcome}), whether "
        "at all (selection) and how much if so (degree), and what does it depend on? Every "
        "coefficient below holds the others, and where a model has them the effects of the two "
        "cities, fixed."
    )
    if not declaration.hypothesis:
        return Section("What was asked", (opening, Text("The study states no hypotheses.")))
    columns = ["part", "term", "direction", "source"]
    stated = [hypothesis.model_dump() for hypothesis in declaration.hypothesis]
    table = pd.DataFrame(stated).rename(columns={"label": "hypothesis"}).set_index("hypothesis")
    return Section("What was asked", (opening, Table(table[columns].map(str), "Hypotheses")))


def counted(material: Material) -> Section:
    """Describe the data."""
    study, dyads = material.study, material.study.dyads
    columns, synthetic = study.declaration.dyads, set(study.declaration.synthetic)
    count = dyads["count"].to_numpy()
    absent = study.missing_dyads
    missing = (
        f"{absent} directed dyads have no row." if absent else "Every directed dyad has a row."
    )
    sizes = Text(
        f"{dyads.sizes['city']} cities and {dyads.sizes['dyad']} directed dyads, from "
        f"{columns.file}. {missing} "
        f"{int((count == 0).sum())} counts ({(count == 0).mean():.1%}) are zero."
    )
    described = {columns.outcome: count}
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
