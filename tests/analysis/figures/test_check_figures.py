"""Figures of predictive checks carry the numbers of the fit."""

import json

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import load
from analysis.checks.binned import MOST, binned_counts
from analysis.figures.elpd import pareto_data, pareto_figure
from analysis.figures.matrix import matrix_data, matrix_figure
from analysis.figures.predictive import pit_figure, rootogram_figure, statistics_figure
from data.errors import ResultsError
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
    counts = fit["posterior_predictive"]["outcome"].to_numpy()
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
            "observed_data": xr.Dataset({"outcome": ("dyad", count)}),
            "posterior_predictive": xr.Dataset(
                {"outcome": (("chain", "draw", "dyad"), np.asarray(replicated)[None])}
            ),
        }
    )
    plain = {"title": "Made up", "model": "nb_srm", "priors": "default", "chains": 1, "draws": 9}
    declared = {"title": "Made up", "models": ["nb_srm"], "dyads": {"outcome": "count"}}
    plain |= {"declaration": json.dumps(declared), "synthetic": json.dumps(["outcome"])}
    tree.attrs = plain | {"passed": 1} | about
    return tree


def words(figure):
    """Draw a figure, and give the caption on one line."""
    figure.canvas.draw()
    return " ".join(figure._supxlabel.get_text().split())


def test_statistics_and_their_intervals(fit, drawn):
    figure, collection = statistics_figure(fit), statistics_figure(fit, backend="plotly")
    panels = {panel.get_title(loc="left").split("\n")[0]: panel for panel in figure.axes}
    assert len(panels) == 8
    count = fit["observed_data"]["outcome"].to_numpy()
    for name, function in {
        "share of zeros": lambda y: (y == 0).mean(axis=-1),
        "mean": lambda y: y.mean(axis=-1),
        "maximum": lambda y: y.max(axis=-1),
    }.items():
        panel, values = panels[name.capitalize()], function(drawn)
        own = {visual: collection.viz[visual][name].item() for visual in ("dist", "observed_tstat")}
        ends = collection.viz["credible_interval"][name].item().x
        np.testing.assert_allclose(ends, np.quantile(values, TAILS))
        point = collection.viz["point_estimate"][name].item().x
        np.testing.assert_allclose(point, values.mean())
        assert own["observed_tstat"].x.tolist() == [function(count)]
        np.testing.assert_allclose(own["dist"].y[:-1], np.histogram(values, own["dist"].x)[0])
        assert own["dist"].y[:-1].sum() >= 0.985 * len(values)
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
    titles = [panel.get_title(loc="left").split("\n")[0] for panel in figure.axes]
    assert "Share of zeros" in titles
    assert not {"Dyadic dependence", "Cyclic dependence"} & set(titles)
    assert "Not defined: dyadic dependence, cyclic dependence." in words(figure)
    assert "do not interpret it" in words(figure)


def test_counts_may_be_binary():
    matrix = np.array([[np.nan, 1, 0], [1, np.nan, 0], [0, 0, np.nan]])
    fit = made_up(matrix, np.random.default_rng(3).binomial(1, 0.4, (20, 6)))
    assert len(statistics_figure(fit).axes) == 8
    (panel,) = rootogram_figure(fit).axes
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0", "1", "2+"]


def test_statistics_of_networks_that_are_all_the_same():
    matrix = np.array([[np.nan, 2, 0], [1, np.nan, 1], [3, 0, np.nan]])
    counts = matrix[~np.isnan(matrix)].astype(int)
    figure = statistics_figure(made_up(matrix, [counts] * 5))
    (mean,) = (panel for panel in figure.axes if panel.get_title("left").startswith("Mean\n"))
    assert mean.get_title("left").endswith("p = 0.50")
    words(figure)


