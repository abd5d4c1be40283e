"""The study that the README and docs/data.md write is one that is read."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from networks import network

from data import read_study
from data.roles import SIDES

ROOT = Path(__file__).parents[1]


def blocks(page, language="toml"):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def write_towns(folder):
    """Write letters and towns as the README has them."""
    net, rng = network(), np.random.default_rng(4)
    net.edges.to_csv(folder / "letters.csv", index=False)
    n = len(net.cities)
    net.cities.assign(
        latitude=rng.uniform(40, 50, n), longitude=rng.uniform(0, 10, n), status=["a", "b"] * 3
    ).to_csv(folder / "towns.csv", index=False)
    return net


def test_the_study_of_the_readme_is_read(tmp_path):
    declared = titled("Letters")
    net = write_towns(tmp_path)
    (tmp_path / "study.toml").write_text(declared, encoding="utf-8")
    study = read_study(tmp_path)
    assert study.dyads.sizes["dyad"] == len(net.rows)
    assert study.declaration.nouns == "towns"
    assert study.terms["degree"][1] == "same(region)"
    (priors,) = [block for block in blocks("README.md") if block.startswith("extends")]
    assert '[degree_coef."same(region)"]' in priors


def titled(title):
    """Give the study of the README whose title begins so."""
    (found,) = [block for block in blocks("README.md") if block.startswith(f'title = "{title}')]
    return found


def test_the_study_of_ties_of_the_readme_is_read(tmp_path):
    rng = np.random.default_rng(1)
    names = [f"L{k:02d}" for k in range(8)]
    rows = pd.DataFrame([(i, j) for i in names for j in names if i != j], columns=[*SIDES])
    rows = rows.assign(
        friendship=rng.integers(0, 2, len(rows)), cowork=rng.integers(0, 2, len(rows))
    )
    rows.to_csv(tmp_path / "dyads.csv", index=False)
    lawyers = {"lawyer": names, "office": list("abababab"), "seniority": rng.normal(size=8)}
    pd.DataFrame(lawyers).to_csv(tmp_path / "lawyers.csv", index=False)
    for link in ("logit", "probit"):
        declared = titled("Friendship").replace("# link", "link" if link == "probit" else "# link")
        (tmp_path / "study.toml").write_text(declared, encoding="utf-8")
        study = read_study(tmp_path)
        assert study.declaration.link == link
        assert study.terms["selection"][:2] == ["cowork", "same(office)"]


def test_the_study_of_pairs_of_the_readme_is_read(tmp_path):
    rows = pd.DataFrame({"one": list("aabd"), "other": list("bccb"), "marriage": 1})
    rows.to_csv(tmp_path / "marriages.csv", index=False)
    families = pd.DataFrame({"family": list("abcde"), "wealth": [3, 10, 5, 1, 2]})
    families.to_csv(tmp_path / "families.csv", index=False)
    (tmp_path / "study.toml").write_text(titled("Marriages"), encoding="utf-8")
    study = read_study(tmp_path)
    assert study.dyads.sizes["dyad"] == 10
    assert study.dyads["outcome"].sum() == 4
    assert study.notes == ("6 pairs without a row are zeros",)


def test_predictors_and_matrices_of_the_page_are_read(tmp_path):
    (block,) = [block for block in blocks("docs/data.md") if block.startswith("[matrices]")]
    net = write_towns(tmp_path)
    declared = (
        'title = "Letters"\nmodels = ["nb_srm"]\n[dyads]\nfile = "letters.csv"\nsender = "from"\n'
        'receiver = "to"\noutcome = "letters"\nabsent = "zero"\n[cities]\nfile = "towns.csv"\n'
        f'city = "town"\n{block}[formula]\n'
        'degree = "trade + commuters + proximity + status_asymmetry"\n'
    )
    (tmp_path / "study.toml").write_text(declared, encoding="utf-8")
    net.near.to_excel(tmp_path / "trade.xlsx")
    table = pd.DataFrame({"from": ["Ada", "Bör"], "to": ["Cam", "Ada"], "persons": [10, 20]})
    table.to_csv(tmp_path / "commuters.csv", index=False)
    predictors = read_study(tmp_path).dyads["predictors"].sel(predictor="commuters").to_series()
    assert predictors.loc[predictors != 0].tolist() == [10, 20]


def test_every_node_term_stands_on_the_page():
    from data.formulas.node_terms import NODE_TERMS  # noqa: PLC0415

    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert [term for term in NODE_TERMS if f"`{term}(" not in page] == []
