"""Sections that say what was asked, of which data, with which models."""

import numpy as np
import pandas as pd

from analysis.report.document import Block, Code, Section, Text, grid, number
from analysis.report.material import Material
from data.roles import Part
from models.name import ModelName, parse_model

COUNTS = {
    "poisson": "count ~ Poisson(mu)",
    "nb": "count ~ NB(mu, dispersion)",
    "zip": "count ~ Poisson(mu) with probability psi, else 0",
    "zinb": "count ~ NB(mu, dispersion) with probability psi, else 0",
    "hurdle_nb": "count ~ NB(mu, dispersion) without its zeros, with probability psi, else 0",
}
INDEX = {"sender": "i", "receiver": "j"}
VARIANCE = "Var NB(mu, dispersion) = mu + dispersion mu^2"


def asked(material: Material) -> Section:
    """Say what the study asks."""
    hypotheses = material.results.study.declaration.hypothesis
    outcome = material.results.study.declaration.dyads.outcome
    opening = Text(
        f"How much does each city direct at each other one ({outcome}), whether at all "
        "(selection) and how much if so (degree), and what does it depend on? Every coefficient "
        "below holds the others, and where a model has them the effects of the two cities, fixed."
    )
    if not hypotheses:
        return Section("What was asked", (opening, Text("The study states no hypotheses.")))
    rows = [(each.label, each.part, each.term, each.direction, each.source) for each in hypotheses]
    headings = ("hypothesis", "part", "term", "direction", "source")
    return Section("What was asked", (opening, grid("Hypotheses", headings, rows)))


def counted(material: Material) -> Section:
    """Describe the data."""
    study, dyads = material.results.study, material.results.study.dyads
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
    rows = []
    for name, values in described.items():
        about = pd.Series(values).describe()
        figures = [number(about[key], ".4g") for key in ("mean", "std", "min", "50%", "max")]
        rows.append((name, *figures, "synthetic" if name in synthetic else "observed"))
    headings = ("column", "mean", "sd", "least", "median", "largest", "source")
    blocks: list[Block] = [sizes, grid("Columns that the models use", headings, rows)]
    for name in dyads["category"].to_numpy().tolist():
        levels = pd.Series(dyads["categories"].sel(category=name).to_numpy()).value_counts()
        listed = ", ".join(f"{level} ({n})" for level, n in levels.items())
        blocks.append(Text(f"{name}{' (synthetic)' * (name in synthetic)}: {listed}."))
    return Section("The data", tuple(blocks))


def modelled(material: Material) -> Section:
    """Write the models as formulas."""
    blocks: list[Block] = [
        Text(
            "i sends, j receives; psi is the probability that a directed dyad is eligible at all, "
            "mu the mean count if it is (of a hurdle model, before the zeros are cut off). "
            "Predictors enter as differences from their means."
        )
    ]
    for model in material.results.models:
        blocks.append(Code(f"{model}\n{_formula(parse_model(model), material)}"))
        blocks += [
            Text(f"{model}: {caution}.", warns=True) for caution in parse_model(model).cautions
        ]
    if material.results.missing:
        blocks.append(
            Text(
                f"Not fitted: {', '.join(material.results.missing)}; run `interlocal sample`.",
                warns=True,
            )
        )
    first, priors = material.results.first.model, material.results.priors
    table = priors.table(material.results.study, first)
    blocks.append(
        grid(
            f"Priors of {first} (set: {priors.name}); a coefficient's is of the effect of one "
            "standard deviation of its column",
            ("parameter", "term", "prior"),
            table[["parameter", "term", "prior"]].to_numpy().tolist(),
        )
    )
    return Section("The models", tuple(blocks))


def _formula(name: ModelName, material: Material) -> str:
    lines = []
    for part, link in ((Part.SELECTION, "logit psi"), (Part.DEGREE, "log mu")):
        if part not in name.parts:
            continue
        written = getattr(material.results.study.declaration.formula, part)
        terms = ["intercept", *([written] if written != "1" else [])]
        roles = [role for role in name.roles if role.part == part]
        terms += [f"{role.side}[{INDEX[role.side]}]" for role in roles]
        for role in roles:
            slopes = material.results.study.declaration.slopes.of(part).of(role.side)
            terms += [f"{role.side} slope[{INDEX[role.side]}] x {term}" for term in slopes]
        terms += ["pair[i, j]"] * name.has_pairs
        exposed = part == "degree" and material.results.study.declaration.dyads.exposure is not None
        lines.append(f"  {link:<10} = {' + '.join([*terms, *['log exposure'] * exposed])}")
    lines.append(f"  {COUNTS.get(name.family_name, name.family_name)}")
    if name.family.has_dispersion:
        lines.append(f"  {VARIANCE}")
    correlated = [" and ".join(map(str, block)) for block in name.blocks if len(block) > 1]
    correlated += ["pair[i, j] and pair[j, i]"] * name.has_pairs
    lines += [f"  correlated: {block}" for block in correlated]
    return "\n".join(lines)
