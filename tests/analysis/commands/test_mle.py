"""`interlocal mle`: the table, its files, what is refused."""

from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pytest
from command_line import run

from data.errors import ResultsError
from models import maximum_likelihood, simulate_study
from models.frequentist.files import load_mle, save_mle
from models.frequentist.fit import with_jackknife
from models.frequentist.ratios import likelihood_tests
from models.frequentist.regression import regression
from models.frequentist.table import frequentist_table
from models.simulation.simulate import write_simulated


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Run the command on Guangdong with a few permutations."""
    results = tmp_path_factory.mktemp("results")
    words = [
        "mle",
        "data/guangdong",
        "--model=zinb_pooled",
        "--permutations=19",
        f"--results={results}",
    ]
    return results / "guangdong" / "maximum_likelihood", run(*words), words


def test_prints_the_table_and_says_what_is_synthetic(written):
    _, (status, said, _), _ = written
    assert status == 0
    assert "Synthetic data: services, mayor_ties, migrants, problem_severity are simulated" in said
    assert "Inflation is identified at the maximum" in said
    assert "no test of zero inflation" in said
    assert "With 21 cities" not in said  # the jackknife's intervals are long enough
    assert "starts reached this maximum" in said
    for kind in ("information", "sandwich", "sender", "receiver", "two_way", "dyadic", "jackknife"):
        assert kind in said


def test_keeps_the_result_as_it_is(written, guangdong):
    folder, _, _ = written
    kept, fit = load_mle(folder / "zinb_pooled.nc"), maximum_likelihood(guangdong, "zinb_pooled")
    pd.testing.assert_frame_equal(
        frequentist_table(kept).drop(columns="p_permutation"),
        frequentist_table(with_jackknife(fit, regression(guangdong, "zinb"))),
    )
    assert kept.aic == pytest.approx(2 * 13 - 2 * fit.log_likelihood)
    assert kept.bic == pytest.approx(13 * np.log(420) - 2 * fit.log_likelihood)
    tests = likelihood_tests(regression(guangdong, "zinb"), fit.pointwise.to_numpy())
    pd.testing.assert_frame_equal(kept.tests, tests, check_dtype=False)
    coef = kept.parameters.sel(parameter="degree_coef[mayor_ties]")
    row = frequentist_table(kept).loc[("degree", "mayor_ties")]
    assert float(coef) == row["estimate"]
    assert row["ratio"] == pytest.approx(np.exp(row["estimate"]))
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.959964 * row["se_dyadic"], rel=1e-6)


def test_files_hold_the_same_figures(written):
    folder, _, _ = written
    table = frequentist_table(load_mle(folder / "zinb_pooled.nc"), "jackknife")
    read = pd.read_csv(folder / "zinb_pooled.csv", index_col=["part", "term"])
    pd.testing.assert_frame_equal(read, table, check_exact=False, rtol=1e-12)
    figure = f"{table.loc[('selection', 'mayor_ties'), 'estimate']:.3f}"
    for ending in ("txt", "md", "tex"):
        text = (folder / f"zinb_pooled.{ending}").read_text(encoding="utf-8")
        assert figure in text
        assert "simulated, not observed" in text.replace("\n", " ")
    tex = (folder / "zinb_pooled.tex").read_text(encoding="utf-8")
    assert r"mayor\_ties" in tex
    # every row of every table has as many cells as its heading
    for block in tex.split(r"\begin{tabular}")[1:]:
        heading, *rows = [line for line in block.split(r"\end{")[0].split("\n") if "&" in line]
        assert {row.count(" & ") for row in rows} == {heading.count(" & ")}
        assert {row.count("&") for row in rows} == {heading.count("&")}
    words = docx.Document(str(folder / "zinb_pooled.docx"))
    part = [[cell.text for cell in row.cells] for row in words.tables[0].rows]
    (ties,) = [row for row in part if row[0] == "mayor_ties"]
    assert ties[1] == figure
    assert "simulated, not observed" in part[-1][0]
    assert len(words.tables) == tex.count(r"\begin{tabular}") == 5


def test_intervals_that_are_too_short_say_so(written):
    _, _, words = written
    status, said, _ = run(*words, "--errors=dyadic")
    assert status == 0
    assert "With 21 cities, 'dyadic' intervals are too short" in said
    run(*words)  # the files as they were


def test_a_second_call_fits_nothing(written):
    folder, _, words = written
    before = (folder / "zinb_pooled.nc").stat().st_mtime_ns
    status, said, _ = run(*words)
    assert status == 0
    assert "up to date" in said
    assert (folder / "zinb_pooled.nc").stat().st_mtime_ns == before


def test_without_a_model_each_pooled_twin_once(tmp_path):
    status, said, _ = run("mle", "data/guangdong", "--permutations=0", f"--results={tmp_path}")
    assert status == 0
    kept = sorted(path.stem for path in tmp_path.glob("*/*/*.nc"))
    assert kept == ["nb_pooled", "zinb_pooled"]
    assert "p (perm.)" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--errors=dyad"], "no standard errors 'dyad'; did you mean 'dyadic'?"),
        (["--model=zinb_srm"], "zinb_srm: maximum likelihood fits pooled models"),
        (["--permutations=-1"], "permutations"),
    ],
)
def test_bad_input_is_one_line(tmp_path, words, message):
    status, _, complained = run("mle", "data/guangdong", *words, f"--results={tmp_path}")
    assert status == 2
    assert message in complained
    assert complained.count("\n") == 1
    assert not list(tmp_path.rglob("*.nc"))


def test_a_file_of_another_kind_is_refused(tmp_path, guangdong):
    path = tmp_path / "zinb_pooled.nc"
    with pytest.raises(ResultsError, match="no such result"):
        load_mle(path)
    path.write_bytes(b"something else")
    with pytest.raises(
        ResultsError, match="cannot be read: it is cut short; `interlocal mle` makes"
    ):
        load_mle(path)
    fit = maximum_likelihood(guangdong, "nb_pooled")
    save_mle(fit, path)
    assert load_mle(path).log_likelihood == fit.log_likelihood


def test_a_disk_that_fills_leaves_all_files_or_none(tmp_path, monkeypatch):
    write_simulated(*simulate_study(5, "poisson_pooled", seed=1), tmp_path / "five")
    words = ("mle", tmp_path / "five", "--model=poisson_pooled", "--permutations=0")
    write = Path.write_bytes

    def full(path, content):
        if ".docx" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        status, _, complained = run(*words, f"--results={tmp_path / 'results'}")
    assert status == 2
    assert complained.endswith("poisson_pooled.docx: cannot be written: No space left on device\n")
    folder = tmp_path / "results/five/maximum_likelihood"
    assert list(folder.iterdir()) == []
    assert run(*words, f"--results={tmp_path / 'results'}")[0] == 0
    assert {path.suffix for path in folder.iterdir()} == {
        *(".csv", ".docx", ".md", ".nc", ".tex", ".txt")
    }
