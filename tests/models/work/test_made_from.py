"""Results are made again where the sources or packages that make them are others."""

import ast
import shutil

import pytest

from models import Priors
from models.settings import Settings
from models.work import made_from
from models.work.fits import fit_digest
from models.work.made_from import COMPARISONS, DRAWS, LEFT_OUT, MAXIMA, REPLICATES, ROOT, made_by

# what each kind of result is made by, and the module that makes it
MADE = {
    "models.inference.sample_to_files": DRAWS,
    "models.frequentist.files": MAXIMA,
    "models.leave_out.treatment": LEFT_OUT,
    "models.simulation.replicates": REPLICATES,
    "analysis.comparison.compare": COMPARISONS,
    "analysis.comparison.completion": COMPARISONS,
}
# files, processes and words of it; data, which are digested as they are; results that are read
MAKE_NOTHING = tuple(f"{room}/" for room in ("models/work", "data", "analysis/fits"))


def source(module):
    path = ROOT.joinpath(*module.split("."))
    files = path.with_suffix(".py"), path / "__init__.py"
    return next((file for file in files if file.exists()), None)


def imported(path):
    """List the modules of the project that a file imports, but for types."""
    found = set()
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        waiting += ast.iter_child_nodes(node)
    return {name for name in found if name.startswith(("data", "models", "analysis"))}


def reached(module):
    """List the files that a module reaches by imports."""
    files, waiting = set(), [module]
    while waiting:
        path = source(waiting.pop())
        if path is not None and path not in files:
            files.add(path)
            waiting += imported(path)
    return {str(path.relative_to(ROOT)) for path in files if path.name != "__init__.py"}


@pytest.mark.parametrize("module", MADE)
def test_rooms_hold_all_that_is_imported(module):
    rooms = tuple(f"{room}{'' if room.endswith('.py') else '/'}" for room in MADE[module])
    missing = {file for file in reached(module) if not file.startswith((*rooms, *MAKE_NOTHING))}
    assert missing == set()
    assert all((ROOT / room).exists() for room in rooms)


@pytest.fixture
def other_root(tmp_path, monkeypatch):
    """Give a copy of the sources that a test may change, in the place of ours."""
    for package in ("data", "models"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=lambda *_: ["__pycache__"])
    monkeypatch.setattr(made_from, "ROOT", tmp_path)
    return tmp_path


def test_another_column_scale_makes_fits_stale(other_root, guangdong):
    of_fit = guangdong, Priors.load("default"), "zinb_srm", Settings()
    before, maxima = fit_digest(*of_fit), made_by(MAXIMA)
    path = other_root / "models" / "predictor" / "linear.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('design.std("dyad", ddof=1)', 'design.std("dyad")'), "utf-8")
    made_from._made_by.cache_clear()
    assert fit_digest(*of_fit) != before
    assert made_by(MAXIMA) != maxima


def test_what_makes_no_draws_makes_no_fit_stale(other_root):
    before = made_by(DRAWS)
    files = {"models/leave_out": "loo.py", "models/work": "cluster.py", "data": "files.py"}
    for room, file in files.items():
        (other_root / room / file).write_text("", encoding="utf-8")
    made_from._made_by.cache_clear()
    assert made_by(DRAWS) == before


def test_another_sampler_makes_fits_stale(monkeypatch):
    before = made_by(DRAWS)
    made_from._made_by.cache_clear()
    monkeypatch.setattr(made_from, "version", lambda name: {"nutpie": "99"}.get(name, "1"))
    assert made_by(DRAWS) != before
    made_from._made_by.cache_clear()
