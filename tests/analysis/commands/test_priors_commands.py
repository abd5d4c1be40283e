"""Priors as a user sees and changes them."""

import numpy as np
import pytest
from scipy import stats

from analysis.cli import main
from data.errors import PriorError
from data.study import with_slopes
from models import Priors, build
from models.inference.predictive import replicated
from models.inference.prior_predictive import draw_prior, prior_predictive
from models.name import parse_model
from models.priors.absurd import absurdity
from models.priors.files import prior_sets

HORSESHOE = {"scale": 0.3, "global_df": 4, "local_df": 2, "slab_scale": 1.5, "slab_df": 6}


def test_replacing_is_what_a_file_that_extends_would_say(tmp_path):
    text = """
    extends = "skeptical"
    [degree_coef]
    dist = "Laplace"
    mu = 0
    b = 0.5
    [degree_coef.mayor_ties]
    dist = "Normal"
    sigma = 0.15
    """
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    replaced = Priors.load("skeptical").replace(
        "mine",
        degree_coef={
            "dist": "Laplace",
            "mu": 0,
            "b": 0.5,
            "mayor_ties": {"dist": "Normal", "sigma": 0.15},
        },
    )
    assert replaced.to_json() == Priors.load(tmp_path / "mine.toml").to_json()
    assert Priors.load("skeptical").prior("degree_coef").distribution == "Normal"


def test_replacing_refuses_what_a_file_would_and_a_name_that_is_taken():
    default = Priors.load("default")
    with pytest.raises(PriorError, match="did you mean 'sigma'"):
        default.replace("mine", coef={"dist": "Normal", "sgma": 1})
    with pytest.raises(PriorError, match="cannot name a prior set"):
        default.replace("wide", coef={"dist": "Normal"})


def test_the_table_says_where_each_prior_comes_from(guangdong):
    mine = Priors.load("default").replace(
        "mine", degree_coef={"mayor_ties": {"dist": "Normal", "sigma": 0.15}}
    )
    table = mine.table(guangdong, "zinb_srm").set_index(["parameter", "term"])
    assert len(table) == 2 * (1 + 5 + 2 + 1) + 1
    assert table.loc[("degree_coef", "mayor_ties"), "prior"] == "Normal(sigma=0.15)"
    assert table.loc[("degree_coef", "mayor_ties"), "source"] == 'mine: [degree_coef."mayor_ties"]'
    assert table.loc[("degree_sender_sd", ""), "source"] == "default.toml: [sd]"


def test_horseshoe_follows_its_definition(guangdong):
    priors = Priors.load("default").replace(
        "mine", coef={"dist": "RegularizedHorseshoe", **HORSESHOE}
    )
    model = build(guangdong, "nb_pooled", priors)
    names = ["degree_coef"]
    draws = draw_prior(model, names, np.random.SeedSequence(1))["degree_coef"].to_numpy()[0]
    rng, size = np.random.default_rng(2), 100_000
    tau = abs(stats.t(4, scale=0.3).rvs(size, random_state=rng))
    local = abs(stats.t(2).rvs(size, random_state=rng))
    slab = stats.invgamma(3, scale=3 * 1.5**2).rvs(size, random_state=rng)
    variance = 1 / (1 / slab + 1 / (tau * local) ** 2)
    expected = rng.normal(size=size) * np.sqrt(variance)
    for column in draws.T[[2, 3]]:  # 0/1 columns, whose unit is 1
        assert stats.ks_2samp(column, expected).pvalue > 1e-3
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))


@pytest.mark.parametrize(
    ("entry", "phrase"),
    [
        ({"dist": "RegularizedHorseshoe", "scale": 1}, "needs scale, global_df, local_df"),
        (
            {"dist": "RegularizedHorseshoe", **HORSESHOE, "scale": -1},
            "scale = -1 is not a positive number",
        ),
        ({"dist": "RegularizedHorsehoe"}, "did you mean 'RegularizedHorseshoe'"),
    ],
)
def test_horseshoe_refuses(entry, phrase):
    with pytest.raises(PriorError, match=phrase):
        Priors.load("default").replace("mine", coef=entry)


def test_horseshoe_is_for_coefficients():
    with pytest.raises(PriorError, match="no distribution 'RegularizedHorseshoe'"):
        Priors.load("default").replace("mine", sd={"dist": "RegularizedHorseshoe", **HORSESHOE})


def test_a_joint_correlation_needs_lkj(guangdong):
    priors = Priors.load("default").replace(
        "mine", correlation={"dist": "Uniform", "lower": -1, "upper": 1}
    )
    build(guangdong, "zinb_srm", priors)
    with pytest.raises(PriorError, match="needs LKJCorr"):
        build(guangdong, "zinb_srm_joint", priors)


