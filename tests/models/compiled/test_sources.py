"""Code that is compiled is kept by its sources: a change in any of them compiles it again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import models

pytestmark = pytest.mark.slow

ROOT = Path(models.__file__).parents[1]
CHANGES = {
    "models/compiled/fast_math.py": (
        "        max(x, 0.0) + rest,",
        "        max(x, 0.0) + 2 * rest,",
    ),
    "models/likelihood/counts.py": ("EXACT = 1000 ", "EXACT = 3 "),
    "models/compiled/predictor_loops.py": ("intercept + offset[d]", "intercept - offset[d]"),
}
# values of both kernels, by themselves and within what PyTensor compiles
CODE = """
import numpy as np, pytensor
from pytensor import tensor as pt
from models.compiled.log_prob import fused_log_prob
from models.compiled.log_prob_of_draws import log_prob_of_counts
from models.compiled.predictor import FusedPredictor
from models.likelihood.families import FAMILIES
x, counts = np.linspace(-1, 1, 4), np.array([0, 1, 5, 900])
at, none = pt.vector(), np.zeros(2)
known = np.zeros((0, 4)), *np.zeros((2, 4), np.uint64)
mean = FusedPredictor()(0.5, none[:0], none, none, at, *known)
value = fused_log_prob(FAMILIES["zinb"], counts, mean, at, np.asarray(0.4))
print(pytensor.function([at], value.sum(), mode="NUMBA")(x).tobytes().hex())
draws = log_prob_of_counts(FAMILIES["zinb"], counts, x[None], x[None], np.full((1, 1), 0.4))
print(draws.sum().tobytes().hex())
"""


def values(folder):
    flags = f"base_compiledir={folder}/compiled"
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=folder,
        # without optimization, which takes most of the time
        env=os.environ | {"PYTENSOR_FLAGS": flags, "NUMBA_OPT": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_change_of_any_source_is_seen_at_once(tmp_path):
    for room in ("models", "data"):
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    before = values(tmp_path)
    for name, (old, new) in CHANGES.items():
        file = tmp_path / name
        whole = file.read_text()
        assert old in whole
        file.write_text(whole.replace(old, new))
        now = values(tmp_path)
        assert now[0] != before[0], name
        assert (now[1] != before[1]) == ("predictor" not in name), name
        file.write_text(whole)
