"""The command line, run within a test's process, and a small study that was sampled by it."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from functools import cache

import pytest

from analysis.cli import main
from data.study import read_study
from models import simulate_study
from models.simulation.simulate import write_simulated

SMALL = "nb_pooled"


def run(*arguments):
    """Run a command; give its exit status, what it said and what it complained of."""
    said, complained = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(complained):
        status = main([str(each) for each in arguments])
    return status, said.getvalue(), complained.getvalue()


def asked(place, study="six"):
    """Give the arguments of a command on a study in a folder, beside its ``results``."""
    return place / study, f"--results={place / 'results'}"


@pytest.fixture
def study_read_once(monkeypatch):
    """Let each study be read but once, which most of a short command's time goes into."""
    monkeypatch.setattr("data.study.read_study", cache(read_study))


@pytest.fixture(scope="session")
def sampled_once(tmp_path_factory):
    """Sample a model of a study of six cities, and compare it."""
    place = tmp_path_factory.mktemp("once")
    write_simulated(*simulate_study(6, SMALL, seed=1), place / "six")
    assert run("sample", *asked(place), f"--model={SMALL}", "--seed=3")[0] == 0
    assert run("compare", *asked(place), f"--model={SMALL}", "--unit=dyad")[0] == 0
    return place


@pytest.fixture
def place(sampled_once, tmp_path):
    """Give a copy of all that: the study, ``six``, beside its ``results``."""
    for name in ("six", "results"):
        shutil.copytree(sampled_once / name, tmp_path / name)
    return tmp_path
