"""Figures of city effects carry the posterior's numbers, and names that can be read."""

import numpy as np
import pytest
import xarray as xr
from pyproj import Geod

from analysis import load
from analysis.figures.cities import (
    city_effect_figure,
    generalized_reciprocity,
    ordered_cities,
    reciprocity_figure,
)
from analysis.figures.map import map_figure, map_positions
from analysis.posterior.city_effects import city_effects
from analysis.posterior.main_parameters import main_parameters
from data.errors import ResultsError
from data.guangdong import FOLDER
from data.roles import Part

GUANGDONG = str(FOLDER)
PARTS = ("selection", "degree")


@pytest.fixture(scope="module")
def fit(sampled):
    """Give the fit of Guangdong."""
    return load(GUANGDONG, "zinb_srm", results=sampled[0])


def segments(panel, number):
    """Give the ends of the lines that one call of hlines or vlines drew."""
    return np.array([path.vertices for path in panel.collections[number].get_paths()])


def said(figure):
    return " ".join(figure.get_supxlabel().split())


def overlaps(texts):
    boxes = [text.get_window_extent() for text in texts]
    return [
        (one.get_text(), two.get_text())
        for k, one in enumerate(texts)
        for j, two in enumerate(texts[:k])
        if boxes[k].overlaps(boxes[j])
    ]


def test_city_effects_are_ordered_by_the_degree_parts_senders(fit):
    figure = city_effect_figure(fit)
    means = {
        (part, side): fit["posterior"][f"{part}_{side}"].mean(("chain", "draw")).to_series()
        for part in PARTS
        for side in ("sender", "receiver")
    }
    order = means["degree", "sender"].sort_values(ascending=False).index
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(order)
    collection = city_effect_figure(fit, backend="plotly")
    for panel, (part, side) in zip(figure.axes, means, strict=True):
        assert panel.get_title("left") == f"{part.capitalize()}, {side}"
        draws = fit["posterior"][f"{part}_{side}"].sel(city=order).to_numpy()
        levels = {"twig": [0.055, 0.945], "trunk": [0.25, 0.75]}
        expected = {name: np.quantile(draws, ends, axis=(0, 1)).T for name, ends in levels.items()}
        expected["point_estimate"] = means[part, side][order].to_numpy()[:, None]
        for visual, values in expected.items():
            drawn = collection.viz[visual]["value"].sel(part=part, side=side, city=order)
            np.testing.assert_allclose([item.x for item in drawn.to_numpy()], values)
            assert [item.y[0] for item in drawn.to_numpy()] == list(range(0, -21, -1))
        # matplotlib draws the same
        lines = np.array([line.get_xdata() for line in panel.lines[:21]])
        np.testing.assert_allclose(lines, expected["twig"])
    assert "ordered by the degree sender effect." in said(figure)


def test_cities_can_be_ordered_otherwise(fit):
    effects = city_effects(fit)
    _, order = ordered_cities(effects, "selection_receiver")
    means = effects["mean"].sel(role="selection_receiver", city=order)
    assert (np.diff(means) < 0).all()
    assert "by the selection receiver" in said(city_effect_figure(fit, "selection_receiver"))
    with pytest.raises(ResultsError, match="did you mean 'degree_sender'"):
        city_effect_figure(fit, "degree_sendr")


def test_models_of_one_side_have_one_column_and_pooled_ones_none(made_up):
    figure = city_effect_figure(made_up(6, roles=("degree_receiver",)))
    assert [panel.get_title("left") for panel in figure.axes] == ["Degree, receiver"]
    assert "ordered by the degree receiver effect" in said(figure)
    with pytest.raises(ResultsError, match="has no city effects"):
        city_effect_figure(made_up(6, roles=()))
    with pytest.raises(ResultsError, match="no effects of both sides"):
        reciprocity_figure(made_up(6, roles=("degree_receiver",)))


def test_of_many_cities_some_are_named_and_all_are_drawn(made_up):
    figure = city_effect_figure(made_up())
    panel = figure.axes[0]
    figure.draw_without_rendering()
    assert len(panel.collections) == 130
    labels = panel.get_yticklabels()
    assert 20 < len(labels) < 40
    assert overlaps(labels) == []
    assert f"{len(labels)} of 130 cities are named" in said(figure)


def test_names_are_shown_as_they_are_written(made_up):
    figure = city_effect_figure(made_up(6))
    shown = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert {"A & B", "C<d>", "E$1_$2", 'F "G"', "^H{x}"} < shown
    figure.draw_without_rendering()  # a formula that begins with a name would raise
    assert not any(label.get_parse_math() for label in figure.axes[0].get_yticklabels())
    page = city_effect_figure(made_up(6), backend="plotly").viz["figure"].item()
    assert {"A &amp; B", "C&lt;d&gt;", "E$1_$2", 'F "G"', "^H{x}"} < set(page.layout.yaxis.ticktext)


