"""What results are made by: the sources that make draws, and the packages beneath them.

Sources of `data` are not among them but for the names of roles and of outcomes: what they make, a
study's digest holds by value.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("numba", "numpy", "nutpie", "pymc", "pytensor")

NAMES = (
    "data/outcomes.py",
    "data/roles.py",
    "models/name.py",
    "models/registry.py",
    "models/settings.py",
)
COUNTS = (*NAMES, "models/likelihood", "models/predictor")
DRAWS = (
    *COUNTS,
    "models/build.py",
    "models/compiled",
    "models/effects",
    # what chooses how far effects are centered
    *(
        f"models/frequentist/{name}.py"
        for name in ("dense", "derivatives", "likelihoods", "optimum", "problem", "regression")
    ),
    "models/inference",
    "models/priors",
)
MAXIMA = (*COUNTS, "models/frequentist")
LEFT_OUT = (*DRAWS, "models/leave_out")
REPLICATES = (*DRAWS, "models/simulation")
COMPARISONS = (*LEFT_OUT, "models/frequentist", "analysis/comparison")


def made_by(rooms: Sequence[str]) -> str:
    """Identify sources and packages.

    Parameters
    ----------
    rooms : sequence of str
        Folders and files, from the folder that holds the packages.

    Returns
    -------
    str
        SHA-256 of the sources, with their names, and of the packages' versions; read once a
        process.
    """
    return _made_by(tuple(rooms), ROOT)


@cache
def _made_by(rooms: tuple[str, ...], root: Path) -> str:
    whole = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in PACKAGES).encode())
    paths = {path for room in rooms for path in (root / room).rglob("*.py")}
    paths |= {root / room for room in rooms if room.endswith(".py")}
    for path in sorted(paths):
        source = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"\n{path.relative_to(root)} {source}".encode())
    return whole.hexdigest()
