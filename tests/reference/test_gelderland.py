"""The Dutch study from raw tables, by its `study.toml`, is the one that a script of dyads made."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import read_study

RECIPE = Path(__file__).parents[2] / "docs" / "studies" / "gelderland"


@pytest.fixture(scope="module")
def rebuilt(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rebuilt") / "gelderland"
    shutil.copytree(RECIPE, folder)
    raw = shared / "opengr" / "raw"
    subprocess.run([sys.executable, folder / "prepare.py", raw, folder], check=True)
    return read_study(folder)


def test_models_take_the_same_of_both(rebuilt, shared):
    made_by_script = read_study(shared / "opengr" / "gelderland")
    for name in ("outcome", "log_exposure", "selection_design", "degree_design", "predictors"):
        np.testing.assert_array_equal(rebuilt.dyads[name], made_by_script.dyads[name])
    assert rebuilt.digest == made_by_script.digest
    assert rebuilt.terms == made_by_script.terms
    assert rebuilt.declaration.hypothesis == made_by_script.declaration.hypothesis


def test_what_the_page_says_of_it(rebuilt):
    count = rebuilt.dyads["outcome"]
    assert (rebuilt.dyads.sizes["dyad"], rebuilt.dyads.sizes["city"]) == (2862, 54)
    assert int((count > 0).sum()) == 188
    assert int(count.sum()) == 376
    assert rebuilt.notes == ("2674 directed dyads without a row are zeros",)


def test_predictors_are_those_of_the_published_table(rebuilt, shared):
    table = pd.read_csv(shared / "opengr" / "gelderland" / "dyads.csv")
    for name in rebuilt.dyads["predictor"].to_numpy().tolist():
        found = rebuilt.dyads["predictors"].sel(predictor=name).to_numpy()
        np.testing.assert_array_equal(found, table[name])
