"""What is said of a fit that passed at its second try."""

import json
from dataclasses import asdict

import pytest

from analysis.chapters.fits import fit_page
from analysis.tables.blocks import Text
from models.inference.gate import FirstTry
from models.work.netcdf import open_tree

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("r_hat", "warns"), [(1.08, True), (1.02, False)])
def test_a_page_says_what_a_first_try_showed(sampled, r_hat, warns):
    faults = (f"R-hat {r_hat} > 1.01 (dispersion)",)
    first = FirstTry(faults, r_hat, "dispersion", (0.1, 0.9, 0.11, 0.12), 0.2)
    with open_tree(sampled[0] / "guangdong/default/zinb_srm.nc", "") as tree:
        tree.attrs["first_try"] = json.dumps(asdict(first))
        texts = [block for block in fit_page(tree).blocks if isinstance(block, Text)]
    (said,) = (text for text in texts if "first try" in text.text)
    assert said.warns == warns
    assert said.text.startswith(f"The first try failed: {faults[0]}.")
    assert ("means of dispersion went from 0.10 to 0.90" in said.text) == warns
