"""A second try, and what is told of the first."""

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from models.inference.chains import draw_chains
from models.inference.fit import Fit
from models.inference.gate import Diagnostics
from models.settings import Settings
from models.work.progress import Reporter

DRAWS, SD = ("chain", "draw"), 0.5


@dataclass
class Drawn:
    """A sampler of one parameter, whose chains begin in one of two regions, and stay at first."""

    regions: tuple[float, ...]
    runs: int = 0
    began: tuple[object, ...] = ()

    def with_data(self, **_):
        return self

    def starting_at(self, points):
        self.began = (*self.began, points)
        return self

    def draw(self, settings, _):
        rng = np.random.default_rng(settings.seed)
        shape = settings.chains, settings.draws
        region = np.repeat(np.resize(self.regions, shape[0])[:, None], shape[1], axis=1)
        if self.runs:
            region = rng.permuted(region.ravel()).reshape(shape)
        self.runs += 1
        stats = {"energy": rng.normal(size=shape), "diverging": np.zeros(shape, bool)}
        x = region + SD * rng.normal(size=shape)
        return xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset({"x": ((*DRAWS, "term"), x[..., None])}, {"term": ["a"]}),
                "sample_stats": xr.Dataset({name: (DRAWS, each) for name, each in stats.items()}),
            }
        )


def fit_of(chains):
    tree = xr.DataTree.from_dict({"posterior": chains.posterior})
    tree.attrs = chains.attributes
    return Fit(tree)


def test_a_second_try_that_passes_tells_of_two_regions():
    sampler = Drawn((-2.0, 3.0))
    chains = draw_chains(sampler, ["x"], Settings(seed=4), Reporter())
    fit = fit_of(chains)
    assert fit.passed
    assert sampler.runs == 2
    assert sampler.began == (None,)  # other starts than those of the first try
    first = fit.first_try
    assert first == chains.first_try
    assert first.apart
    assert first.worst == "x[a]"
    # 1000 draws know a mean to SD / sqrt(1000) = 0.016
    np.testing.assert_allclose(first.means, [-2, 3, -2, 3], atol=0.08)
    assert first.sd == pytest.approx(SD, rel=0.05)
    assert "R-hat" in first.faults[0]
    assert "second region" in first.sentence
    assert "means of x[a] went from -2.0" in first.sentence


def test_a_first_try_that_was_too_short_tells_of_no_regions():
    chains = draw_chains(Drawn((0.0,)), ["x"], Settings(draws=80, seed=4), Reporter())
    first = fit_of(chains).first_try
    assert not first.apart
    assert first.sentence.startswith("The first try failed: ")
    assert "region" not in first.sentence


def test_one_try_tells_of_no_other():
    chains = draw_chains(Drawn((0.0,)), ["x"], Settings(seed=4), Reporter())
    assert chains.first_try is None
    assert fit_of(chains).first_try is None


def missed(**changed):
    found = {
        "max_r_hat": 1.013,
        "worst": "x",
        "min_ess_bulk": 350.0,
        "min_ess_tail": 390.0,
        "divergences": 1,
        "min_bfmi": 0.8,
        "faults": ("R-hat 1.013 > 1.01 (x)",),
    }
    return Diagnostics(**found | changed).nearly


def test_what_misses_the_gate_by_little():
    assert missed()
    for changed in (
        {"max_r_hat": 1.06},
        {"max_r_hat": np.nan},
        {"min_ess_bulk": 99.0},
        {"min_ess_tail": 99.0},
        {"divergences": 6},
        {"min_bfmi": 0.2},
    ):
        assert not missed(**changed), changed
