"""Hypotheses over models and prior sets: hand-made posteriors whose answers are known."""

import io
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console
from scipy import stats

from analysis import load, marginal_effects
from analysis.chapters.hypotheses import hypotheses_page
from analysis.hypothesis.verdicts import findings, hypotheses, rules, verdict, with_effects
from analysis.tables.blocks import Text
from analysis.tables.files import write_page
from analysis.tables.markdown import markdown
from analysis.tables.terminal import show
from data.errors import ModelError
from models import Priors, maximum_likelihood
from models.frequentist.files import save_mle
from models.frequentist.table import frequentist_table
from models.work.made_from import DRAWS as DRAWN_BY
from models.work.made_from import made_by
from models.work.netcdf import write

DRAWS = 4000
PROXIMITY = ("selection", "scale(proximity)")
SEVERITY = ("selection", "scale(problem_severity)")
TIES = ("degree", "mayor_ties")


def keep_fit(folder, study, model, priors="default", *, scale=1.0, passed=1, **means):
    """Write a fit whose coefficients are normal with these means and sd 0.2 (others: mean 0)."""
    parts = ["degree"] if model.startswith("nb") else ["selection", "degree"]
    # the quantiles of the normal: moments and shares without Monte Carlo error
    standard = stats.norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS)
    posterior = xr.Dataset()
    for part in parts:
        terms = study.terms[part]
        middle = np.array([means.get("of", {}).get((part, term), 0.0) for term in terms])
        values = middle + 0.2 * standard[:, None] * np.ones(len(terms))
        posterior[f"{part}_coef"] = (
            ("chain", "draw", f"{part}_term"),
            np.random.default_rng(1).permutation(values).reshape(4, DRAWS // 4, -1),
        )
        posterior.coords[f"{part}_term"] = terms
    data = scale * study.dyads[[f"{part}_design" for part in parts]].reset_coords(drop=True)
    tree = xr.DataTree.from_dict({"posterior": posterior, "constant_data": data})
    shown = Priors.load(priors).to_json() if priors in ("default", "wide") else "{}"
    tree.attrs = {
        "model": model,
        "priors": priors,
        "priors_in_force": means.get("in_force", shown),
        "study_digest": means.get("digest", study.digest),
        "made_by": means.get("made_by", made_by(DRAWN_BY)),
        "passed": passed,
    }
    path = folder / study.name / priors / f"{model}{'' if passed else '.failed'}.nc"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(tree, path)
    return path


def row(table, key, model, priors="default"):
    part, term = key
    chosen = table[(table["part"] == part) & (table["term"] == term)]
    return chosen.xs((model, priors), level=("model", "priors")).iloc[0]


def test_probabilities_and_shares_are_those_of_the_normal(tmp_path, guangdong):
    means = {PROXIMITY: 0.3, SEVERITY: 0.1, TIES: 0.05}
    # columns in other units: a step is three standard deviations of the study's own
    keep_fit(tmp_path, guangdong, "zinb_srm", of=means, scale=3.0)
    table = hypotheses(guangdong, results=tmp_path, rope=1.2, effects=False)
    ties = guangdong.dyads["degree_design"].sel(degree_term="mayor_ties")
    # zeros and threes are not zeros and ones
    steps = {PROXIMITY: 3.0, SEVERITY: 3.0, TIES: 3 * float(ties.std(ddof=1))}
    for key, step in steps.items():
        found, exact = row(table, key, "zinb_srm"), stats.norm(means[key], 0.2)
        assert found["step"] == pytest.approx(step)
        expected = exact.sf(0) if found["direction"] == "positive" else exact.cdf(0)
        assert found["p_direction"] == pytest.approx(expected, abs=1 / DRAWS)
        edge = np.log(1.2) / step
        within = exact.cdf(edge) - exact.cdf(-edge)
        assert found["rope_share"] == pytest.approx(within, abs=2 / DRAWS)
        assert found["mean"] == pytest.approx(means[key], abs=1e-9)
        interval = exact.ppf([0.055, 0.945])
        assert [found["lower"], found["upper"]] == pytest.approx(interval, abs=1e-3)
    assert row(table, SEVERITY, "zinb_srm")["p_direction"] < 0.5  # stated as negative


def test_the_step_of_a_column_of_zeros_and_ones_is_from_0_to_1(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "zinb_srm", of={TIES: 0.05})
    found = row(hypotheses(guangdong, results=tmp_path, effects=False), TIES, "zinb_srm")
    exact, edge = stats.norm(0.05, 0.2), np.log(1.1)
    assert found["step"] == 1
    assert found["rope_share"] == pytest.approx(exact.cdf(edge) - exact.cdf(-edge), abs=2 / DRAWS)


def normal(mean, sd):
    """Give the verdict on a normal posterior, whose hypothesis is a positive effect."""
    edge, effect = np.log(1.1), stats.norm(mean, sd)
    return verdict(effect.sf(edge), effect.cdf(edge) - effect.cdf(-edge))


@pytest.mark.parametrize(
    ("sd", "sds_beyond", "expected"),
    [
        (0.1, 1.65, "supported"),  # 95.05 % lie beyond
        (0.1, 1.64, "undecided"),  # 94.95 %
        (0.02, 1.3, "undecided"),  # 90.3 % beyond, 0 % on the other side, 9.7 % within
        (0.1, -1.65 - 2 * np.log(1.1) / 0.1, "contradicted"),
        (0.1, -1.64 - 2 * np.log(1.1) / 0.1, "undecided"),
        (0.02, -2.0, "negligible"),  # 97.7 % within, the rest beyond
        (0.02, -1.9, "undecided"),  # 97.1 %
    ],
)
def test_verdicts_follow_the_rules(sd, sds_beyond, expected):
    assert normal(np.log(1.1) + sds_beyond * sd, sd) == expected
    assert expected in rules().lower()


def test_what_is_supported_lies_beyond_the_region_with_the_same_certainty(tmp_path, guangdong):
    # 95.2 % positive and only 2 % within the region, but 94.1 % beyond it
    keep_fit(tmp_path, guangdong, "zinb_srm", of={TIES: 0.332})
    found = row(hypotheses(guangdong, results=tmp_path, rope=1.02, effects=False), TIES, "zinb_srm")
    exact = stats.norm(0.332, 0.2)
    assert found["beyond_share"] == pytest.approx(exact.sf(np.log(1.02)), abs=1 / DRAWS)
    assert found["p_direction"] > 0.95
    assert found["rope_share"] < 0.05
    assert found["verdict"] == "undecided"


def test_fits_by_other_sources_are_out_of_date(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "zinb_srm", made_by="earlier sources")
    keep_fit(tmp_path, guangdong, "nb_srm")
    found = findings(guangdong, results=tmp_path)
    assert found.out_of_date == ("zinb_srm (default priors)",)
    assert {model for _, model, _ in found.table.index} == {"nb_srm"}


def test_a_fit_that_passed_is_used_though_another_run_failed(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "nb_srm", of={TIES: 0.3})
    keep_fit(tmp_path, guangdong, "nb_srm", of={TIES: 0.9}, passed=0)
    found = findings(guangdong, results=tmp_path)
    assert (found.failed, found.beside) == ((), ("nb_srm (default priors)",))
    assert row(found.table, TIES, "nb_srm")["mean"] == pytest.approx(0.3, abs=1e-6)
    said = markdown(hypotheses_page(found, guangdong.declaration), tmp_path)
    assert "in another run; the fit that passed is used: nb_srm (default priors)." in said


def test_only_sound_fits_of_this_study_are_used(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "zinb_srm", "wide", of={PROXIMITY: 1.0})
    keep_fit(tmp_path, guangdong, "zinb_srm", of={PROXIMITY: 1.0})
    keep_fit(tmp_path, guangdong, "nb_srm")
    keep_fit(tmp_path, guangdong, "zinb_pooled", passed=0)
    keep_fit(tmp_path, guangdong, "zinb_crossed", digest="another")
    keep_fit(tmp_path, guangdong, "nb_crossed", in_force="earlier defaults")
    keep_fit(tmp_path, guangdong, "nb_crossed", "mine")
    folder = tmp_path / "guangdong" / "default"
    (folder / "zip_srm.nc").write_bytes(b"half a file")
    (folder / "comparison.nc").write_bytes(b"no fit")
    found = findings(guangdong, results=tmp_path)
    fits = [(model, priors) for _, model, priors in found.table.index]
    # models as the study names them, default priors first
    order = [("zinb_srm", "default"), ("zinb_srm", "wide"), ("nb_srm", "default")]
    assert set(fits) == {*order, ("nb_crossed", "mine")}
    of_ties = found.table[found.table["term"] == "mayor_ties"].index
    assert [each[1:] for each in of_ties] == [*order, ("nb_crossed", "mine")]
    assert len(found.table) == 2 * 6 + 2 * 2  # nb has the two hypotheses on degree
    assert found.absent == {"selection": ("nb_srm", "nb_crossed")}
    assert found.failed == ("zinb_pooled (default priors)",)
    assert set(found.out_of_date) == {
        "zinb_crossed (default priors)",
        "nb_crossed (default priors)",
        "zip_srm (default priors)",
    }


def test_a_sentence_counts_models_and_names_signs_that_turn(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "zinb_pooled", of={PROXIMITY: 1.0})
    keep_fit(tmp_path, guangdong, "zinb_srm", of={PROXIMITY: 0.3})
    keep_fit(tmp_path, guangdong, "zinb_pooled", "wide", of={PROXIMITY: 1.0})
    keep_fit(tmp_path, guangdong, "zinb_srm", "wide", of={PROXIMITY: -0.7})
    found = findings(guangdong, results=tmp_path)
    blocks = hypotheses_page(found, guangdong.declaration).blocks
    sentences = [block.text for block in blocks if isinstance(block, Text)]
    (said,) = [each for each in sentences if each.startswith("Geographical proximity")]
    assert said == (
        "Geographical proximity: supported in 1 of 2 models (undecided in zinb_srm) under default "
        "priors; supported in 1 of 2 models (contradicted in zinb_srm) under wide priors. The sign "
        "of the mean changes with the priors in zinb_srm."
    )
    (said,) = [each for each in sentences if each.startswith("Mayors'")]
    assert said == (
        "Mayors' personal connections: undecided in both models under default and wide priors."
    )
    turned = found.table[found.table["sign_changes"]]
    assert set(turned["term"]) == {"scale(proximity)"}
    assert set(turned.index.get_level_values("model")) == {"zinb_srm"}


@pytest.fixture(scope="module")
def zinb(guangdong):
    return maximum_likelihood(guangdong, "zinb_pooled")


def test_maximum_likelihood_stands_beside_every_model_of_its_family(tmp_path, guangdong, zinb):
    for model, priors in itertools.product(("zinb_srm", "zinb_pooled", "nb_srm"), ("default",)):
        keep_fit(tmp_path, guangdong, model, priors)
    permuted = pd.DataFrame({"p": [0.25]}, index=pd.Index(["degree_coef[mayor_ties]"]))
    path = tmp_path / "guangdong" / "maximum_likelihood" / "zinb_pooled.nc"
    save_mle(replace(zinb, permutations=permuted), path)
    found = findings(guangdong, results=tmp_path)
    table = frequentist_table(zinb)
    kinds = ("information", "sandwich", "sender", "receiver", "two_way", "dyadic")
    for model, (part, term) in itertools.product(("zinb_srm", "zinb_pooled"), (PROXIMITY, TIES)):
        one, expected = row(found.table, (part, term), model), table.loc[(part, term)]
        assert one["ml_estimate"] == expected["estimate"]
        for kind in kinds:
            z = abs(expected["estimate"] / expected[f"se_{kind}"])
            assert one[f"p_{kind}"] == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)
    assert row(found.table, TIES, "zinb_srm")["p_permutation"] == 0.25
    assert np.isnan(row(found.table, PROXIMITY, "zinb_srm")["p_permutation"])
    assert np.isnan(row(found.table, TIES, "nb_srm")["ml_estimate"])
    said = markdown(hypotheses_page(found, guangdong.declaration), tmp_path)
    estimate = table.loc[TIES, "estimate"]
    assert f"likelihood, beside zinb_pooled and zinb_srm: {estimate:.3f}; p by infor" in said
    assert said.count("permutation 0.250") == 1
    assert found.out_of_date == ()
    save_mle(replace(zinb, attributes={**zinb.attributes, "study_digest": "another"}), path)
    stale = findings(guangdong, results=tmp_path)
    assert stale.out_of_date == ("zinb_pooled (maximum likelihood)",)
    assert stale.table["ml_estimate"].isna().all()


