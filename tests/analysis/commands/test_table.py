"""`interlocal table`: models side by side, in every format, from existing results alone."""

import csv
import io
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout

import docx
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from markdown_it import MarkdownIt

from analysis import coefficients, load, spreads
from analysis.chapters.side_by_side import GROUPS, _posterior
from analysis.cli import main
from analysis.fits.gathering import ModelResults
from data.guangdong import FOLDER
from models.frequentist.files import load_mle
from models.frequentist.table import frequentist_table
from models.leave_out.loo import psis
from models.work.fits import save_fit

pytestmark = pytest.mark.slow

GUANGDONG = str(FOLDER)
KINDS = ("html", "md", "tex", "docx", "typ", "csv")


def run(*words):
    said, complained = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(complained):
        status = main([*map(str, words)])
    return status, said.getvalue(), complained.getvalue()


@pytest.fixture(scope="module")
def results(sampled, tmp_path_factory):
    """Give a fit of zinb_srm and one of zinb_pooled by maximum likelihood, without a comparison."""
    folder = tmp_path_factory.mktemp("tabulated")
    shutil.copytree(sampled[0] / "guangdong", folder / "guangdong")
    words = (GUANGDONG, "--model=zinb_pooled", "--permutations=0", f"--results={folder}")
    assert run("mle", *words)[0] == 0
    return folder


def table(results, *more):
    return run("table", GUANGDONG, "--model=zinb_srm", f"--results={results}", *more)


@pytest.fixture(scope="module")
def made(results):
    status, said, _ = table(results, "--ml")
    assert status == 0
    return results / "guangdong", said


def rows_of(folder, kind):
    """Read a file's table: rows of label and cells, without the names of groups."""
    path = folder / f"table.{kind}"
    text = "" if kind == "docx" else path.read_text(encoding="utf-8")
    if kind == "docx":
        (read,) = docx.Document(str(path)).tables
        rows = [[cell.text for cell in row.cells] for row in read.rows][1:-1]
    elif kind == "csv":
        rows = [row[1:] for row in csv.reader(io.StringIO(text))][1:]
    elif kind == "tex":
        body = text.split(r"\midrule", 1)[1].split(r"\bottomrule")[0].replace("\\_", "_")
        body = body.replace("{[}", "[").replace("{]}", "]")
        lines = [line for line in body.split("\n") if " & " in line]
        rows = [[cell.strip() for cell in line.removesuffix(r"\\").split(" & ")] for line in lines]
    elif kind == "typ":
        body = text.split("stroke: 0.05em")[1].split("stroke: 0.08em")[0]
        lines = [line.strip() for line in body.split("\n") if line.startswith("  [")]
        cells = [re.findall(r"\[((?:\\.|[^\]\\])*)\]", line) for line in lines]
        rows = [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in cells]
    else:
        page = MarkdownIt("commonmark").enable("table").render(text) if kind == "md" else text
        found = re.findall(r"<tr[^>]*>(.*?)</tr>", page.split("<tbody>")[1], flags=re.DOTALL)
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in found]
    return [row for row in rows if any(row[1:]) and len(row) == 3]


def test_numbers_are_those_of_the_fits_and_the_same_in_all(made, results):
    folder, said = made
    rows = rows_of(folder, "csv")
    fit, mle = (
        load(GUANGDONG, "zinb_srm", results=results),
        load_mle(folder / "maximum_likelihood" / "zinb_pooled.nc"),
    )
    classical = frequentist_table(mle, "jackknife")
    expected = []
    for part in ("selection", "degree"):
        for term, row in coefficients(fit, part).iterrows():
            ml = classical.loc[(part, term)]
            expected += [
                [term, f"{row['mean']:.3f}", f"{ml['estimate']:.3f}"],
                ["", *(f"[{one['lower']:.3f} to {one['upper']:.3f}]" for one in (row, ml))],
            ]
    kinds = ("_sd", "_reciprocity", "dispersion")
    ordered = [name for kind in kinds for name in spreads(fit).index if name.endswith(kind)]
    for name, row in spreads(fit).loc[ordered].iterrows():
        ml = classical.loc[("dispersion", "log dispersion")] if name == "dispersion" else None
        last = ["" if ml is None else f"{np.exp(ml['estimate']):.3f}"]
        ends = "" if ml is None else [f"{np.exp(ml[end]):.3f}" for end in ("lower", "upper")]
        below = [f"[{ends[0]} to {ends[1]}]" if ends else ""]
        expected.append([str(name).replace("_", " "), f"{row['mean']:.3f}", *last])
        expected.append(["", f"[{row['lower']:.3f} to {row['upper']:.3f}]", *below])
    loo = psis(fit, "dyad")
    expected += [
        ["elpd, a new dyad", f"{loo.elpd:.1f}", "-"],
        ["", f"'({loo.se:.1f})", ""],
        *([name, size, size] for name, size in (("directed dyads", "420"), ("cities", "21"))),
    ]
    zeros = int((fit["observed_data"]["outcome"] == 0).sum())
    assert rows == [*expected, ["zeros", str(zeros), str(zeros)]]
    plain = [[cell.removeprefix("'") for cell in row] for row in rows]
    for kind in KINDS[:-1]:
        assert rows_of(folder, kind) == plain, kind
    for row in plain:
        assert re.search(r"\s+".join(re.escape(cell) for cell in row if cell), said)


