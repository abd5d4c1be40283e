"""Models as formulas, and the priors in force."""

import itertools
from pathlib import Path

import pandas as pd

from analysis.chapters.material import Material
from analysis.tables.blocks import Block, Code, Section, Table, Text
from data.declaration import Declaration
from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE
from data.roles import Part
from data.study import Study
from models.inference.fit import Fit
from models.name import ModelName, named
from models.priors.files import locate, prior_sets
from models.priors.prior_set import Priors

OUTCOMES = {
    "poisson": "count ~ Poisson(mu)",
    "nb": "count ~ NB(mu, dispersion)",
    "zip": "count ~ Poisson(mu) with probability psi, else 0",
    "zinb": "count ~ NB(mu, dispersion) with probability psi, else 0",
    "hurdle_poisson": "count ~ Poisson(mu) without its zeros, with probability psi, else 0",
    "hurdle_nb": "count ~ NB(mu, dispersion) without its zeros, with probability psi, else 0",
    "bernoulli": "tie ~ Bernoulli(psi)",
    "binomial": "successes ~ Binomial(trials, psi)",
    "betabinomial": "successes ~ BetaBinomial(trials, psi, dispersion)",
    "normal": "amount ~ Normal(mu, residual_sd)",
}
INDEX = {"sender": "[i]", "receiver": "[j]", "city": "[i] + city[j]"}
VARIANCES = {
    COUNT: "Var NB(mu, dispersion) = mu + dispersion mu^2",
    SUCCESSES: "Var = n psi (1 - psi) (1 + (n - 1) dispersion / (1 + dispersion)), n the trials",
}
MEANINGS = {
    COUNT: (
        "psi is the probability that a directed dyad is eligible at all, "
        "mu the mean count if it is (of a hurdle model, before the zeros are cut off)"
    ),
    TIE: "psi is the probability of a tie",
    SUCCESSES: "psi is the probability of a success",
    AMOUNT: "mu is the expected amount",
}


def modelled(material: Material) -> Section:
    """Write the models as formulas."""
    kinds = [Fit(found.fit).name.family.outcome for found in material.results.models.values()]
    meanings = "; ".join(MEANINGS[kind] for kind in dict.fromkeys(kinds))
    who = "i sends, j receives"
    if not material.study.declaration.dyads.directed:
        who = "i and j are the two cities of a pair"
    opening = f"{who}; {meanings}. Predictors enter as differences from their means."
    blocks: list[Block] = [Text(opening)]
    for model, found in material.results.models.items():
        name = Fit(found.fit).name
        blocks.append(Code(f"{model}\n{_formula(name, material.study.declaration)}"))
        blocks += [Text(f"{model}: {caution}.", warns=True) for caution in name.cautions]
    if material.results.missing:
        missing = ", ".join(material.results.missing)
        blocks.append(Text(f"Not fitted: {missing}; run `interlocal sample`.", warns=True))
    first = material.results.first.model
    blocks.append(priors_table(material.results.priors, material.study, first))
    return Section("The models", tuple(blocks))


def priors_table(priors: Priors, study: Study, model: str) -> Table:
    """Tabulate every prior in force, with the file and the key that it comes from."""
    found = priors.table(study, model).set_index(["parameter", "term"])
    note = "A coefficient's prior is of the effect of one standard deviation of its column."
    if named(model, study).family.outcome is AMOUNT:
        note += " All but correlations are in standard deviations of the outcome, about its mean."
    return Table(found, f"Priors of {model} (set: {priors.name})", notes=(note,))


def prior_sets_table() -> Table:
    """Tabulate the prior sets that come with the package, with what they say of themselves."""
    said = {name: _first_sentence(locate(name, Path(), "")) for name in prior_sets()}
    table = pd.DataFrame({"what it is": said}).rename_axis("set")
    return Table(table, "Prior sets")


def _first_sentence(path: Path) -> str:
    """Take the first sentence of the comment that a prior file begins with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    first, full_stop, _ = " ".join(line.lstrip("# ") for line in comment).partition(". ")
    return first + "." * bool(full_stop)


def _formula(name: ModelName, declaration: Declaration) -> str:
    lines = []
    selection = name.family.link.name if name.family.link else "logit"
    degree = "mu" if name.family.outcome is AMOUNT else "log mu"
    for part, link in ((Part.SELECTION, f"{selection} psi"), (Part.DEGREE, degree)):
        if part not in name.parts:
            continue
        written = getattr(declaration.formula, part)
        terms = ["intercept", *([written] if written != "1" else [])]
        roles = [role for role in name.roles if role.part == part]
        terms += [f"{role.side}{INDEX[role.side]}" for role in roles]
        for role in roles:
            slopes = declaration.slopes.of(part).of(role.side)
            at = INDEX[role.side].replace("city", "city slope")
            terms += [f"{role.side} slope{at} x {term}" for term in slopes]
        rank = name.rank_of(part)
        dimensions = f"{rank} dimension{'s' if rank > 1 else ''}"
        terms += [f"position[i]' position[j] ({dimensions})"] * (rank > 0)
        terms += ["pair[i, j]"] * name.has_pairs
        exposed = part == "degree" and declaration.dyads.exposure is not None
        lines.append(f"  {link:<10} = {' + '.join([*terms, *['log exposure'] * exposed])}")
    family = name.family_name.removesuffix("_probit")
    lines.append(f"  {OUTCOMES.get(family, family)}")
    if name.family.scale and name.family.outcome in VARIANCES:
        lines.append(f"  {VARIANCES[name.family.outcome]}")
    correlated = [" and ".join(map(str, block)) for block in name.blocks if len(block) > 1]
    correlated += ["pair[i, j] and pair[j, i]"] * name.has_pairs
    correlated += ["residuals of i -> j and j -> i"] * name.has_correlated_residuals
    lines += [f"  correlated: {block}" for block in correlated]
    return "\n".join(lines)