def test_files_and_terminal_say_what_is_synthetic(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "zinb_srm", of={PROXIMITY: 0.6})
    keep_fit(tmp_path, guangdong, "nb_srm")
    keep_fit(tmp_path, guangdong, "zinb_pooled", passed=0)
    found, about = findings(guangdong, results=tmp_path), guangdong.declaration
    printed = io.StringIO()
    page = hypotheses_page(found, about)
    show(page, Console(file=printed, width=110, highlight=False))
    csv, text = write_page(page, tmp_path / "guangdong" / "hypotheses", ("csv", "md"))
    one = row(found.table, PROXIMITY, "zinb_srm")
    interval = f"{one['lower']:.3f} to {one['upper']:.3f}"
    for content in (printed.getvalue(), text.read_text(encoding="utf-8")):
        flat = " ".join(content.split())
        assert "services, mayor_ties, migrants, problem_severity are simulated" in flat
        assert "Not in the model: the selection part of nb_srm." in flat
        assert flat.count("Not in the model") == 1
        assert "Failed the diagnostics, and not used: zinb_pooled (default priors)." in flat
        assert "0.600" in flat
        assert interval in flat
        assert rules() in flat
    read = pd.read_csv(csv)
    assert len(read) == len(found.table) == 6 + 2
    assert set(read["synthetic"]) == {" ".join(about.synthetic)}
    np.testing.assert_allclose(read["mean"], found.table["mean"])