def test_it_says_what_is_synthetic_and_what_stands_where(made):
    folder, said = made
    flat = " ".join(said.split())
    for phrase in (
        "Synthetic data: services, mayor_ties, migrants, problem_severity are simulated",
        "Posterior means; below them 89% intervals in brackets",
        "below its estimates 95% intervals, by 'jackknife': cities differ in any way",
        "By PSIS-LOO for zinb_srm",
        "Priors: default.",
    ):
        assert phrase in flat
    for kind in ("html", "md", "tex", "typ"):
        text = (folder / f"table.{kind}").read_text(encoding="utf-8")
        assert "simulated, not observed" in text
        assert "jackknife" in text


def test_errors_in_place_of_intervals(results, tmp_path):
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    status, said, _ = table(tmp_path, "--ml", "--errors")
    assert status == 0
    rows = rows_of(tmp_path / "guangdong", "docx")
    fit = load(GUANGDONG, "zinb_srm", results=tmp_path)
    mle = load_mle(tmp_path / "guangdong" / "maximum_likelihood" / "zinb_pooled.nc")
    classical = frequentist_table(mle, "jackknife")
    ties = rows[[row[0] for row in rows].index("mayor_ties") + 1]
    sd = coefficients(fit, "selection").loc["mayor_ties", "sd"]
    se = classical.loc[("selection", "mayor_ties"), "se_jackknife"]
    assert ties == ["", f"({sd:.3f})", f"({se:.3f})"]
    # the delta method: the error of a logarithm times the value
    log = classical.loc[("dispersion", "log dispersion")]
    dispersion = rows[[row[0] for row in rows].index("dispersion") + 1]
    assert dispersion[2] == f"({np.exp(log['estimate']) * log['se_jackknife']:.3f})"
    assert "standard errors, by 'jackknife'" in " ".join(said.split())


def test_the_summary_of_each_fit_is_written(made):
    folder = made[0] / "default"
    fit = load(GUANGDONG, "zinb_srm", results=folder.parents[1])
    expected = coefficients(fit, "degree")
    kept = pd.read_csv(folder / "zinb_srm.csv", index_col=["table", "parameter"])
    pd.testing.assert_frame_equal(kept.loc["degree"], expected, check_names=False, rtol=1e-12)
    words = docx.Document(str(folder / "zinb_srm.docx"))
    cells = [[cell.text for cell in row.cells] for row in words.tables[1].rows]
    ties = next(row for row in cells if row[0] == "mayor_ties")
    assert ties[1] == f"{expected.loc['mayor_ties', 'mean']:.3f}"
    assert "simulated, not observed" in cells[-1][0]
    for kind in ("md", "tex"):
        assert ties[1] in (folder / f"zinb_srm.{kind}").read_text(encoding="utf-8")


def test_the_comparison_gives_elpd_where_there_is_one(compared, tmp_path):
    shutil.copytree(compared, tmp_path, dirs_exist_ok=True)
    status, said, _ = table(tmp_path, "--ml")
    assert status == 0
    scores = pd.read_csv(tmp_path / "guangdong" / "default" / "comparison.csv", index_col="model")
    rows = rows_of(tmp_path / "guangdong", "csv")
    (elpd,) = [row for row in rows if row[0].startswith("elpd")]
    names = ("zinb_srm", "zinb_pooled (ML)")
    assert elpd[1:] == [f"{scores.loc[name, 'elpd']:.1f}" for name in names]
    assert "PSIS" not in said


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--model=nb_srm zinb_srm"],
            "no fit of nb_srm; `interlocal sample STUDY --model 'nb_srm'",
        ),
        (["--model=nb_crossed"], "no fit of nb_crossed; run `interlocal sample`"),
        (["--model=zinb_srm", "--ml"], "`interlocal mle STUDY --model 'zinb_pooled'` makes it"),
        (["--model=zinb_smr"], "no model 'zinb_smr'"),
    ],
)
def test_what_has_not_been_made_is_one_line(sampled, tmp_path, more, message):
    shutil.copytree(sampled[0], tmp_path, dirs_exist_ok=True)
    status, _, complained = run("table", GUANGDONG, f"--results={tmp_path}", *more)
    assert status == 2
    assert message in complained
    assert complained.count("\n") == 1
    assert not list(tmp_path.glob("*/table.*"))


def test_a_fit_that_failed_is_shown_with_a_warning(sampled, tmp_path):
    folder = tmp_path / "guangdong" / "default"
    shutil.copytree(sampled[0] / "guangdong", folder.parent)
    with xr.open_datatree(folder / "zinb_srm.nc", engine="h5netcdf") as tree:
        failing = tree.load()
    failing.attrs["passed"] = 0
    failing.attrs["faults"] = '["R-hat is 1.2"]'
    (folder / "zinb_srm.nc").unlink()
    save_fit(failing, folder / "zinb_srm.nc")
    status, said, complained = table(tmp_path)
    assert status == 3
    assert "zinb_srm fails its diagnostics: do not interpret it." in said
    assert "zinb_srm failed the diagnostics" in complained


@pytest.mark.parametrize("model", ["zinb_srm_dyadic", "zinb_srm_joint", "nb_srm", "poisson_pooled"])
def test_every_parameter_has_its_row(varied_study, made_fit, made_draws, model):
    study, _ = varied_study
    fit = made_fit(study, model, made_draws(study, model))
    column = _posterior(ModelResults(model, fit, None, None, ()))
    tables = [coefficients(fit, part) for part in ("selection", "degree")]
    assert len(column) == sum(map(len, [*tables, spreads(fit)]))
    assert column.index.is_unique
    assert set(column.index.get_level_values(0)) <= {"selection", "degree", *GROUPS}
    if model != "poisson_pooled":
        slope = column.loc[("sds of slopes", "degree sender slope sd[log(size)]"), "estimate"]
        name = "degree_sender_slope_sd[log(size)]"
        assert slope == spreads(fit).loc[name, "mean"]
