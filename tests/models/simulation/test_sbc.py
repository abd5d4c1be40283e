"""Simulation-based calibration: the test of uniformity, truth from priors, replicates on disk."""

import itertools
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from arviz_stats.ecdf_utils import simulate_confidence_bands
from scipy import stats

from analysis.checks.ranks import envelope, ranks_below, uniformity, uniformity_p_value
from analysis.cli import main
from models import Priors
from models.name import parse_model
from models.settings import Settings
from models.simulation.calibration import RANKED, Calibration, draw_truth, replicate
from models.simulation.replicates import calibration_folder, complete, replicate_pieces
from models.simulation.simulate import simulate_study
from models.work.pieces import Bench

pytestmark = pytest.mark.slow


def inside(ranks, bounds):
    below = np.array([ranks_below(each, RANKED) for each in ranks])
    return ((bounds.lower <= below) & (below <= bounds.upper)).all(axis=1)


def test_one_bin_is_the_binomial_test():
    for below in range(31):
        ranks = np.repeat([0, 1], [below, 30 - below])
        expected = stats.binomtest(below, 30).pvalue
        assert uniformity_p_value(ranks, 1) == pytest.approx(expected, abs=1e-12)


def test_p_value_is_the_share_of_all_rank_vectors_that_are_as_far_out():
    replicates, ranked = 5, 3
    share = np.arange(1, ranked + 1) / (ranked + 1)
    vectors = list(itertools.product(range(ranked + 1), repeat=replicates))
    farthest = []
    for vector in vectors:
        below = np.array([sum(rank < k for rank in vector) for k in range(1, ranked + 1)])
        law = stats.binom(replicates, share)
        farthest.append(min(law.cdf(below).min(), law.sf(below - 1).min()))
    farthest = np.array(farthest)
    for at in range(0, len(vectors), 37):
        expected = (farthest <= farthest[at] * (1 + 1e-9)).mean()
        assert uniformity_p_value(np.array(vectors[at]), ranked) == pytest.approx(expected)


@pytest.mark.parametrize("coverage", [0.9, 0.99])
def test_the_envelope_holds_uniform_ranks_as_often_as_it_says(coverage):
    ranks = np.random.default_rng(1).integers(0, RANKED + 1, (10_000, 200))
    held = inside(ranks, envelope(200, RANKED, coverage)).mean()
    # the narrowest envelope of whole numbers holds a little more; four standard errors
    assert abs(held - coverage) < 0.003 + 4 * np.sqrt(coverage * (1 - coverage) / 10_000)


def test_the_pointwise_level_is_arvizs():
    points = np.arange(1, RANKED + 1) / (RANKED + 1)
    simulated = simulate_confidence_bands(151, 1, points, 0.9, 4000, np.random.default_rng(2))
    ours = envelope(151, RANKED, 0.9).level
    # ArviZ simulates: the 10 % point of 4000 draws has a standard error of about 5 %
    assert ours == pytest.approx((1 - simulated) / 2, rel=0.2)


def test_false_alarms_over_many_parameters_are_rare():
    rng = np.random.default_rng(3)
    alarms = []
    for _ in range(300):
        ranks = xr.DataArray(
            rng.integers(0, RANKED + 1, (100, 10)),
            {"parameter": [f"p{k}" for k in range(10)]},
            ("replicate", "parameter"),
        )
        bounds = envelope(100, RANKED, 1 - 0.01 / 10)
        alarms.append(not inside(ranks.to_numpy().T, bounds).all())
    assert np.mean(alarms) <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 300)


def test_biased_and_overconfident_posteriors_are_found():
    rng = np.random.default_rng(4)
    ranks = {
        "right": rng.integers(0, RANKED + 1, 200),
        # the truth is one standard normal draw, the posterior's draws are shifted, or narrower
        "too high": np.floor(100 * stats.norm.cdf(rng.normal(-0.5, 1, 200))).astype(int),
        "too narrow": np.floor(100 * stats.norm.cdf(rng.normal(0, 1.5, 200))).astype(int),
        "too wide": np.floor(100 * stats.norm.cdf(rng.normal(0, 0.6, 200))).astype(int),
    }
    table = uniformity(
        xr.Dataset({k: ("replicate", v) for k, v in ranks.items()}).to_dataarray("parameter"),
        RANKED,
    )
    assert table["outside"].to_dict() == {
        "right": False,
        "too high": True,
        "too narrow": True,
        "too wide": True,
    }
    assert table.loc["too high", "mean"] < 0.85
    assert table.loc["too narrow", "sd"] > 1.1
    assert table.loc["too wide", "sd"] < 0.9
    assert table.loc["right", "p_all"] == pytest.approx(min(1, 4 * table.loc["right", "p"]))


def test_truth_follows_the_priors():
    study, _ = simulate_study(12, "zinb_srm_joint", seed=1)
    name, priors = parse_model("zinb_srm_joint"), Priors.load("calibration")
    truths = [
        draw_truth(priors, name, study, np.random.SeedSequence(5, spawn_key=(k,)))
        for k in range(100)
    ]
    # a coefficient's prior speaks of one standard deviation of its column
    scale = float(study.dyads["degree_design"].sel(degree_term="near").std(ddof=1))
    laws = {
        "degree_intercept": stats.norm(1, 1),
        "selection_sender_sd": stats.halfnorm(scale=0.7),
        "dispersion": stats.gamma(4, scale=1 / 5),
    }
    drawn = {key: [truth[key] for truth in truths] for key in laws}
    drawn["near"] = [truth["degree_coef"]["near"] for truth in truths]
    laws["near"] = stats.norm(0, 0.5 / scale)
    # the correlations of LKJ(eta) in four dimensions are Beta(eta + 1, eta + 1) on (-1, 1)
    for pair in ("selection_sender & degree_receiver", "selection_sender & selection_receiver"):
        drawn[pair] = [truth["city_correlation"][pair] for truth in truths]
        laws[pair] = stats.beta(3, 3, loc=-1, scale=2)
    for key, law in laws.items():
        assert stats.kstest(drawn[key], law.cdf).pvalue > 1e-3, key


