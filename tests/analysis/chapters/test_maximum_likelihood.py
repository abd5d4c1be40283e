"""What is said of a maximum: whether the search may have missed a higher one."""

import numpy as np
import pytest
import xarray as xr

from analysis.chapters.maximum_likelihood import mle_page
from analysis.tables.blocks import Text
from models import maximum_likelihood, simulate_study
from models.frequentist.fit import _of_search
from models.frequentist.optimum import best_of
from models.frequentist.problem import Point
from models.inference.fit import Fit


def posterior(model, log_likelihood):
    """Give a fit of one draw, with the dyads' log-likelihood, shape (dyad,)."""
    values = (("chain", "draw", "dyad"), log_likelihood[None, None])
    tree = xr.DataTree.from_dict({"log_likelihood": xr.Dataset({"outcome": values})})
    tree.attrs["model"] = model
    return Fit(tree)


@pytest.mark.parametrize(
    ("model", "gained", "warned"),
    [
        ("poisson_pooled", 0.01, True),
        ("poisson_pooled", -0.01, False),
        ("poisson_srm", 0.01, False),  # which has more parameters, and may be higher
    ],
)
def test_a_posterior_draw_above_the_maximum_is_told(model, gained, warned):
    study, _ = simulate_study(6, "poisson_pooled", seed=1)
    found = maximum_likelihood(study, "poisson_pooled")
    drawn = found.pointwise.to_numpy() + gained / found.pointwise.size
    page = mle_page(found, "information", [posterior(model, drawn)])
    said = [block.text for block in page.blocks if isinstance(block, Text) and block.warns]
    expected = f"has the log-likelihood {found.log_likelihood + gained:.3f}, above "
    assert [expected in text for text in said] == [True] * warned


def end(value, slope=0.0):
    return Point(np.zeros(1), value, np.array([slope]), -np.eye(1))


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ([end(-10.0)] * 3 + [end(-12.0, slope=1.0)], None),
        ([end(-10.0)] + [end(-12.0, slope=1.0)] * 3, "Only 1 of 4 searches ended at this maximum"),
        ([end(-10.0), end(-12.0)], "1 of 2 searches ended at the best one, and the next is 2.00"),
    ],
)
def test_where_few_searches_agree_it_is_told(ends, words):
    said = _of_search(best_of(ends))
    assert [words in text for text in said] == [True] * (words is not None)
