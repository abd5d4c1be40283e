"""A comparison on disk, and its figure."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_rgba

from analysis import load
from analysis.chapters.comparison import write_comparison
from analysis.comparison.compare import Comparison, Row
from analysis.comparison.file import Compared, comparison_table, comparison_tree
from analysis.figures.elpd import dimension_figure, dimension_table, elpd_figure, elpd_table
from analysis.figures.style import MARK, OTHER
from analysis.fits.opening import load_comparison
from data.errors import ResultsError
from models.leave_out.loo import container
from models.work.netcdf import write

MODELS = ["zinb_srm", "nb_srm", "zinb_pooled (ML)"]


def made_up(differences, errors, units):
    """Give a comparison; each unit has its own size and order of models."""
    tables, rows = {}, {}
    for number, (unit, size) in enumerate(units.items()):
        models = np.roll(MODELS, number).tolist()
        table = pd.DataFrame(
            {
                "elpd_diff": differences,
                "dse": errors,
                "dse_others": 1.5 * np.array(errors),
                "ruling": [0.0, 0.1, 0.4],
                "elpd": -100 + np.array(differences),
                "se": 7.5,
                "diag_diff": ["", "N < 100", ""],
                "p_loo": [9.5, 8.0, 5.25],
                "weight": [0.75, 0.25, 0.0],
                "high_k": [9, 0, 0],
                "integrated": [6, 0, 0],
                "refits": [3, 4, size],
                "failed": [0, 1, 0],
                "few": [0, 2, 0],
                "not_reached": [0, 0, 0],
            },
            index=models,
        )
        table.attrs |= {"units": size, "cities": 21}
        densities = pd.DataFrame(
            {"elpd": np.arange(size) - 9.5, "pareto_k": 0.1, "lpd": 1.0},
            index=[f"{unit} {i}" for i in range(size)],
        )
        rows[unit] = {
            model: Row(
                container(densities + i, unit, 1 if "ML" in model else 4000), 0, 0, 0, 0, 0.0
            )
            for i, model in enumerate(models)
        }
        tables[unit] = table
    return Comparison(tables, rows)


@pytest.fixture
def found():
    """Give a comparison at two units."""
    return made_up([0.0, -3.25, -31.5], [0.0, 2.0, 9.0], {"dyad": 120, "city": 21})


def figure_of(found, synthetic=()):
    figure = elpd_figure(
        comparison_tree(
            found, [], Compared("Made $up$ of cities", synthetic, "skeptical", "", {}, 21)
        )
    )
    figure.canvas.draw()
    return figure, " ".join(figure._supxlabel.get_text().split())


def test_the_file_holds_tables_and_pointwise_densities(found, tmp_path):
    folder = tmp_path / "here" / "skeptical"
    paths = write_comparison(
        comparison_tree(found, [], Compared("Made up", ["ties"], "skeptical", "", {}, 21)), folder
    )
    assert [path.name for path in paths] == [
        f"comparison.{kind}" for kind in ("csv", "md", "tex", "docx", "nc")
    ]
    with load_comparison("here", "skeptical", tmp_path) as tree:
        assert tree.attrs["title"] == "Made up"
        assert tree.attrs["priors"] == "skeptical"
        assert tree.attrs["synthetic"] == '["ties"]'
        assert list(tree.children) == ["dyad", "city"]
        for unit, table in found.tables.items():
            pd.testing.assert_frame_equal(
                comparison_table(tree, unit)[list(table)], table, check_names=False
            )
            assert comparison_table(tree, unit).attrs["units"] == table.attrs["units"]
            group = tree[unit].to_dataset().load()
            assert group["model"].to_numpy().tolist() == table.index.tolist()
            for column in table:
                assert group[column].to_numpy().tolist() == table[column].tolist()
            for model, row in found.rows[unit].items():
                one = group.sel(model=model)
                assert int(one["draws"]) == row.estimate.n_samples
                for name in ("elpd_i", "pareto_k"):
                    np.testing.assert_array_equal(one[name], getattr(row.estimate, name))
        pd.testing.assert_frame_equal(
            elpd_table(tree),
            elpd_table(comparison_tree(found, [], Compared("", [], "", "", {}, 21))),
        )


def test_a_comparison_that_is_not_there(found, tmp_path):
    with pytest.raises(ResultsError, match=r"here/default/comparison.nc: no such.*`make compare`"):
        load_comparison("here", results=tmp_path)
    folder = tmp_path / "here" / "skeptical"
    write_comparison(
        comparison_tree(found, [], Compared("Made up", [], "skeptical", "", {}, 21)), folder
    )
    with pytest.raises(ResultsError, match="did you mean 'skeptical'"):
        load_comparison("here", "sceptical", tmp_path)
    # it is no fit, though it lies beside them
    for model in ("comparison", "nb_srm"):
        with pytest.raises(ResultsError, match="no such fit; run `make sample` first"):
            load("here", model, "skeptical", results=tmp_path)
    old = xr.DataTree.from_dict({"dyad": xr.Dataset({"elpd_i": ("dyad", [1.0])})})
    write(old, folder / "comparison.nc")
    with pytest.raises(ResultsError, match="earlier version; run `make compare` again"):
        load_comparison("here", "skeptical", tmp_path)


def drawn(panel):
    """Give the points of an axes by row; and the ends of its lines."""
    points = {
        (round(float(y)), float(x), tuple(marks.get_edgecolor()[0]))
        for marks in panel.collections
        for x, y in marks.get_offsets()
        if np.isfinite(x)
    }
    lines = {
        (line.get_ydata()[0], *line.get_xdata())
        for line in panel.lines
        if len(set(line.get_ydata())) == 1
    }
    return points, lines


BAYES, MAXIMUM = (to_rgba(color) for color in (MARK, OTHER))


def test_differences_and_their_errors(found):
    figure, said = figure_of(found, ["ties"])
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == MODELS
    points, lines = drawn(first)  # the first row on top
    assert points == {(3, 0.0, BAYES), (2, -3.25, BAYES), (1, -31.5, MAXIMUM)}
    assert {(2, -7.25, 0.75), (2, -9.25, 2.75), (1, -49.5, -13.5), (1, -58.5, -4.5)} < lines
    # the second panel's best is the maximum-likelihood row; rows stay where they are
    points, _ = drawn(second)
    assert points == {(3, -3.25, BAYES), (2, -31.5, BAYES), (1, 0.0, MAXIMUM)}
    assert [text.get_text() for text in first.texts] == [
        "best",
        "\N{MINUS SIGN}3.2 ± 2.0",
        "\N{MINUS SIGN}31.5 ± 9.0",
    ]
    assert first.get_title(loc="left") == "Left out: a directed dyad\n120 directed dyads"
    assert second.get_title(loc="left") == "Left out: a city\n21 cities"
    assert r"Made $up$ of cities: skeptical priors, 4000 draws a fit" in said
    assert "thick line: two standard errors for new outcomes of the same cities" in said
    assert "not to be trusted" not in said  # with 21 cities
    assert "2 of 155 refits failed their diagnostics." in said
    assert "Synthetic data: ties. Not findings about the world." in said


def test_what_lies_far_is_an_arrow_with_its_figures():
    found = made_up([0.0, -3.0, -np.inf], [0.0, 2.0, np.nan], {"pair": 210})
    figure, said = figure_of(found)
    (panel,) = figure.axes
    points, _ = drawn(panel)
    assert points == {(3, 0.0, BAYES), (2, -3.0, BAYES)}
    assert [text.get_text() for text in panel.texts[2:]] == [
        "\N{MINUS SIGN}inf",
        "\N{BLACK LEFT-POINTING TRIANGLE}",
    ]
    assert panel.get_xlim()[0] > -20
    assert "arrows: beyond the axis" in said
    assert "Fewer than 100" not in said
    assert "Synthetic" not in said


def test_dimensions_are_those_of_models_that_differ_in_nothing_else(monkeypatch):
    monkeypatch.setitem(globals(), "MODELS", ["nb_ame1", "nb_srm", "zinb_ame2"])
    found = made_up([0.0, -3.25, -31.5], [0.0, 2.0, 9.0], {"dyad": 120})
    tree = comparison_tree(found, [], Compared("Made up", (), "default", "", {}, 21))
    table = dimension_table(elpd_table(tree))
    assert table.loc["dyad", "dimensions"].to_dict() == {"nb_srm": 0, "nb_ame1": 1}
    figure = dimension_figure(tree)
    (panel,) = figure.axes
    line = next(line for line in panel.lines if line.get_label() == "nb")
    np.testing.assert_allclose(line.get_xydata(), [[0, -3.25], [1, 0]])
    thin, thick = ([path.vertices for path in bars.get_paths()] for bars in panel.collections)
    np.testing.assert_allclose(thin[0], [[0, -3.25 - 6], [0, -3.25 + 6]])
    np.testing.assert_allclose(thick[0], [[0, -3.25 - 4], [0, -3.25 + 4]])


def test_models_without_dimensions_have_no_such_figure(found):
    tree = comparison_tree(found, [], Compared("Made up", (), "default", "", {}, 21))
    with pytest.raises(ResultsError, match="no family is compared at several dimensions"):
        dimension_figure(tree)
