"""What tests share: studies, the fits that several of them read, and where the real data are."""

import io
import json
import os
import shutil
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from filelock import FileLock

from analysis.cli import main
from data import read_study

pytest_plugins = ["command_line", "made_by_hand", "refusals"]

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


@pytest.fixture(scope="session")
def guangdong_folder():
    """Give the folder of the Guangdong study, as a command takes it."""
    return str(ROOT / "data" / "guangdong")


@pytest.fixture
def study_folder(tmp_path):
    """Give a copy of the Guangdong study that a test may change."""
    folder = tmp_path / "guangdong"
    shutil.copytree(ROOT / "data" / "guangdong", folder)
    return folder


@pytest.fixture(scope="session")
def sampled(tmp_path_factory):
    """Run `interlocal sample` on one model of Guangdong; give the results folder and its words."""
    with made_once(tmp_path_factory, "sampled") as (folder, done):
        words = folder / "words.txt"
        if not done:
            words.write_text(_run("sample", folder, "--model=zinb_srm"), encoding="utf-8")
    return folder / "results", words.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def compared(sampled, tmp_path_factory):
    """Compare that fit by dyad, and fit zinb_pooled by maximum likelihood; give the results."""
    with made_once(tmp_path_factory, "compared") as (folder, done):
        if not done:
            shutil.copytree(sampled[0], folder / "results")
            _run("mle", folder, "--model=zinb_pooled", "--permutations=0")
            _run("compare", folder, "--model=zinb_srm", "--unit=dyad")
    return folder / "results"


@contextmanager
def made_once(tmp_path_factory, name):
    """Give a folder that the processes of a test run share, and whether it is filled already."""
    base = tmp_path_factory.getbasetemp()
    whole = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = whole / name, whole / f"{name}.done"
    with FileLock(whole / f"{name}.lock"):
        folder.mkdir(exist_ok=True)
        yield folder, done.exists()
        done.touch()


def _run(command, folder, *more):
    said = io.StringIO()
    with redirect_stdout(said):
        words = [command, str(ROOT / "data/guangdong"), *more, f"--results={folder / 'results'}"]
        assert main(words) == 0
    return said.getvalue()


# names that markup, formulas or TeX would read otherwise; terms that are long
ODD = ("A & B", "C<d>", "E$1_$2", 'F "G"', "^H{x}")
TERMS = ("scale(workforce_similarity_of_the_third_sector)", "near_$", "kind[T.road]", "x" * 40)


def _made_up(cities=130, roles=("degree_sender", "degree_receiver"), seed=3, **posterior):
    """Make a fit by hand, of a study whose cities lie around the date line."""
    rng = np.random.default_rng(seed)
    names = [*ODD, *(f"city number {k}" for k in range(len(ODD), cities))]
    draws, level = ("chain", "draw"), rng.normal(size=cities)
    values = {
        "degree_intercept": (draws, rng.normal(size=(2, 200))),
        "degree_coef": ((*draws, "degree_term"), rng.normal(size=(2, 200, len(TERMS)))),
        "dispersion": (draws, rng.gamma(2, size=(2, 200))),
        "variance_share": ((*draws, "source"), rng.random(size=(2, 200, 3))),
    }
    for role in roles:
        effects = level + rng.normal(size=(2, 200, cities)) * rng.gamma(1, size=cities)
        values[role] = ((*draws, "city"), effects)
        values[f"{role}_sd"] = (draws, rng.gamma(2, size=(2, 200)))
    coords = {"degree_term": list(TERMS), "city": names}
    energy = rng.normal(size=(2, 200))
    design = rng.normal(size=(50, len(TERMS)))
    design[:, 2] = rng.random(50) > 0.5
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(values, coords).assign(posterior),
            "prior": xr.Dataset(values, coords).assign(posterior).isel(chain=[0]) * 2.0,
            "sample_stats": xr.Dataset(
                {"energy": (draws, energy), "energy_change": (draws, np.full((2, 200), np.nan))}
            ),
            "constant_data": xr.Dataset(
                {
                    "degree_design": (("dyad", "degree_term"), design),
                    "selection_design": (("dyad", "selection_term"), design[:, :0]),
                },
                {
                    **coords,
                    "selection_term": np.array([], dtype=str),
                    "latitude": ("city", rng.uniform(-25, -10, cities)),
                    "longitude": ("city", (rng.uniform(170, 195, cities) + 180) % 360 - 180),
                },
            ),
        }
    )
    tree.attrs = {
        "title": "Made up by hand, for $5 & more",
        "study": "made_up",
        "study_digest": "0",
        "model": "nb_crossed",
        "priors": "default",
        "chains": 2,
        "draws": 200,
        "synthetic": json.dumps(["services"]),
        "declaration": json.dumps(
            {
                "title": "Made up by hand",
                "models": ["nb_crossed"],
                "dyads": {"sender": "from", "receiver": "to", "outcome": "count"},
            }
        ),
        "passed": 1,
    }
    return tree


@pytest.fixture(scope="session")
def made_up():
    """Give the function that makes a fit by hand: two chains of a model of one part."""
    return _made_up