@pytest.fixture(scope="module")
def small():
    return Calibration("nb_pooled", Priors.load("calibration"), 5, Settings(60, 60, 2, 7))


def test_number_and_seed_determine_a_replicate(small):
    one, again, other = (replicate(small, number) for number in (3, 3, 4))
    assert one.drop_vars("seconds").identical(again.drop_vars("seconds"))
    assert not one["truth"].equals(other["truth"])
    assert one["parameter"].to_numpy().tolist() == [
        "degree_intercept",
        "degree_coef[near]",
        "degree_coef[alike]",
        "dispersion",
        "log_likelihood",
    ]
    assert 0 <= int(one["rank"].min()) <= int(one["rank"].max()) <= RANKED


def made_up(calibration, number):
    return xr.Dataset(
        {"rank": ("parameter", [number]), "passed": int(number != 2)},
        coords={"parameter": ["degree_intercept"], "replicate": number},
        attrs={"digest": calibration.digest, "label": number, "faults": "[]", "commit": ""},
    )


def test_an_interrupted_calibration_goes_on_where_it_stopped(small, tmp_path):
    folder = calibration_folder(tmp_path, small)
    six = replicate_pieces(folder, small, 6)
    asked = []

    def run(_, tasks, last=99):
        given = list(tasks)
        asked.append([number for _, number in given])
        for calibration, number in given:
            if number > last:
                raise KeyboardInterrupt
            yield made_up(calibration, number)

    with pytest.raises(KeyboardInterrupt):
        complete(six, small, Bench(lambda *work: run(*work, last=2)))
    assert len(list(folder.rglob("*"))) == 4  # three replicates in a folder, nothing else
    broken = folder / "replicates" / "00001.nc"
    broken.write_bytes(broken.read_bytes()[:100])
    whole = complete(six, small, Bench(run))
    complete(replicate_pieces(folder, small, 8), small, Bench(run))
    assert asked == [[0, 1, 2, 3, 4, 5], [1, 3, 4, 5], [6, 7]]
    assert whole["rank"].to_numpy().ravel().tolist() == [0, 1, 2, 3, 4, 5]
    assert whole["passed"].to_numpy().tolist() == [1, 1, 0, 1, 1, 1]  # failed fits are kept
    assert whole.attrs["model"] == "nb_pooled"


def test_what_a_replicate_is_made_from_names_its_folder(small):
    folders = {
        each.digest
        for each in (
            small,
            Calibration("nb_crossed", small.priors, 5, small.settings),
            Calibration("nb_pooled", Priors.load("default"), 5, small.settings),
            Calibration("nb_pooled", small.priors, 6, small.settings),
            Calibration("nb_pooled", small.priors, 5, Settings(60, 60, 2, 8)),
            Calibration("nb_pooled", small.priors, 5, Settings(60, 61, 2, 7)),
        )
    }
    assert len(folders) == 6
    assert Calibration("nb_pooled", small.priors, 5, small.settings).digest == small.digest


ARGUMENTS = [
    "sbc",
    "--model=nb_pooled",
    "--cities=5",
    "--draws=60",
    "--tune=60",
    "--chains=2",
    "--seed=7",
]


def test_the_command_on_a_cluster_of_this_machine(tmp_path, small):
    command = [sys.executable, "-m", "analysis.cli", *ARGUMENTS, "--replicates=4"]
    done = subprocess.run(
        [*command, f"--results={tmp_path}"], capture_output=True, text=True, check=True, timeout=300
    )
    folder = calibration_folder(tmp_path, small)
    assert sorted(each.name for each in folder.iterdir()) == [
        "ranks.nc",
        "ranks.png",
        "ranks.svg",
        "replicates",
        "uniformity.csv",
        "uniformity.md",
    ]
    assert "degree_coef[near]" in done.stdout
    assert "Synthetic by design" in done.stdout
    assert "Traceback" not in done.stderr
    with xr.open_dataset(folder / "ranks.nc", engine="h5netcdf") as ranks:
        # processes of the cluster give what this one gives
        here = replicate(small, 3)
        assert ranks["rank"].sel(replicate=3).to_numpy().tolist() == here["rank"].values.tolist()


def test_an_interrupt_keeps_finished_replicates_and_says_so(tmp_path, small):
    # a test run in the background inherits SIGINT as ignored
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from analysis.cli import main; raise SystemExit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *ARGUMENTS, "--replicates=5000", f"--results={tmp_path}"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if " of 5000" in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    folder = calibration_folder(tmp_path, small)
    kept = len(list((folder / "replicates").glob("*.nc")))
    assert kept > 0
    assert f"interrupted; {kept} of 5000 replicates are kept in {folder}" in said
    assert not [each for each in folder.rglob("*") if each.suffix == ".tmp"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no model; name one"),
        (["--model=nb_srmm"], "no model 'nb_srmm'; did you mean 'nb_srm'"),
        (["--model=nb_srm", "--replicates=0"], "replicates is 0"),
        (["--model=nb_srm", "--cities=2"], "cities is 2"),
        (["--model=nb_srm", "--priors=none"], "no prior set 'none'"),
        (["--model=nb_srm", "--draws=0"], "draws is 0"),
        (["--model=nb_srm", "--scheduler=nowhere"], "scheduler 'nowhere': cannot be reached"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(arguments, message, tmp_path, capsys):
    assert main(["sbc", *arguments, f"--results={tmp_path}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
