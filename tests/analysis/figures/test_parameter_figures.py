"""Figures of a posterior's parameters carry the posterior's numbers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from scipy import stats

from analysis import load
from analysis.figures.cities import city_effect_figure, reciprocity_figure
from analysis.figures.coefficients import coefficient_data, coefficient_figure
from analysis.figures.energy import energy_data, energy_figure
from analysis.figures.map import map_figure
from analysis.figures.parameters import prior_figure, rank_figure
from analysis.figures.style import broken
from analysis.posterior.main_parameters import main_parameters, prior_and_posterior, rank_test
from data.errors import ResultsError
from data.guangdong import FOLDER
from models import maximum_likelihood
from models.frequentist.fit import with_jackknife
from models.frequentist.regression import regression
from models.frequentist.table import frequentist_table
from models.inference.chains import _draw_thinned
from models.inference.gate import diagnose
from models.settings import Settings
from models.work.progress import Reporter

pytestmark = pytest.mark.slow

GUANGDONG = str(FOLDER)
PARTS = ("selection", "degree")


@pytest.fixture(scope="module")
def fit(sampled):
    """Give the fit of Guangdong."""
    return load(GUANGDONG, "zinb_srm", results=sampled[0])


@pytest.fixture(scope="module")
def mle(guangdong):
    """Give the pooled twin by maximum likelihood, with the jackknife."""
    found = maximum_likelihood(guangdong, "zinb_pooled")
    return with_jackknife(found, regression(guangdong, "zinb"))


def said(figure):
    return " ".join(figure.get_supxlabel().split())


def forest_of(collection, visual, part, axis="x"):
    """Give what a visual of a forest holds, a row a term."""
    drawn = collection.viz[visual]["value"].sel(part=part)
    return np.array([getattr(item, axis) for item in drawn.to_numpy() if item is not None])


def test_coefficients_stand_beside_maximum_likelihood(fit, mle):
    collection = coefficient_figure(fit, mle, backend="plotly")
    errors, estimates = mle.standard_errors("jackknife"), mle.parameters.to_series()
    for part in PARTS:
        draws = fit["posterior"][f"{part}_coef"].to_numpy()
        circles = forest_of(collection, "point_estimate", part)[:, 0]
        np.testing.assert_allclose(circles, draws.mean(axis=(0, 1)))
        for visual, width in (("twig", 0.89), ("trunk", 0.5)):
            ends = np.quantile(draws, [(1 - width) / 2, (1 + width) / 2], axis=(0, 1)).T
            np.testing.assert_allclose(forest_of(collection, visual, part), ends)
        names = [f"{part}_coef[{term}]" for term in fit["posterior"][f"{part}_term"].to_numpy()]
        np.testing.assert_allclose(forest_of(collection, "known", part)[:, 0], estimates[names])
        reach = stats.norm.ppf(0.975) * errors[names].to_numpy()
        ends = np.column_stack([estimates[names] - reach, estimates[names] + reach])
        np.testing.assert_allclose(forest_of(collection, "ml", part), ends)
        # each pair stands on its own row, the posterior above
        above, below = (forest_of(collection, visual, part, "y")[:, 0] for visual in ("twig", "ml"))
        assert (np.round(above) == np.round(below)).all()
        assert (above > below).all()


def test_coefficients_by_matplotlib_are_the_same(fit, mle):
    figure = coefficient_figure(fit, mle)
    collection = coefficient_figure(fit, mle, backend="plotly")
    for panel, part in zip(figure.axes, PARTS, strict=True):
        lines = [line.get_xydata() for line in panel.lines[:10]]
        for visual, own in (("twig", lines[:5]), ("trunk", lines[5:])):
            for number, axis in enumerate("xy"):
                expected = forest_of(collection, visual, part, axis)
                np.testing.assert_allclose([line[:, number] for line in own], expected)
    assert "maximum likelihood (zinb_pooled), 95% Wald intervals on jackknife" in said(figure)
    assert "Open" not in said(figure)
    assert "4 x 1000 draws" in said(figure)
    assert "Synthetic data: services" in said(figure)
    assert "triangles: hypothesised direction" in said(figure)
    stated = [text.get_text() for panel in figure.axes for text in panel.texts]
    # proximity, similarity, asymmetry and severity select; ties and severity move the count
    assert stated == ["\N{BLACK RIGHT-POINTING TRIANGLE}"] * 3 + [
        "\N{BLACK LEFT-POINTING TRIANGLE}",
        "\N{BLACK RIGHT-POINTING TRIANGLE}",
        "\N{BLACK LEFT-POINTING TRIANGLE}",
    ]


def test_without_the_jackknife_errors_are_dyadic(fit, guangdong):
    plain = maximum_likelihood(guangdong, "zinb_pooled")
    assert "on dyadic standard errors" in said(coefficient_figure(fit, plain))
    found = coefficient_data(fit, plain).sel(part="degree")
    expected = frequentist_table(plain, "dyadic").loc["degree"].loc[found["term"].to_numpy()]
    np.testing.assert_allclose(found["ml_upper"], expected["upper"])


def test_what_is_not_identified_has_no_interval_and_stretches_no_axis(fit, mle):
    lost = ["selection_coef[mayor_ties]", "selection_coef[status_asymmetry]"]
    covariance, parameters = mle.covariance.copy(), mle.parameters.copy()
    covariance.loc[{"parameter": lost}] = np.nan
    parameters.loc[{"parameter": lost}] = [-0.1, 50.0]
    open_ended = replace(mle, covariance=covariance, parameters=parameters)
    collection = coefficient_figure(fit, open_ended, backend="plotly")
    for visual in ("ml", "known"):
        assert len(forest_of(collection, visual, "selection")) == 3
    (hollow,) = [
        item
        for item in collection.viz["unknown"]["value"].sel(part="selection").to_numpy()
        if item is not None
    ]
    assert hollow.x.tolist() == [-0.1]
    assert hollow.marker.color == "white"
    figure = coefficient_figure(fit, open_ended)
    assert figure.axes[0].get_xlim()[1] < 3
    assert [text.get_text() for text in figure.axes[0].texts if "50" in text.get_text()] == ["50 >"]
    assert "Open, or a number at the edge" in said(figure)


def test_maximum_likelihood_of_another_study_is_refused(fit, mle):
    other = replace(mle, attributes={**mle.attributes, "study_digest": "other"})
    with pytest.raises(ResultsError, match="as it was read for another run"):
        coefficient_figure(fit, other)


def test_a_study_without_predictors_has_no_coefficients(made_up):
    tree = made_up(8)
    tree["posterior"] = tree["posterior"].to_dataset().drop_vars("degree_coef")
    with pytest.raises(ResultsError, match="no predictors to draw"):
        coefficient_figure(tree)


def test_main_parameters_are_in_the_unit_of_their_priors(made_up):
    tree = made_up(8)
    found = main_parameters(tree)
    assert found["parameter"].to_numpy().tolist() == [
        "degree intercept",
        *(f"degree {term}" for term in tree["posterior"]["degree_term"].to_numpy()),
        "degree sender sd",
        "degree receiver sd",
        "dispersion",
    ]
    design = tree["constant_data"]["degree_design"].to_numpy()
    unit = design.std(axis=0, ddof=1)
    unit[2] = 1  # a column of zeros and ones
    expected = tree["posterior"]["degree_coef"].to_numpy() * unit
    np.testing.assert_allclose(found.to_numpy()[..., 1:5], expected)


def test_sds_of_slopes_are_in_the_unit_of_their_priors_too(made_up):
    dims = ("chain", "draw", "degree_sender_slope_term")
    slope_sd = xr.DataArray(np.ones((2, 200, 1)), {dims[2]: ["near_$"]}, dims)
    tree = made_up(8, degree_sender_slope_sd=slope_sd)
    unit = tree["constant_data"]["degree_design"].sel(degree_term="near_$").std(ddof=1)
    found = main_parameters(tree).sel(parameter="degree sender slope sd near_$")
    np.testing.assert_allclose(found, float(unit))


def test_priors_stand_beside_posteriors(fit):
    table = prior_and_posterior(fit)
    assert len(table) == 19
    widths = [
        np.diff(np.quantile(fit[group]["degree_sender_sd"], [0.055, 0.945])).item()
        for group in ("posterior", "prior")
    ]
    assert table.loc["degree sender sd", "share"] == pytest.approx(widths[0] / widths[1])
    # 89 % of a half-normal prior of scale 1 lie between its 5.5 and 94.5 % quantiles; of 1000
    # draws the Monte Carlo error is about 0.03 at the lower and 0.06 at the upper one
    ends = stats.halfnorm.ppf([0.055, 0.945])
    found = table.loc["degree sender sd", ["prior_lower", "prior_upper"]].to_numpy(float)
    np.testing.assert_allclose(found, ends, atol=0.25)
    collection, draws = prior_figure(fit, backend="plotly"), main_parameters(fit)
    for label, panel in zip(table.index, prior_figure(fit).axes, strict=False):
        shown = panel.get_title("left").split("\n")
        assert shown[-1] == f"{table.loc[label, 'share']:.2f}"
        assert "".join(shown[:-1]).replace(" ", "") == label.replace(" ", "")
        drawn = collection.viz["dist"]["value"].sel(parameter=label)
        own, prior = (drawn.sel(group=group).item() for group in ("posterior", "prior"))
        assert np.trapezoid(own.y, own.x) == pytest.approx(1, abs=0.01)
        value = draws.sel(parameter=label)
        error = 0.1 * float(value.std())
        assert np.trapezoid(own.x * own.y, own.x) == pytest.approx(float(value.mean()), abs=error)
        # what is shown of the prior is its share within the panel
        low, high = panel.get_xlim()
        values = main_parameters(fit, "prior").sel(parameter=label).to_numpy()
        inside = ((values >= low) & (values <= high)).mean()
        assert np.trapezoid(prior.y, prior.x) == pytest.approx(inside, abs=0.02)


def test_a_prior_far_wider_than_the_posterior_is_level(made_up):
    tree = made_up(6)
    wide = np.random.default_rng(2).normal(scale=1e4, size=(1, 200))
    tree["prior"] = tree["prior"].to_dataset().assign(degree_intercept=(("chain", "draw"), wide))
    panel = prior_figure(tree).axes[0]
    low, high = panel.get_xlim()
    span = np.ptp(tree["posterior"]["degree_intercept"].to_numpy())
    assert high - low == pytest.approx(17 * span)  # eight ranges on either side
    assert np.ptp(panel.lines[0].get_ydata()) == 0


def test_ranks_are_those_of_scipy(fit):
    collection = rank_figure(fit, backend="plotly")
    draws = main_parameters(fit).sel(parameter="degree mayor_ties").to_numpy()
    share = stats.rankdata(draws).reshape(draws.shape) / draws.size
    lines = collection.viz["ecdf_lines"]["value"].sel(parameter="degree mayor_ties").to_numpy()
    assert len(lines) == 4
    for chain, line in enumerate(lines):
        below = np.searchsorted(np.sort(share[chain]), line.x, side="right") / draws.shape[1]
        np.testing.assert_allclose(line.y, below - line.x, atol=2 / draws.shape[1])
    (title,) = (
        panel.get_title("left")
        for panel in rank_figure(fit).axes
        if panel.get_title("left").startswith("degree mayor_ties")
    )
    assert title.removesuffix(" *").endswith(f"p = {rank_test(fit)['degree mayor_ties']:.2g}")
    assert plt.get_fignums() == []


def test_a_chain_that_was_elsewhere_is_marked(made_up):
    tree = made_up(6)
    two = tree["posterior"].to_dataset()
    half = two.sizes["draw"] // 2
    halves = [two.isel(draw=slice(half)), two.isel(draw=slice(half, 2 * half))]
    four = xr.concat(halves, "chain")
    moved = four["dispersion"] + xr.DataArray([0.0, 3.0, 0.0, 0.0], dims="chain")
    assert rank_test(tree).isna().all()  # two chains mirror each other
    assert not any("p = " in panel.get_title("left") for panel in rank_figure(tree).axes)
    attrs = tree.attrs
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    tree = xr.DataTree.from_dict({**groups, "posterior": four.assign(dispersion=moved)})
    tree.attrs = attrs
    p = rank_test(tree)
    assert p["dispersion"] < 1e-6
    assert p.drop("dispersion").min() > 0.001
    titles = [panel.get_title("left") for panel in rank_figure(tree).axes]
    (dispersion,) = (title for title in titles if title.startswith("dispersion"))
    assert dispersion.endswith(" *")
    assert not any(panel.texts for panel in rank_figure(tree).axes)  # ArviZ's own p
    assert not titles[0].endswith(" *")
    tree["posterior"] = tree["posterior"].to_dataset().isel(chain=[0])
    with pytest.raises(ResultsError, match="CHAINS=4"):
        rank_figure(tree)


def test_energies_are_those_of_the_gate(fit):
    found = energy_data(fit)
    energy = fit["sample_stats"]["energy"].to_numpy()
    np.testing.assert_allclose(found["change"][:, 1:], np.diff(energy, axis=1))
    assert np.isnan(found["change"][:, 0]).all()
    # the gate divides by the variance's n as we do, and both leave out the first draw's change
    assert float(found["bfmi"].min()) == pytest.approx(fit.attrs["min_bfmi"], rel=1e-9)
    left = energy_figure(fit).axes[0]
    np.testing.assert_allclose(left.collections[0].get_offsets()[:, 0], found["bfmi"])
    own = energy_figure(fit, backend="plotly").viz["dist"]["Energy"]
    for kind, expected in (("transition", np.diff(energy, axis=1)), ("marginal", found["energy"])):
        drawn = own.sel(energy=kind).item()
        spread = np.sqrt(np.trapezoid(drawn.x**2 * drawn.y, drawn.x))
        assert spread == pytest.approx(float(expected.std()), rel=0.03)


def test_changes_of_energy_survive_thinning():
    rng = np.random.default_rng(4)
    dims = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"dispersion": (dims, rng.normal(size=(4, 800)))}),
            "sample_stats": xr.Dataset(
                {
                    "energy": (dims, rng.normal(size=(4, 800)).cumsum(axis=1)),
                    "diverging": (dims, np.zeros((4, 800), dtype=bool)),
                }
            ),
        }
    )
    compiled = SimpleNamespace(draw=lambda how, reporter: tree)
    kept = _draw_thinned(compiled, ["dispersion"], Settings(), 4, Reporter())
    energy = tree["sample_stats"]["energy"].to_numpy()
    steps = np.diff(energy, axis=1)[:, 2::4]  # into draws 3, 7, 11, ...
    np.testing.assert_allclose(kept.stats["energy_change"], steps)
    np.testing.assert_allclose(kept.stats["energy"], energy[:, 3::4])
    stats_of_run = tree["sample_stats"].to_dataset()
    found = diagnose(tree["posterior"].to_dataset(), stats_of_run).min_bfmi
    assert kept.diagnostics.min_bfmi == found


def test_a_fit_without_changes_of_energy_is_to_be_made_again(made_up):
    tree = made_up(6)
    tree["sample_stats"] = tree["sample_stats"].to_dataset().drop_vars("energy_change")
    with pytest.raises(ResultsError, match="FORCE=1"):
        energy_figure(tree)


def test_a_failed_fit_says_so_in_every_figure(made_up):
    tree = made_up(8)
    tree.attrs["passed"] = 0
    energy = tree["sample_stats"]["energy"]
    tree["sample_stats"]["energy_change"] = energy - energy.shift(draw=1)
    for figure_of in (
        coefficient_figure,
        city_effect_figure,
        map_figure,
        reciprocity_figure,
        prior_figure,
        rank_figure,
        energy_figure,
    ):
        text = said(figure_of(tree))
        assert "This fit fails its diagnostics" in text, figure_of
        assert "for $5 & more: nb_crossed, default priors, 2 x 200 draws" in text


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("degree intercept", ["degree intercept"]),
        ("selection mayor_ties_now", ["selection", "mayor_ties_now"]),
        ("a scale(workforce_similarity)", ["a scale(workforce_", "similarity)"]),
        ("x" * 20 + "_y", ["x" * 17, "xxx_y"]),
    ],
)
def test_labels_are_broken_behind_signs(label, lines):
    assert broken(label, 18).split("\n") == lines
