"""`interlocal figures`: by matplotlib, by plotly, and what it refuses."""

import inspect
import shutil
import subprocess
import sys

import pytest

from analysis import figures, load
from analysis.cli import main
from analysis.figures.catalogue import CATALOGUE
from data.guangdong import FOLDER
from models.name import parse_model

GUANGDONG = str(FOLDER)
OURS = {"map", "matrix", "positions", "reciprocity"}


@pytest.fixture(scope="module")
def drawn(sampled, tmp_path_factory):
    """Draw the figures of one model by plotly; give their folder and what was said."""
    results = tmp_path_factory.mktemp("drawn")
    shutil.copytree(sampled[0] / "guangdong", results / "guangdong")
    words = ["figures", GUANGDONG, "--model=zinb_srm", "--backend=plotly", f"--results={results}"]
    run = subprocess.run(
        [sys.executable, "-m", "analysis.cli", *words], capture_output=True, text=True, check=True
    )
    return results / "guangdong" / "default" / "figures" / "zinb_srm", run.stdout


def test_arviz_draws_what_it_has(drawn):
    of_counts = [entry for entry in CATALOGUE if entry.suits(parse_model("zinb_srm"))]
    by_arviz = {entry.name for entry in of_counts if entry.by_arviz}
    assert by_arviz == {entry.name for entry in of_counts} - OURS
    assert len(by_arviz) >= 9
    folder, said = drawn
    assert {path.stem for path in folder.glob("*.html")} == by_arviz
    assert {path.stem for path in folder.glob("*.png")} == OURS - {"positions"}
    lines = said.splitlines()
    assert len(lines) == len(of_counts)
    for line in lines:
        assert line.endswith(".html") or "by matplotlib: ArviZ draws no such figure" in line


def test_pages_need_no_network_and_read_alone(drawn):
    folder, _ = drawn
    for path in folder.glob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "<script src" not in page
        assert "<link" not in page
        # the last script holds the figure; the library is in those before it
        figure = page.rpartition("<script")[2]
        assert "Interlocal collaboration in Guangdong, 2021: zinb_srm, default priors" in figure
        assert "4 x 1000 draws" in figure
        assert "Synthetic data: services" in figure.replace("\\u003cbr\\u003e", " ")


def test_another_backend_gives_the_collection(sampled):
    fit = load(GUANGDONG, "zinb_srm", results=sampled[0])
    collection = figures.energy_figure(fit, backend="plotly")
    assert collection.backend == "plotly"
    assert {"Energy"} == set(collection.viz["dist"].data_vars)
    for entry in CATALOGUE:
        parameters = inspect.signature(entry.function).parameters
        assert ("backend" in parameters) == (entry.name not in OURS)


@pytest.mark.parametrize(
    ("backend", "expected"),
    [("plotli", "did you mean 'plotly'? Valid: matplotlib, plotly"), ("", "Valid: matplotlib")],
)
def test_other_backends_are_refused(backend, expected, capsys, tmp_path):
    words = ["figures", GUANGDONG, f"--backend={backend}", f"--results={tmp_path}"]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: no backend '{backend}'; ")
    assert expected in line


def test_without_plotly_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "arviz_plots.backend.plotly", None)  # as if it failed
    assert main(["figures", GUANGDONG, "--backend=plotly", f"--results={tmp_path}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: plotly is not installed; run `pip install 'interlocal[plotly]'`"


def test_figures_of_a_fit_need_no_pymc(sampled):
    code = f"""
import sys
from analysis import figures, load
fit = load({GUANGDONG!r}, "zinb_srm", results={str(sampled[0])!r})
for name in figures.__all__:
    of_others = ("elpd", "pareto", "dimension", "calibration", "distribution", "position")
    if name.split("_")[0] not in of_others:
        getattr(figures, name)(fit)
print(*({{"pymc", "pytensor"}} & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=FOLDER.parents[1],
    )
    assert run.stdout.strip() == ""