def test_nothing_stated_or_nothing_fitted_gives_an_empty_table(tmp_path, guangdong):
    columns = list(hypotheses(guangdong, results=tmp_path, effects=False).columns)
    assert {"p_direction", "rope_share", "verdict", "ml_estimate"} <= set(columns)
    keep_fit(tmp_path, guangdong, "zinb_srm")
    silent = replace(
        guangdong, declaration=guangdong.declaration.model_copy(update={"hypothesis": ()})
    )
    table = hypotheses(silent, results=tmp_path, effects=False)
    assert table.empty
    assert list(table.columns) == columns


def test_effects_are_those_of_the_column_behind_the_term(sampled, guangdong):
    table = hypotheses(guangdong, results=sampled[0])
    effects = marginal_effects(load("guangdong", "zinb_srm", results=sampled[0]), draws=500)
    for key, column, quantity in (
        (PROXIMITY, "proximity", "p_eligible"),
        (SEVERITY, "problem_severity", "p_eligible"),
        (TIES, "mayor_ties", "expected_if_eligible"),
    ):
        found = row(table, key, "zinb_srm")
        expected = effects.xs((column, quantity), level=("predictor", "quantity")).iloc[0]
        for name, same in (
            ("effect", "mean"),
            ("effect_lower", "lower"),
            ("effect_upper", "upper"),
        ):
            assert found[name] == pytest.approx(expected[same], rel=1e-12)
        assert found["change"].startswith(column)
        assert found["quantity"] == quantity
        # an effect on the count goes where the coefficient goes
        assert np.sign(found["effect"]) == np.sign(found["mean"])


def test_effects_join_by_fit_and_coefficient(tmp_path, guangdong):
    keep_fit(tmp_path, guangdong, "zinb_srm")
    keep_fit(tmp_path, guangdong, "zinb_srm", "wide")
    key = {"model": "zinb_srm", "part": "degree", "term": "mayor_ties"}
    given = pd.DataFrame({**key, "priors": ["default", "wide"], "effect": [1.5, 1.7]})
    plain = hypotheses(guangdong, results=tmp_path, effects=False)
    table = with_effects(plain, given)
    pd.testing.assert_frame_equal(table.drop(columns="effect"), plain)
    assert row(table, TIES, "zinb_srm", "wide")["effect"] == 1.7
    assert table["effect"].notna().sum() == 2
    with pytest.raises(pd.errors.MergeError):
        with_effects(plain, pd.concat([given, given]))


@pytest.mark.parametrize("rope", [1.0, 0.9, float("nan"), float("inf")])
def test_a_region_without_width_is_refused(tmp_path, guangdong, rope):
    with pytest.raises(ModelError, match=r"a ratio above 1, such as 1\.1"):
        hypotheses(guangdong, results=tmp_path, rope=rope, effects=False)
