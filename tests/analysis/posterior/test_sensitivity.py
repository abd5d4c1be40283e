"""Power-scaling: a conjugate model's closed form, the figure, the command."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from analysis import load
from analysis.cli import main
from analysis.figures.parameters import sensitivity_figure
from analysis.posterior.sensitivity import (
    BOTH,
    NEITHER,
    PRIOR,
    UNKNOWN,
    flagged,
    not_scaled,
    sensitivity,
)
from data.errors import ResultsError
from data.guangdong import FOLDER
from models.inference import pointwise

GUANGDONG = str(FOLDER)
PRIOR_SD, ERROR_SD, COUNTS = 1.0, 1.0, np.array([1.2, 2.6, 2.2])


def normal_posterior(prior_power=1.0, power=1.0):
    """Give the posterior of a normal mean under a normal prior, each raised to a power."""
    precision = prior_power / PRIOR_SD**2 + power * len(COUNTS) / ERROR_SD**2
    return stats.norm(power * COUNTS.sum() / ERROR_SD**2 / precision, precision**-0.5)


def conjugate(draws=20_000):
    """Make a fit of that model by hand: one parameter, and one that nothing informs."""
    rng = np.random.default_rng(3)
    mean = normal_posterior().ppf((rng.permutation(draws) + 0.5) / draws).reshape(4, -1)
    aside = rng.normal(size=mean.shape)
    dims = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {
                    "degree_intercept": (dims, mean),
                    "degree_coef": ((*dims, "degree_term"), np.stack([aside, aside], axis=-1)),
                },
                {"degree_term": ["known", "a < b & $c"]},
            ),
            "log_prior": xr.Dataset(
                {
                    "degree_intercept": (dims, stats.norm(0, PRIOR_SD).logpdf(mean)),
                    "degree_coef": ((*dims, "degree_term"), np.zeros((*mean.shape, 1))),
                },
                {"degree_term": ["known"]},
            ),
            "log_likelihood": xr.Dataset(
                {"outcome": ((*dims, "dyad"), stats.norm(mean[..., None], 1).logpdf(COUNTS))}
            ),
        }
    )
    declared = {"title": "Made", "models": ["nb_pooled"], "dyads": {"outcome": "count"}}
    tree.attrs = {
        "declaration": json.dumps(declared),
        "title": "By hand",
        "model": "nb_pooled",
        "priors": "mine",
        "chains": 4,
        "draws": draws // 4,
        "synthetic": json.dumps(["counts"]),
        "passed": 0,
    }
    return tree


def distance(one, other, within):
    """Integrate the cumulative Jensen-Shannon distance (Kallioinen et al. 2024, equation 7)."""
    x = np.linspace(*within, 40_001)
    found = []
    for p, q in ((one.cdf(x), other.cdf(x)), (one.sf(x), other.sf(x))):
        middle = (p + q) / 2
        apart = p * np.log2(p / middle) + q * np.log2(q / middle)
        found.append(np.sqrt(np.trapezoid(apart, x) / np.trapezoid(p + q, x)))
    return max(found)


def test_a_conjugate_model_has_the_sensitivity_of_its_closed_form():
    fit = conjugate()
    table = sensitivity(fit)
    draws = fit["posterior"]["degree_intercept"]
    within = float(draws.min()), float(draws.max())
    for column, power in (("prior", "prior_power"), ("likelihood", "power")):
        lower, upper = (
            distance(normal_posterior(), normal_posterior(**{power: alpha}), within)
            for alpha in (0.99, 1.01)
        )
        expected = (lower / -np.log2(0.99) + upper / np.log2(1.01)) / 2
        # the draws are the posterior's quantiles; what is left is their spacing
        assert table.loc["degree_intercept", column] == pytest.approx(expected, rel=0.03)
    assert table.loc["degree_intercept", "diagnosis"] == BOTH


def test_what_nothing_informs_and_what_is_not_scaled_is_said():
    table = sensitivity(conjugate())
    assert table.loc["degree_coef[known]", "diagnosis"] == NEITHER
    assert np.isnan(table.loc["degree_coef[a < b & $c]", "prior"])
    assert table.loc["degree_coef[a < b & $c]", "diagnosis"] == UNKNOWN
    assert "horseshoe prior of degree_coef[a < b & $c]." in not_scaled(table)
    assert list(flagged(table).index) == ["degree_intercept", "degree_coef[known]"]


def test_a_narrow_prior_is_found_out():
    fit = conjugate()
    narrow = stats.norm(0, 0.05).logpdf(fit["posterior"]["degree_intercept"])
    dims = ("chain", "draw")
    fit["log_prior"] = xr.DataTree(xr.Dataset({"degree_intercept": (dims, narrow)}))
    fit["log_likelihood"] = xr.DataTree(0.001 * fit["log_likelihood"].to_dataset())
    assert sensitivity(fit).loc["degree_intercept", "diagnosis"] == PRIOR


def test_blocks_of_dyads_change_nothing(monkeypatch):
    whole = sensitivity(conjugate(draws=400))
    monkeypatch.setattr(pointwise, "BLOCK", 1)
    pd.testing.assert_frame_equal(sensitivity(conjugate(draws=400)), whole)


def test_a_fit_of_an_earlier_version_says_what_to_do(tmp_path):
    fit = conjugate(draws=400)
    del fit["log_prior"]
    with pytest.raises(ResultsError, match=r"nb_pooled: has no log prior.*sample --force"):
        sensitivity(fit)


def test_every_parameter_of_a_fit_has_a_row(sampled):
    with load(GUANGDONG, "zinb_srm", results=sampled[0]) as fit:
        table = sensitivity(fit)
    # intercept, 5 coefficients, 2 sds, a correlation in each part; dispersion
    assert len(table) == 2 * (1 + 5 + 2 + 1) + 1
    assert table[["prior", "likelihood"]].min(axis=None) > 0
    assert table[["prior", "likelihood"]].max(axis=None) < 2


def test_the_log_prior_in_the_file_is_scipys(sampled):
    with load(GUANGDONG, "zinb_srm", results=sampled[0]) as fit:
        kept, draws = (fit[group].to_dataset().load() for group in ("log_prior", "posterior"))
        scale = float(fit["constant_data"]["degree_design"].std("dyad", ddof=1)[0])
    near = {"degree_term": "scale(proximity)"}
    np.testing.assert_allclose(
        kept["degree_coef"].sel(near),
        stats.norm(0, 1 / scale).logpdf(draws["degree_coef"].sel(near)),
        atol=1e-10,
    )
    np.testing.assert_allclose(
        kept["selection_sender_sd"],
        stats.halfnorm(scale=1).logpdf(draws["selection_sender_sd"]),
        atol=1e-10,
    )


def test_the_figure_carries_the_table_and_reads_alone(sampled):
    with load(GUANGDONG, "zinb_srm", results=sampled[0]) as fit:
        table, figure = sensitivity(fit), sensitivity_figure(fit)
        collection = sensitivity_figure(fit, backend="plotly")
    points = collection.viz["point_estimate"]["value"]
    for source in ("prior", "likelihood"):
        drawn = {str(row.parameter.item()): row.item().x[0] for row in points.sel(source=source)}
        expected = table[source].to_dict()
        assert drawn == pytest.approx(expected)
        places = {str(row.parameter.item()): row.item().y[0] for row in points.sel(source=source)}
        assert sorted(places.values(), reverse=True) == list(range(0, -len(table), -1))
    filled = collection.viz["counts"]["value"].sel(source="prior")
    full = {str(row.parameter.item()) for row in filled if row.item() is not None}
    assert full == set(table.index[table["prior"] >= 0.05])
    (panel,) = figure.axes
    labels = [text.get_text() for text in panel.get_yticklabels()]
    assert labels[-int(places["selection_sender_sd"])].removesuffix(" *") == "selection sender sd"
    starred = {label.removesuffix(" *") for label in labels if label.endswith(" *")}
    assert len(starred) == len(flagged(table))
    dashed = [line for line in panel.lines if line.is_dashed()]
    assert [line.get_xdata()[0] for line in dashed] == [0.05]
    said = " ".join(figure.get_supxlabel().split())
    for phrase in ("zinb_srm", "default priors, 4 x 1000 draws", "Synthetic data: services"):
        assert phrase in said


def test_the_figure_of_odd_names_and_of_a_failed_fit():
    figure = sensitivity_figure(conjugate(draws=400))
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["degree intercept *", "degree known *", "degree a < b & $c"]
    assert "fails its diagnostics" in figure.get_supxlabel()
    assert "horseshoe prior" in " ".join(figure.get_supxlabel().split())
    figure.canvas.draw()


def test_the_command_reuses_fits_and_writes_what_it_says(sampled, tmp_path, capsys, guangdong):
    shutil.copytree(sampled[0], tmp_path, dirs_exist_ok=True)
    words = [GUANGDONG, "--model=zinb_srm", "--priors=default", f"--results={tmp_path}"]
    assert main(["sensitivity", *words]) == 0
    said = capsys.readouterr()
    flat = " ".join(said.out.split())
    assert "up to date" in flat
    assert "drawing" not in said.err
    assert "Synthetic data: services" in flat
    read = pd.read_csv(tmp_path / "guangdong" / "hypotheses.csv")
    assert len(read) == len(guangdong.declaration.hypothesis)
    with load(GUANGDONG, "zinb_srm", results=tmp_path) as fit:
        draws = fit["posterior"]["degree_coef"].sel(degree_term="mayor_ties").to_numpy()
        some = flagged(sensitivity(fit))
    ties = read[read["term"] == "mayor_ties"].iloc[0]
    assert ties["p_direction"] == pytest.approx((draws > 0).mean())
    assert "of 19 parameters, these do not rest on data alone" in flat
    for name, figures in some.iterrows():
        assert f"{name} {figures['prior']:.3f} {figures['likelihood']:.3f}" in flat


def test_the_command_names_a_fit_that_fails(tmp_path, capsys):
    words = ["--model=nb_pooled", "--draws=20", "--tune=20", "--priors=skeptical"]
    assert main(["sensitivity", GUANGDONG, *words, f"--results={tmp_path}"]) == 3
    said = capsys.readouterr()
    assert "nb_pooled (skeptical priors) failed the diagnostics" in said.err
    assert "Failed the diagnostics, and not used: nb_pooled (skeptical priors)" in said.out


def test_the_command_refuses_before_it_samples(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        "models.inference.sample_to_files.sampled", lambda *_, **__: pytest.fail("it was sampled")
    )
    words = ["sensitivity", GUANGDONG, "--priors=default wid", f"--results={tmp_path}"]
    assert main(words) == 2
    assert "did you mean 'wide'" in capsys.readouterr().err


def test_an_interrupt_names_what_is_kept(monkeypatch, tmp_path, capsys):
    asked = []

    def interrupted(wanted, settings, **_):
        for workspace, model in wanted:
            asked.append((model, workspace.priors.name))
            if len(asked) == 2:
                raise KeyboardInterrupt
            yield workspace.results / "one.nc", False

    monkeypatch.setattr("models.inference.sample_to_files.sample_to_files", interrupted)
    assert main(["sensitivity", GUANGDONG, "--model=nb_srm", f"--results={tmp_path}"]) == 130
    assert asked == [("nb_srm", "default"), ("nb_srm", "horseshoe")]
    said = capsys.readouterr().err
    assert f"interrupted; kept: {tmp_path / 'one.nc'}; nothing is half-written" in said


def test_a_study_without_hypotheses_says_so(tmp_path, capsys, study_folder, monkeypatch):
    path = study_folder / "study.toml"
    path.write_text(path.read_text(encoding="utf-8").split("[[hypothesis]]")[0], encoding="utf-8")
    failing = tmp_path / "nb_srm.failed.nc"
    monkeypatch.setattr(
        "models.inference.sample_to_files.sample_to_files", lambda *_, **__: [(failing, True)]
    )
    words = ["--model=nb_srm", "--priors=wide", f"--results={tmp_path}"]
    assert main(["sensitivity", str(study_folder), *words]) == 3
    assert "The study states no hypothesis" in capsys.readouterr().out
    assert not (tmp_path / "guangdong" / "hypotheses.csv").exists()