def test_the_command_lists_sets_and_priors_in_force(capsys, study_folder):
    assert main(["priors"]) == 0
    said = capsys.readouterr().out
    for name in prior_sets():
        assert name in said
    assert main(["priors", str(study_folder), "--model=nb_srm", "--priors=skeptical"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Normal(mu=0, sigma=0.3) skeptical.toml: [coef]" in said
    assert "HalfNormal(sigma=2) default.toml: [dispersion]" in said


def test_prior_predictive_is_what_the_prior_says(guangdong):
    priors = Priors.load("default").replace(
        "mine",
        degree_intercept={"dist": "Normal", "mu": 1, "sigma": 0.001},
        coef={"dist": "Normal", "mu": 0, "sigma": 0.001},
        dispersion={"dist": "TruncatedNormal", "mu": 0.5, "sigma": 0.001, "lower": 0.1},
    )
    found = prior_predictive(guangdong, "nb_pooled", priors, seed=3)
    nb = stats.nbinom(2, 1 / (1 + 0.5 * np.e))
    assert found.zeros[1] == pytest.approx(nb.pmf(0), abs=0.005)  # 1000 x 420 counts
    assert found.quantiles == tuple(nb.ppf([0.5, 0.9, 0.99]))
    assert found.far == 0
    assert not absurdity(found.far)
    assert found.observed_largest == 78


def test_prior_only_warns_of_an_absurd_prior_and_samples_nothing(tmp_path, capsys, study_folder):
    arguments = ["sample", str(study_folder), "--model=nb_pooled", "--prior-only"]
    arguments += [f"--results={tmp_path / 'results'}"]
    assert main(arguments) == 0
    assert "Absurd" not in capsys.readouterr().out
    assert main([*arguments, "--priors=wide"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "more than 5%. Narrow the degree intercept" in said
    assert not (tmp_path / "results").exists()


def test_prior_only_prints_what_seeded_draws_say(capsys, study_folder, guangdong):
    assert main(["sample", str(study_folder), "--model=zinb_srm", "--prior-only", "--seed=7"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    model, streams = build(guangdong, "zinb_srm"), np.random.SeedSequence(7).spawn(2)
    everything = [v.name for v in model.unobserved_RVs if not v.name.startswith("_")]
    draws = draw_prior(model, everything, streams[0])
    counts = replicated(draws, guangdong.dyads, parse_model("zinb_srm"), streams[1])
    counts, observed = counts.isel(chain=0), guangdong.dyads["outcome"].to_numpy()
    zeros = sorted((counts == 0).mean("dyad").to_numpy())
    low, middle, high = (f"{np.percentile(zeros, each):.0%}" for each in (5, 50, 95))
    assert f"share of zeros {middle} ({low} to {high}) {np.mean(observed == 0):.0%}" in said
    for percent in (50, 90, 99):
        expected = f"{np.percentile(counts, percent):,.0f} {np.percentile(observed, percent):,.0f}"
        assert f"{percent} % quantile of counts {expected}" in said
    largest = counts.max("dyad")
    low, middle, high = (f"{np.percentile(largest, each):,.0f}" for each in (5, 50, 95))
    assert f"largest count {middle} ({low} to {high}) {observed.max()}" in said
    far = float((counts > 10 * observed.max()).mean())
    assert f"P(count > 10 x the largest observed) {far:.1%}" in said
    assert ("Absurd" in said) == (far > 0.05)


def test_the_table_has_random_slopes(guangdong):
    study = with_slopes(guangdong, ["degree:sender:scale(proximity)"])
    table = Priors.load("default").table(study, "nb_srm").set_index(["parameter", "term"])
    row = table.loc[("degree_sender_slope_sd", "scale(proximity)")]
    assert row.tolist() == ["HalfNormal(sigma=1)", "default.toml: [sd]"]
    assert "degree_sender_slope_sd" not in Priors.load("default").table(study, "nb_pooled").values


def test_equal_priors_are_one_whatever_their_source():
    priors = Priors.load("default").replace(
        "mine", degree_coef={"mayor_ties": {"dist": "Normal", "mu": np.int64(0), "sigma": 1}}
    )
    one, other = priors.prior("degree_coef", "mayor_ties"), priors.prior("degree_coef")
    assert one == other
    assert one.source != other.source
    assert len({one, other}) == 1


def test_every_set_that_comes_says_what_it_is_in_a_sentence(capsys):
    assert main(["priors"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[0] for row in rows if row] == prior_sets()
    assert all(row.rstrip().endswith(".") for row in rows if row)