def test_rootogram_counts_dyads(fit, drawn):
    count = fit["observed_data"]["outcome"].to_numpy()
    figure = rootogram_figure(fit)
    (panel,) = figure.axes
    predicted, observed = (marks.get_offsets().data for marks in panel.collections)
    assert observed[:, 1].sum() == 420
    assert predicted[:, 1].sum() == pytest.approx(420)
    labels = [label.get_text() for label in panel.get_xticklabels()]
    assert labels[:10] == [*map(str, range(10))]
    assert labels[-1] == f"{count.max() + 1}+"
    numbers = dict(observed.tolist())
    assert [numbers.get(value, 0) for value in range(10)] == [
        (count == value).sum() for value in range(10)
    ]
    assert dict(predicted.tolist())[len(labels) - 1] == pytest.approx(
        (drawn > count.max()).sum(axis=1).mean()
    )
    ones = (drawn == 1).sum(axis=1)
    assert dict(predicted.tolist())[1] == pytest.approx(ones.mean())
    spans = {line.get_xdata()[0]: line.get_ydata() for line in panel.lines}
    np.testing.assert_allclose(spans[1], np.quantile(ones, TAILS))
    assert panel.get_yscale() == "sqrt"
    assert "bins widen from 10 on" in words(figure)
    # what plotly shows are roots
    collection = rootogram_figure(fit, backend="plotly")
    traces = collection.viz["figure"].item().data
    np.testing.assert_allclose(traces[0].y, np.sqrt(predicted[:, 1]))


@pytest.mark.parametrize("largest", [0, 3, 29, 30, 31, 78, 500, 12_345])
def test_bins_hold_every_count_once(largest):
    matrix = np.array([[np.nan, largest], [0, np.nan]])
    replicated = [[largest + 5, 0], [largest, largest // 2]]
    binned, first = binned_counts(made_up(matrix, replicated), 500)
    assert first[0] == 0
    assert first[-1] == largest + 1
    assert len(first) <= MOST + 1
    width = np.diff(first)
    assert (width > 0).all()
    assert (np.diff(width[:-1]) >= 0).all()  # the last but one ends at the largest count
    for group, counts in (("observed_data", [largest, 0]), ("posterior_predictive", replicated)):
        bins = binned[group]["outcome"].to_numpy()
        expected = [(first <= count).sum() - 1 for count in np.ravel(counts)]
        assert bins.ravel().tolist() == expected
    assert (binned["posterior_predictive"]["outcome"] == len(first) - 1).sum() == 1


def test_pit_is_that_of_arviz_and_needs_the_pointwise_likelihood(fit):
    pit = np.sort(az.loo_pit(fit, pareto_pit=True)["outcome"].to_numpy())
    collection = pit_figure(fit, backend="plotly")
    line = collection.viz["ecdf_lines"]["outcome"].item()
    below = np.searchsorted(pit, line.x, side="right") / len(pit)
    np.testing.assert_allclose(line.y, below - line.x, atol=2 / len(pit))
    assert "left out by importance sampling" in words(pit_figure(fit))
    tree = fit.copy()
    del tree["log_likelihood"]
    with pytest.raises(ResultsError, match="keeps no pointwise log-likelihood"):
        pit_figure(tree)


def test_matrix_holds_each_dyad_in_its_cell(fit):
    data = matrix_data(fit)
    dyads = fit["constant_data"].to_dataset().load()
    counts = fit["observed_data"]["outcome"].to_numpy()
    mean = fit["posterior_predictive"]["outcome"].mean(("chain", "draw")).to_numpy()
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
    every, high = (marks.get_offsets()[:, 1] for marks in panel.collections[:2])
    np.testing.assert_allclose(every, table["k"])
    np.testing.assert_allclose(sorted(high), sorted(k[k > estimate.good_k]))
    dashed = [line for line in panel.lines if line.get_linestyle() == "--"]
    assert dashed[0].get_ydata()[0] == estimate.good_k
    said = words(figure)
    assert f"{(k > estimate.good_k).sum()} of 420 directed dyads" in said
    worst = k[k > estimate.good_k].sort_values(ascending=False)
    assert len(worst)
    assert ", ".join(f"{label} ({value:.2f})" for label, value in worst.head(8).items()) in said
    page = pareto_figure(fit, estimate, backend="plotly").viz["khat"]["pareto_k"].item()
    np.testing.assert_allclose(page.y, table["k"])


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
    assert "city $3_a -> " in words(figure)
    assert "(nan)" in words(figure)
    assert words(figure).split(" Synthetic")[0].endswith("6 more.")
    assert "14 of 132 directed dyads" in words(figure)


def test_pareto_k_of_pairs(fit):
    estimate = psis(fit, "pair")
    table = pareto_data(fit, estimate)
    assert len(table) == 210
    assert (table.index.str.split(" & ").str[0] == table["city"]).all()
    assert "of 210 pairs" in words(pareto_figure(fit, estimate))
