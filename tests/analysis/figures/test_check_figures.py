"""Figures of predictive checks carry the numbers of the fit."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.collections import LineCollection

from analysis import load
from analysis.figures.matrix import matrix_data, matrix_figure
from analysis.figures.pareto import pareto_data, pareto_figure
from analysis.figures.rootogram import MOST, rootogram_figure, rootogram_table
from analysis.figures.statistics import statistics_figure
from models.leave_out.loo import container, psis

pytestmark = pytest.mark.slow

TAILS = [0.055, 0.945]


@pytest.fixture(scope="module")
def fit(sampled):
    """Give the fit of one model of Guangdong."""
    with load("guangdong", "zinb_srm", results=sampled[0]) as opened:
        yield opened


@pytest.fixture(scope="module")
def drawn(fit):
    """Give its replicated counts, those that figures use: every eighth of each chain."""
    counts = fit["posterior_predictive"]["count"].to_numpy()
    return counts[:, ::8].reshape(-1, counts.shape[-1])


def made_up(matrix, replicated, **about):
    """Give a tree with what these figures read of a fit; replicated has dims (draw, dyad)."""
    cities = [f"city ${i}_a" for i in range(len(matrix))]
    places = np.nonzero(~np.isnan(matrix))
    sender, receiver = (np.array(cities)[place] for place in places)
    labels = {
        "dyad": [f"{i} -> {j}" for i, j in zip(sender, receiver, strict=True)],
        "city": cities,
        "sender": ("dyad", sender),
        "receiver": ("dyad", receiver),
        "dyad_pair": (
            "dyad",
            [f"{min(ij)} & {max(ij)}" for ij in zip(sender, receiver, strict=True)],
        ),
    }
    count = matrix[places].astype(int)
    tree = xr.DataTree.from_dict(
        {
            "constant_data": xr.Dataset(coords=labels),
            "observed_data": xr.Dataset({"count": ("dyad", count)}),
            "posterior_predictive": xr.Dataset(
                {"count": (("chain", "draw", "dyad"), np.asarray(replicated)[None])}
            ),
        }
    )
    plain = {"title": "Made up", "model": "nb_srm", "priors": "default", "chains": 1, "draws": 9}
    tree.attrs = plain | {"synthetic": json.dumps(["count"]), "passed": 1} | about
    return tree


def words(figure):
    """Draw a figure, and give the caption on one line."""
    figure.canvas.draw()
    return " ".join(figure._supxlabel.get_text().split())


def spans(panel):
    """Give the ends of the intervals of an axes, one a row."""
    (lines,) = (each for each in panel.collections if isinstance(each, LineCollection))
    return np.array(lines.get_segments())


def test_statistics_and_their_intervals(fit, drawn):
    figure = statistics_figure(fit)
    panels = {panel.get_title(loc="left").split("\n")[0]: panel for panel in figure.axes}
    assert len(panels) == 8
    count = fit["observed_data"]["count"].to_numpy()
    for name, function in {
        "Share of zeros": lambda y: (y == 0).mean(axis=-1),
        "Mean": lambda y: y.mean(axis=-1),
        "Maximum": lambda y: y.max(axis=-1),
    }.items():
        panel, values = panels[name], function(drawn)
        np.testing.assert_allclose(spans(panel)[0][:, 0], np.quantile(values, TAILS))
        dashed = [line for line in panel.lines if line.is_dashed()]
        assert [line.get_xdata()[0] for line in dashed] == [function(count)]
        p = (values > function(count)).mean() + (values == function(count)).mean() / 2
        assert panel.get_title(loc="left").endswith(f"p = {p:.2f}")
    said = words(figure)
    assert "Guangdong, 2021: zinb_srm, default priors, 4 x 1000 draws" in said
    assert "500 replicated networks" in said
    assert "89% interval" in said
    assert "Synthetic data: services" in said


def test_statistics_that_are_not_defined_say_so():
    matrix = np.array([[np.nan, 2, 0], [np.nan, np.nan, 1], [np.nan, np.nan, np.nan]])
    figure = statistics_figure(made_up(matrix, np.arange(12).reshape(4, 3), passed=0))
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert "Dyadic dependence\nnot defined" in titles
    assert "Cyclic dependence\nnot defined" in titles
    assert "do not interpret it" in words(figure)


def test_rootogram_counts_dyads(fit, drawn):
    table = rootogram_table(fit)
    count = fit["observed_data"]["count"].to_numpy()
    assert table["observed"].sum() == 420
    assert table["mean"].sum() == pytest.approx(420)
    assert table.loc[[*map(str, range(10))], "observed"].tolist() == [
        (count == value).sum() for value in range(10)
    ]
    above = (drawn > count.max()).sum(axis=1)
    assert table.index[-1] == f"{count.max() + 1}+"
    assert table.iloc[-1][["observed", "mean"]].tolist() == pytest.approx([0, above.mean()])
    ones = (drawn == 1).sum(axis=1)
    expected = [ones.mean(), *np.quantile(ones, TAILS)]
    np.testing.assert_allclose(table.loc["1", ["mean", "lower", "upper"]].astype(float), expected)
    figure = rootogram_figure(fit)
    (panel,) = figure.axes
    np.testing.assert_allclose([bar.get_height() for bar in panel.patches], table["observed"])
    np.testing.assert_allclose(panel.lines[0].get_ydata(), table["mean"])
    np.testing.assert_allclose(spans(panel)[:, :, 1], table[["lower", "upper"]])
    assert panel.get_yscale() == "function"
    assert "bins widen from 10 on" in words(figure)


@pytest.mark.parametrize("largest", [0, 3, 29, 30, 31, 78, 500, 12_345])
def test_bins_hold_every_count_once(largest):
    matrix = np.array([[np.nan, largest], [0, np.nan]])
    table = rootogram_table(made_up(matrix, [[largest + 5, 0], [largest, largest // 2]]))
    first, last = table["first"].to_numpy(), table["last"].to_numpy()
    assert first[0] == 0
    assert (first[1:] == last[:-1] + 1).all()
    assert (first[-1], last[-1]) == (largest + 1, np.inf)
    assert len(table) <= MOST + 1
    width = np.diff(first)
    assert (np.diff(width[:-1]) >= 0).all()  # the last but one ends at the largest count
    assert table["mean"].sum() == pytest.approx(2)
    assert table["mean"].iloc[-1] == 0.5


def test_matrix_holds_each_dyad_in_its_cell(fit):
    data = matrix_data(fit)
    dyads = fit["constant_data"].to_dataset().load()
    counts = fit["observed_data"]["count"].to_numpy()
    mean = fit["posterior_predictive"]["count"].mean(("chain", "draw")).to_numpy()
    frame = pd.DataFrame(
        {"i": dyads["sender"], "j": dyads["receiver"], "observed": counts, "predicted": mean}
    )
    total = frame.groupby("i")["observed"].sum() + frame.groupby("j")["observed"].sum()
    order = total.sort_index().sort_values(ascending=False, kind="stable").index
    assert data["sender"].to_numpy().tolist() == order.tolist()
    figure = matrix_figure(fit)
    for panel, name in zip(figure.axes, ("observed", "predicted"), strict=False):
        expected = frame.pivot_table(index="i", columns="j", values=name)
        (image,) = panel.images
        shown = image.get_array()
        np.testing.assert_allclose(shown.filled(np.nan), expected.loc[order, order], rtol=1e-12)
        assert (shown.mask == np.eye(21, dtype=bool)).all()
        assert [label.get_text() for label in panel.get_xticklabels()] == order.tolist()
    one, other = (panel.images[0].norm for panel in figure.axes[:2])
    assert one is other
    assert (one(0), one.vmax) == (0, counts.max())
    # on the scale of log(1 + count)
    np.testing.assert_allclose(one([1.0, 9.0]), np.log([2, 10]) / np.log(1 + counts.max()))
    assert "in the order of what they send and receive together" in words(figure)


def test_matrix_of_many_cities_and_of_missing_dyads():
    rng = np.random.default_rng(6)
    matrix = rng.binomial(2, 0.05, (130, 130)).astype(float)
    np.fill_diagonal(matrix, np.nan)
    matrix[4, 7] = np.nan
    replicated = rng.binomial(2, 0.05, (2, int((~np.isnan(matrix)).sum())))
    fit = made_up(matrix, replicated)
    figure = matrix_figure(fit)
    assert figure.axes[0].images[0].get_array().mask.sum() == 131
    data = matrix_data(fit)["observed"]
    assert np.isnan(data.sel(sender="city $4_a", receiver="city $7_a"))
    shown = [label for label in figure.axes[0].get_yticklabels() if label.get_text()]
    assert len(shown) <= 24
    words(figure)  # a dollar sign would stop it if it were taken for a formula
    assert not any(label.get_parse_math() for label in shown)
    # counts of 0.1 on average have a scale of their own
    assert "count / 0.1)" in figure.axes[2].get_ylabel()


def test_pareto_k_by_sender_and_the_worst_by_name(fit):
    estimate = psis(fit, "dyad")
    k = estimate.pareto_k.to_series()
    table = pareto_data(fit, estimate)
    assert table["city"].is_monotonic_increasing
    assert (table.index.str.split(" -> ").str[0] == table["city"]).all()
    pd.testing.assert_series_equal(table["k"].sort_index(), k.sort_index(), check_names=False)
    figure = pareto_figure(fit, estimate)
    panel = figure.axes[0]
    low, high = (marks.get_offsets()[:, 1] for marks in panel.collections[:2])
    np.testing.assert_allclose(sorted(low), sorted(k[k <= estimate.good_k]))
    np.testing.assert_allclose(sorted(high), sorted(k[k > estimate.good_k]))
    dashed = [line for line in panel.lines if line.get_linestyle() == "--"]
    assert dashed[0].get_ydata()[0] == estimate.good_k
    said = words(figure)
    assert f"{(k > estimate.good_k).sum()} of 420 directed dyads" in said
    listed = " ".join(panel.texts[-1].get_text().split())
    worst = k[k > estimate.good_k].sort_values(ascending=False)
    for place, (label, value) in enumerate(worst.head(8).items(), start=1):
        assert f"{place} {value:.2f} {label}" in listed


def test_pareto_k_that_is_no_number_is_the_worst():
    matrix = np.ones((12, 12))
    np.fill_diagonal(matrix, np.nan)
    fit = made_up(matrix, np.ones((1, 132), dtype=int))
    labels = fit["constant_data"]["dyad"].to_numpy()
    k = np.full(132, 0.2)
    k[[3, 40, 41, 90]] = [0.9, np.nan, 1.4, np.inf]
    k[100:110] = 0.8
    units = pd.DataFrame({"elpd": -1.0, "pareto_k": k, "lpd": -1.0}, index=labels)
    estimate = container(units, "dyad", 4000)
    places = pareto_data(fit, estimate)["place"]
    assert places[labels[[40, 90, 41, 3]]].tolist() == [1, 2, 3, 4]
    assert (places > 0).sum() == 14
    figure = pareto_figure(fit, estimate)
    panel = figure.axes[0]
    top = panel.collections[1].get_offsets()[:, 1].max()
    assert 1.4 < top < panel.get_ylim()[1]
    assert panel.texts[-1].get_text().endswith("and 6 more")
    assert "14 of 132 directed dyads" in words(figure)


def test_pareto_k_of_pairs(fit):
    estimate = psis(fit, "pair")
    table = pareto_data(fit, estimate)
    assert len(table) == 210
    assert (table.index.str.split(" & ").str[0] == table["city"]).all()
    assert "of 210 pairs" in words(pareto_figure(fit, estimate))
