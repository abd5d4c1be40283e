"""The biplot carries the posterior's positions, and names that can be read."""

import numpy as np
import pytest

from analysis.figures.positions import position_figure
from data.errors import ResultsError
from models import simulate_study

DRAWS = ("chain", "draw")


@pytest.fixture
def placed(draws_around, made_fit):
    """Give a function: a model and a number of cities to a fit around its truth."""

    def make(model, cities=12):
        study, truth = simulate_study(cities, model, seed=2)
        return made_fit(study, model, draws_around(truth, 25))

    return make


def marks(panel):
    return [line.get_xydata() for line in panel.lines if line.get_marker() in ("o", "D")]


@pytest.mark.parametrize(
    ("model", "panels"),
    [("nb_ame1", 1), ("zinb_ame2", 2), ("nb_ame3", 2), ("nb_additive_ame2", 1)],
)
def test_marks_lie_at_the_posterior_means(placed, model, panels):
    fit = placed(model)
    posterior = fit["posterior"]
    figure = position_figure(fit)
    shown = [panel for panel in figure.axes if panel.get_title("left")]
    assert len(shown) == panels
    panel = shown[-1]
    sides = [side for side in ("sender", "receiver", "city") if f"degree_{side}" in posterior]
    means = [
        posterior[f"degree_{side}_position"].mean(DRAWS).transpose("city", ...).to_numpy()
        for side in sides
    ]
    found = [each for each in marks(panel) if len(each)]
    if means[0].shape[1] == 1:
        (points,) = found
        np.testing.assert_allclose(points, np.concatenate(means, axis=1))
    else:
        last = means[0].shape[1] - 1
        for points, mean in zip(found, means, strict=True):
            np.testing.assert_allclose(points, mean[:, [0, last]])
    values = next(
        posterior[of] for of in ("degree_singular_value", "degree_eigenvalue") if of in posterior
    )
    low, high = values.quantile([0.055, 0.945], DRAWS).to_numpy()[:, 0]
    printed = f"{values.mean(DRAWS).to_numpy()[0]:.2g} ({low:.2g} to {high:.2g})"
    assert printed in panel.get_title("left")


def test_one_dimension_of_undirected_dyads_puts_cities_in_order(placed):
    fit = placed("nb_additive_ame1")
    (points,) = marks(position_figure(fit).axes[0])
    mean = fit["posterior"]["degree_city_position"].mean(DRAWS).to_numpy()[:, 0]
    np.testing.assert_allclose(points[:, 0], np.sort(mean))
    assert (np.diff(points[:, 1]) > 0).all()


@pytest.mark.parametrize("cities", [28, 130])
@pytest.mark.parametrize("model", ["nb_ame2", "nb_additive_ame2", "nb_ame1"])
def test_names_cover_no_mark_and_no_other_name(placed, model, cities):
    figure = position_figure(placed(model, cities))
    figure.draw_without_rendering()
    panel = figure.axes[0]
    assert len(panel.texts) > 3
    boxes = [text.get_window_extent() for text in panel.texts]
    assert not any(box.overlaps(other) for k, box in enumerate(boxes) for other in boxes[:k])
    at = panel.transData.transform(np.concatenate([each for each in marks(panel) if len(each)]))
    assert not any(box.contains(*place) for box in boxes for place in at)


def test_an_arrow_points_where_a_term_rises(placed):
    fit = placed("nb_ame2", 20)
    dyads = fit["constant_data"].to_dataset()
    mean = fit["posterior"]["degree_sender_position"].mean(DRAWS).transpose("city", ...)
    # of each dyad what its sender has along the second dimension, and a trifle of the first
    along = mean.isel(degree_dimension=1) + 0.1 * mean.isel(degree_dimension=0)
    design = dyads["degree_design"].copy()
    design.loc[{"degree_term": "near"}] = along.sel(city=dyads["sender"]).to_numpy()
    fit["constant_data"] = dyads.assign(degree_design=design)
    panel = position_figure(fit, directions=["near"]).axes[0]
    arrow = next(text for text in panel.texts if text.arrow_patch is not None)
    x, y = arrow.xy
    assert x / y == pytest.approx(0.1)
    assert y > 0
    with pytest.raises(ResultsError, match="no term 'far' in the formulas; did you mean"):
        position_figure(fit, directions=["far"])


def test_models_without_factors_have_no_biplot(made_fit, draws_around):
    study, truth = simulate_study(5, "nb_srm", seed=1)
    with pytest.raises(ResultsError, match="nb_srm has no multiplicative effects"):
        position_figure(made_fit(study, "nb_srm", draws_around(truth, 5)))
