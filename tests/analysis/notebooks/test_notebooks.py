"""The notebooks run from top to bottom, and are kept without outputs."""

import shutil
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from analysis.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted((ROOT / "analysis" / "notebooks").glob("*.ipynb"))
FIGURES = {
    "compare_with_frequentist": 1,
    "inspect_posterior": 5,
    "new_prior": 1,
    "your_own_study": 3,
}
SAYS = {  # what a cell must have printed or shown
    "compare_with_frequentist": ["Stata's sign", "zinb_pooled (ML)"],
    "inspect_posterior": ["mayor_ties", "0 -> 1", "degree_sender_sd"],
    "new_prior": ["did you mean 'degree_coef'", "Normal(mu=0.3, sigma=0.05)"],
    "your_own_study": ["odds_ratio", "'letters' is not a number", "row 5"],
}


@pytest.fixture(scope="module")
def project(sampled, tmp_path_factory):
    """Give a folder in which the notebooks find the study and small fits of it."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "analysis" / "notebooks", folder / "analysis" / "notebooks")
    shutil.copytree(ROOT / "data" / "guangdong", folder / "data" / "guangdong")
    shutil.copytree(sampled[0], folder / "results")
    given = [str(folder / "data" / "guangdong"), f"--results={folder / 'results'}"]
    assert main(["sample", *given, "--model=zinb_pooled", "--draws=500", "--tune=500"]) == 0
    return folder


def test_there_are_four():
    assert [path.stem for path in NOTEBOOKS] == sorted(FIGURES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, project):
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(project / "analysis" / "notebooks")}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    drawn = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(drawn) == FIGURES[path.stem]
    texts = [
        output.get("text", "") + str(output.get("data", {}).get("text/html", ""))
        for output in outputs
    ]
    shown = unescape("\n".join(texts))
    for words in SAYS[path.stem]:
        assert words in shown
    assert "Traceback" not in shown