def test_the_map_keeps_distances_of_a_province(fit, guangdong):
    places = map_positions(fit)
    x, y = places["x"].to_numpy(), places["y"].to_numpy()
    longitude, latitude = (guangdong.dyads[each].to_numpy() for each in ("longitude", "latitude"))
    i, j = np.triu_indices(21, 1)
    _, _, metres = Geod(ellps="WGS84").inv(longitude[i], latitude[i], longitude[j], latitude[j])
    # an azimuthal equal-area map is true to 1 / cos(c / 2) at the angle c from its middle:
    # 450 km are 0.07
    np.testing.assert_allclose(np.hypot(x[i] - x[j], y[i] - y[j]), metres / 1000, rtol=7e-4)
    assert places.index[places["y"].argmax()] == "Shaoguan"  # the north
    assert places.index[places["x"].argmin()] == "Zhanjiang"  # the west


def test_the_date_line_divides_no_map(made_up):
    places = map_positions(made_up())
    # 25 degrees of longitude are less than 2800 km
    assert np.ptp(places["x"]) < 2800
    assert np.abs(places.mean()).max() < 300


def test_colours_and_areas_of_the_map_are_the_posteriors(fit):
    figure = map_figure(fit)
    panels = {panel.get_title("left"): panel for panel in figure.axes if panel.get_title("left")}
    assert len(panels) == 4
    for part in PARTS:
        limits = []
        for side in ("sender", "receiver"):
            marks = panels[f"{part.capitalize()}, {side}"].collections[0]
            draws = fit["posterior"][f"{part}_{side}"]
            mean = draws.mean(("chain", "draw")).to_numpy()
            positive = (draws > 0).mean(("chain", "draw")).to_numpy()
            sure = np.where(mean > 0, positive, 1 - positive)
            at = [
                int(np.argmin(np.hypot(*(map_positions(fit).to_numpy() - place).T)))
                for place in marks.get_offsets()
            ]
            assert sorted(at) == list(range(21))
            np.testing.assert_allclose(marks.get_array(), mean[at])
            # from 12 points^2 at one half to 110 at one
            area = 12 + 98 * np.maximum(2 * sure[at] - 1, 0)
            np.testing.assert_allclose(marks.get_sizes(), area)
            limits.append(marks.norm)
        assert limits[0].vmax == limits[1].vmax == -limits[0].vmin
        assert limits[0].vmax == max(np.abs(norm.vmax) for norm in limits)
    assert "Synthetic data" in said(figure)


@pytest.mark.parametrize("figure_of", [map_figure, reciprocity_figure])
@pytest.mark.parametrize("cities", [21, 130])
def test_names_cover_no_mark_and_no_other_name(figure_of, cities, made_up):
    figure = figure_of(made_up(cities))
    figure.draw_without_rendering()
    named = [panel for panel in figure.axes if len(panel.texts) > 3]
    assert named
    for panel in named:
        texts = [text for text in panel.texts if "km" not in text.get_text()]
        assert overlaps(texts) == []
        points = [line.get_xydata() for line in panel.lines if len(line.get_xdata()) == cities]
        offsets = [marks.get_offsets() for marks in panel.collections]
        points += [each for each in offsets if len(each) == cities]
        at = panel.transData.transform(np.concatenate(points))
        for text in texts:
            box = text.get_window_extent()
            assert not any(box.contains(*place) for place in at), text.get_text()


def test_a_map_needs_positions(made_up):
    tree = made_up(6)
    tree["constant_data"] = tree["constant_data"].to_dataset().drop_vars(["latitude", "longitude"])
    with pytest.raises(ResultsError, match=r"made_up: the cities have no positions; .*\[cities\]"):
        map_figure(tree)


def test_reciprocity_is_the_posteriors(fit):
    figure = reciprocity_figure(fit)
    for panel, part in zip(figure.axes, PARTS, strict=True):
        sender, receiver = (fit["posterior"][f"{part}_{side}"] for side in ("sender", "receiver"))
        points = panel.lines[-1].get_xydata()
        expected = [each.mean(("chain", "draw")) for each in (sender, receiver)]
        np.testing.assert_allclose(points, np.column_stack(expected))
        for number, draws in ((0, sender), (1, receiver)):
            ends = draws.quantile([0.25, 0.75], ("chain", "draw")).T
            np.testing.assert_allclose(segments(panel, number)[:, :, number], ends)
        rho = fit["posterior"][f"{part}_generalized_reciprocity"].to_numpy()
        low, high = np.quantile(rho, [0.055, 0.945])
        printed = f"generalized reciprocity {rho.mean():.2f} ({low:.2f} to {high:.2f})"
        assert panel.get_title("left").endswith(printed)


def test_reciprocity_of_a_joint_model_is_one_of_its_correlations(made_up):
    pairs = ["selection_sender & degree_sender", "degree_sender & degree_receiver"]
    rho = np.random.default_rng(1).uniform(-1, 1, size=(2, 200, 2))
    joint = xr.DataArray(rho, {"role_pair": pairs}, ("chain", "draw", "role_pair"))
    tree = made_up(8, city_correlation=joint)
    expected = (rho[..., 1].mean(), *np.quantile(rho[..., 1], [0.055, 0.945]))
    assert generalized_reciprocity(tree, Part.DEGREE) == pytest.approx(expected)
    labels = main_parameters(tree)["parameter"].to_numpy()
    assert "correlation degree sender & degree receiver" in labels
    assert generalized_reciprocity(made_up(8), Part.DEGREE) is None
    (panel,) = reciprocity_figure(made_up(8)).axes
    assert "independent in this model" in panel.get_title("left")
