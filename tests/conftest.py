"""What tests share: studies, the fits that several of them read, and where the real data are."""

import io
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from analysis.cli import main
from data import read_study

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared():
    """Give the folder of real data sets that lies beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data sets, which are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def guangdong():
    """Give the Guangdong study."""
    return read_study(ROOT / "data" / "guangdong")


@pytest.fixture
def study_folder(tmp_path):
    """Give a copy of the Guangdong study that a test may change."""
    folder = tmp_path / "guangdong"
    shutil.copytree(ROOT / "data" / "guangdong", folder)
    return folder


@pytest.fixture(scope="session")
def sampled(tmp_path_factory):
    """Run `interlocal sample` on one model of Guangdong; give the results folder and its words."""
    results, said = tmp_path_factory.mktemp("results"), io.StringIO()
    with redirect_stdout(said):
        status = main(
            ["sample", str(ROOT / "data/guangdong"), "--model=zinb_srm", f"--results={results}"]
        )
    assert status == 0
    return results, said.getvalue()
