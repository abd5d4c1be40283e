"""`interlocal sample` as its users run it, on the Guangdong study."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy import stats

from analysis import coefficients, load, spreads
from analysis.cli import main
from data.guangdong import FOLDER
from models import sample

pytestmark = pytest.mark.slow

GUANGDONG = str(FOLDER)


@pytest.fixture
def fit(sampled):
    results, _ = sampled
    return load(GUANGDONG, "zinb_srm", results=results)


def files(folder):
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


def test_help_names_every_option(capsys):
    assert main(["sample", "--help"]) == 0
    text = capsys.readouterr().out
    for option in ("--model", "--priors", "--seed", "--draws", "--target-accept", "--force"):
        assert option in text


def test_the_file_has_every_group_and_passes(fit, sampled):
    assert files(sampled[0]) == ["study.json", "zinb_srm.nc"]
    assert set(fit.children) == {
        "posterior",
        "prior",
        "prior_predictive",
        "posterior_predictive",
        "log_likelihood",
        "log_prior",
        "sample_stats",
        "observed_data",
        "constant_data",
    }
    assert dict(fit["log_likelihood"].sizes) == {"chain": 4, "draw": 1000, "dyad": 420}
    assert fit["posterior"]["degree_sender"].dims == ("chain", "draw", "city")
    assert fit["posterior"]["selection_coef"].dims == ("chain", "draw", "selection_term")
    assert not [str(name) for name in fit["posterior"].data_vars if str(name).startswith("_")]
    assert fit.attrs["passed"] == 1


def test_the_manifest_says_what_was_done(fit, guangdong):
    about = fit.attrs
    assert about["study_digest"] == guangdong.digest
    assert (about["model"], about["priors"], about["seed"]) == ("zinb_srm", "default", 20221)
    assert json.loads(about["synthetic"]) == list(guangdong.declaration.synthetic)
    assert {"pymc", "nutpie", "arviz"} <= set(json.loads(about["versions"]))
    assert about["compile_seconds"] > 0
    assert about["sampling_seconds"] > 0


def test_log_likelihood_in_the_file_is_scipys(fit, guangdong):
    dyads = guangdong.dyads
    draws = fit["posterior"].to_dataset().stack(sample=("chain", "draw"))
    stored = fit["log_likelihood"]["outcome"].stack(sample=("chain", "draw"))
    count = dyads["outcome"].to_numpy()
    for at in np.random.default_rng(8).choice(4000, 50, replace=False):
        one, eta = draws.isel(sample=at), {}
        for part in ("selection", "degree"):
            design = dyads[f"{part}_design"].to_numpy()
            eta[part] = (
                float(one[f"{part}_intercept"])
                + (design - design.mean(axis=0)) @ one[f"{part}_coef"].to_numpy()
                + one[f"{part}_sender"].sel(city=dyads["sender"]).to_numpy()
                + one[f"{part}_receiver"].sel(city=dyads["receiver"]).to_numpy()
            )
        dispersion = float(one["dispersion"])
        nb = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * np.exp(eta["degree"])))
        psi = 1 / (1 + np.exp(-eta["selection"]))
        expected = np.log(psi * nb.pmf(count) + (1 - psi) * (count == 0))
        np.testing.assert_allclose(stored.isel(sample=at), expected, atol=1e-8)


def test_predictive_draws_have_the_zeros_of_the_data(fit, guangdong):
    zeros = (fit["posterior_predictive"]["outcome"] == 0).mean("dyad")
    observed = float((guangdong.dyads["outcome"] == 0).mean())
    assert float(zeros.quantile(0.01)) < observed < float(zeros.quantile(0.99))


def test_prior_draws_follow_the_prior(fit):
    intercept = fit["prior"]["degree_intercept"].to_numpy().ravel()
    assert stats.kstest(intercept, stats.norm(-1, 2.5).cdf).pvalue > 1e-3
    sd = fit["prior"]["degree_sender_sd"].to_numpy().ravel()
    assert stats.kstest(sd, stats.halfnorm(scale=1).cdf).pvalue > 1e-3
    shapes = fit["prior"]["degree_receiver"] / fit["prior"]["degree_receiver_sd"]
    assert stats.kstest(shapes.to_numpy().ravel(), stats.norm().cdf).pvalue > 1e-3


def test_summary_tables_are_the_posteriors(fit):
    table = coefficients(fit, "degree")
    draws = fit["posterior"]["degree_coef"].sel(degree_term="mayor_ties").to_numpy()
    row = table.loc["mayor_ties"]
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["sd"] == pytest.approx(draws.std(ddof=1), rel=1e-3)
    assert [row["lower"], row["upper"]] == pytest.approx(np.quantile(draws, [0.055, 0.945]))
    assert row["p_positive"] == pytest.approx((draws > 0).mean())
    assert list(spreads(fit).index) == [
        "selection_generalized_reciprocity",
        "selection_sender_sd",
        "selection_receiver_sd",
        "degree_generalized_reciprocity",
        "degree_sender_sd",
        "degree_receiver_sd",
        "dispersion",
    ]


def test_the_terminal_names_what_is_synthetic_and_where_the_file_is(sampled):
    results, said = sampled
    flat = " ".join(said.split())
    assert "Synthetic data: services, mayor_ties, migrants, problem_severity" in flat
    assert "21 cities, 420 directed dyads (62.9% zeros)" in flat
    assert "Passes the diagnostics" in flat
    assert f"written: {results}" in said
    for term in ("intercept", "scale(proximity)", "degree_generalized_reciprocity", "dispersion"):
        assert term in said


def test_an_unchanged_fit_is_shown_and_not_made_again(sampled, capsys):
    results, _ = sampled
    path = results / "guangdong" / "default" / "zinb_srm.nc"
    before = path.stat()
    assert main(["sample", GUANGDONG, "--model=zinb_srm", f"--results={results}"]) == 0
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    said = capsys.readouterr()
    assert "up to date" in said.out
    assert "drawing" not in said.err


def test_a_seed_gives_the_same_bits(guangdong):
    settings = {"draws": 50, "tune": 100, "chains": 2, "seed": 5, "progress": False}
    with pytest.warns(UserWarning, match="ESS"):
        one = sample(guangdong, "nb_crossed", **settings)
    with pytest.warns(UserWarning, match="ESS"):
        two = sample(guangdong, "nb_crossed", **settings)
    for group in ("posterior", "prior", "posterior_predictive", "log_likelihood"):
        for name, values in one[group].data_vars.items():
            np.testing.assert_array_equal(values, two[group][name])


def test_a_fit_that_fails_says_so_and_exits_3(tmp_path, capsys):
    arguments = ["sample", GUANGDONG, "--model=nb_pooled", "--draws=20", "--tune=20"]
    assert main([*arguments, f"--results={tmp_path}"]) == 3
    assert files(tmp_path) == ["nb_pooled.failed.nc", "study.json"]
    said = capsys.readouterr()
    assert "Fails the diagnostics" in said.out
    assert "try DRAWS=4000" in said.out
    assert re.search(r"error: nb_pooled failed the diagnostics", said.err)


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    # a test run in the background inherits SIGINT as ignored
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from analysis.cli import main; raise SystemExit(main())"
    )
    command = [sys.executable, "-c", code, "sample", GUANGDONG, "--model=nb_pooled"]
    process = subprocess.Popen(
        [*command, "--draws=1000000", f"--results={tmp_path}"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "drawing" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert files(tmp_path) == []
