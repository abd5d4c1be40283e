"""The same seed gives the same draws, whether code was compiled just now or comes from a cache."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

DRAWS = """
import hashlib
import warnings
from models import simulate_study
from models import sample
warnings.simplefilter("ignore")
study, _ = simulate_study(7, "zinb_srm", seed=11)
fit = sample(study, "zinb_srm", draws=100, tune=200, chains=2, seed=1, progress=False)
draws = fit["posterior"]["degree_intercept"].to_numpy()
print(draws.size, hashlib.sha256(draws.tobytes()).hexdigest())
"""


def test_empty_and_full_caches_give_the_same_draws(tmp_path):
    caches = {
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'pytensor'}",
    }
    empty, full = (
        subprocess.run(
            [sys.executable, "-c", DRAWS],
            env=os.environ | caches,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for _ in range(2)
    )
    assert any(tmp_path.rglob("*.nbi"))
    assert empty.startswith("200 ")
    assert full == empty
