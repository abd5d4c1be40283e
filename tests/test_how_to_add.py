"""What ARCHITECTURE.md says under "How to add" works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import read_study, study_from
from data.formulas.node_terms import NODE_TERMS
from data.roles import Part
from models import Priors, build, maximum_likelihood
from models.frequentist.likelihoods import LIKELIHOODS
from models.likelihood.families import FAMILIES
from models.name import EFFECTS, model_names, parse_model
from models.priors import files as prior_files

ROOT = Path(__file__).parents[1]


def example(title):
    """Give the code under a bold title, as ARCHITECTURE.md has it."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.split("## How to add")[1].split(f"**{title}.**")[1].split("\n**")[0]
    (code,) = re.findall(r"```\w+\n(.*?)```", section, flags=re.DOTALL)
    assert len(code.splitlines()) < 10
    return code


@pytest.fixture
def restored():
    """Take out afterwards what an example has put into the tables."""
    tables = (EFFECTS, FAMILIES, LIKELIHOODS, NODE_TERMS)
    before = [dict(table) for table in tables]
    yield
    for table, rows in zip(tables, before, strict=True):
        table.clear()
        table.update(rows)


def finite_density(study, model, **how):
    built = build(study, model, **how)
    return np.isfinite(built.compile_logp(mode="FAST_COMPILE")(built.initial_point()))


@pytest.mark.usefixtures("restored")
def test_a_node_term():
    exec(example("A node term"), {})  # noqa: S102 - as it stands there
    cities = pd.DataFrame({"city": list("abc"), "x": [1.0, 5.0, 3.0]})
    rows = pd.DataFrame({"sender": list("aab"), "receiver": list("bcc"), "n": [0, 1, 2]})
    design = study_from(rows, cities, outcome="n", degree="larger(x)").dyads["degree_design"]
    assert design.to_numpy().ravel().tolist() == [5, 3, 5]


def test_a_prior(tmp_path, guangdong):
    (tmp_path / "mine.toml").write_text(example("A prior"), encoding="utf-8")
    table = Priors.load(tmp_path / "mine.toml").table(guangdong, "zinb_srm")
    rows = table.set_index(["parameter", "term"])["prior"]
    assert rows["degree_coef", "mayor_ties"] == "Normal(mu=0.3, sigma=0.15)"
    assert rows["selection_coef", "mayor_ties"] == "Normal(mu=0, sigma=1)"


def test_a_prior_set(tmp_path, guangdong, monkeypatch):
    for path in prior_files.FOLDER.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "ours.toml").write_text(example("A prior"), encoding="utf-8")
    monkeypatch.setattr(prior_files, "FOLDER", tmp_path)
    assert "ours" in prior_files.prior_sets()
    monkeypatch.setattr("models.priors.prior_set.FOLDER", tmp_path)
    priors = Priors.load("ours")
    assert priors.name == "ours"
    assert finite_density(guangdong, "nb_pooled", priors=priors)


def test_a_random_slope(study_folder):
    path = study_folder / "study.toml"
    path.write_text(path.read_text(encoding="utf-8") + example("A random slope"), encoding="utf-8")
    built = build(read_study(study_folder), "nb_sender")
    assert built.named_vars_to_dims["degree_sender_slope"] == (
        "city",
        "degree_sender_slope_term",
    )


@pytest.mark.usefixtures("restored")
def test_an_effects_structure(guangdong):
    exec(example("An effects structure"))  # noqa: S102 - it is what the reader would run
    assert parse_model("zinb_degree_crossed").roles == Part.DEGREE.roles
    assert finite_density(guangdong, "zinb_degree_crossed")


@pytest.mark.usefixtures("restored")
def test_a_family(guangdong):
    exec(example("A family"))  # noqa: S102 - it is what the reader would run
    assert "cut_poisson_srm" in model_names()
    assert finite_density(guangdong, "cut_poisson_srm")
    fit = maximum_likelihood(guangdong, "cut_poisson_pooled")
    assert fit.flags == ()
    # a hurdle's selection part is a logit of the zeros: all of them are expected
    assert fit.expected_zeros == pytest.approx(fit.zeros, abs=1e-6)


@pytest.mark.usefixtures("restored")
def test_one_role_of_both_parts_is_a_structure_too(guangdong):
    from models.name import Effects  # noqa: PLC0415

    EFFECTS["sender_joint"] = Effects(lambda parts: (tuple(part.roles[0] for part in parts),))
    name = parse_model("zinb_sender_joint")
    assert "city_correlation" in name.parameters
    built = build(guangdong, "zinb_sender_joint")
    assert built.coords["role_pair"] == ("selection_sender & degree_sender",)
