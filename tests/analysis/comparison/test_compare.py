"""`interlocal compare`: its table, its words, and what happens when it is killed half-way."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command_line import run

from analysis.chapters.comparison import sentences
from analysis.comparison.errors import Errors
from analysis.comparison.inflation import Verdict, overlap, twin_of
from analysis.figures.elpd import elpd_table
from analysis.fits.opening import load_comparison
from models import simulate_study
from models.simulation.simulate import write_simulated
from models.work.fits import save_fit

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MODELS = "nb_sender nb_pooled"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Give the folder of a simulated study of seven cities."""
    folder = tmp_path_factory.mktemp("studies") / "seven"
    write_simulated(*simulate_study(7, "nb_sender", seed=11), folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(study, tmp_path_factory):
    """Compare two models by city and dyad; give the results folder and what was said."""
    results = tmp_path_factory.mktemp("results")
    return results, run(*words(study, results))


def words(study, results):
    return ("compare", study, f"--model={MODELS}", "--unit=dyad city", f"--results={results}")


def table_in(results):
    return pd.read_csv(results / "seven/default/comparison.csv", index_col=["unit", "model"])


def test_one_row_a_model_and_the_maximum_likelihood_fit_among_them(undisturbed, study):
    results, (status, said, _) = undisturbed
    assert status == 0
    table = table_in(results)
    for unit, units in (("dyad", 42), ("city", 7)):
        rows = table.loc[unit]
        assert set(rows.index) == {"nb_sender", "nb_pooled", "nb_pooled (ML)"}
        assert rows["weight"].sum() == pytest.approx(1, abs=1e-6)
        assert rows["elpd_diff"].max() == 0
        assert rows.loc["nb_pooled (ML)", "refits"] == units
        assert rows["p_loo"].between(0, 60).all()
    # each city has its sender's effect integrated out, or is refitted
    by_city = table.loc["city"].drop("nb_pooled (ML)")
    assert (by_city["high_k"] == by_city["integrated"] + by_city["refits"]).all()
    assert by_city.loc["nb_sender", "high_k"] == 7
    assert 0 == by_city.loc["nb_pooled", "integrated"] < by_city.loc["nb_pooled", "refits"] < 7
    assert "Left out: all dyads of a new city" in said
    assert "not to be trusted: there are 7 cities" in said
    assert "Synthetic data: services, near, alike are simulated" in said
    with load_comparison(study, results=results) as tree:
        elpd = tree["city"]["elpd_i"].sum("city").to_series()
        np.testing.assert_allclose(
            elpd[table.loc["city"].index], table.loc["city", "elpd"], rtol=1e-9
        )
        # each of the errors, from the densities that the file holds
        city = tree["city"].to_dataset().load()
        apart = city["elpd_i"].isel(model=0) - city["elpd_i"]
        expected = 2 * np.sqrt(7 * apart.var("city", ddof=1))
        np.testing.assert_allclose(city["dse_others"], expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(city["dse"], city["dse_others"])
        dyad = tree["dyad"].to_dataset().load()
        assert (dyad["dse"].isel(model=slice(1, None)) < dyad["dse_others"][1:]).all()
        treated = city["effective"].count("city").to_series()
        assert treated.to_dict() == {"nb_sender": 7, "nb_pooled (ML)": 0} | {
            "nb_pooled": by_city.loc["nb_pooled", "refits"]
        }
        assert ((city["effective"] < 50).sum("city") == city["few"]).all()
        shown = elpd_table(tree)
        assert shown["elpd_diff"].tolist() == pytest.approx(table["elpd_diff"].tolist())
        assert shown.index[shown["ml"]].tolist() == [
            (unit, "nb_pooled (ML)") for unit in ("dyad", "city")
        ]
        assert set(shown["draws"]) == {1, 4000}
        assert json.loads(tree.attrs["synthetic"]) == ["services", "near", "alike"]


def written_in(results):
    return {path: path.stat().st_mtime_ns for path in results.rglob("*.*")}


def never(*_, **__):
    raise AssertionError


def test_a_second_call_computes_nothing(undisturbed, study, monkeypatch):
    results, (_, said, _) = undisturbed
    before = written_in(results)
    for module, work in (("compare", "comparison"), ("completion", "verdicts_on")):
        monkeypatch.setattr(import_module(f"analysis.comparison.{module}"), work, never)
    status, said_again, _ = run(*words(study, results))
    assert status == 0
    assert written_in(results) == before
    assert said_again == said.replace("written: ", "up to date: ")
    for other in (["--force"], ["--unit=dyad"], ["--model=nb_sender"]):
        with pytest.raises(AssertionError):
            run(*words(study, results), *other)


def test_compared_again_it_refits_nothing(undisturbed, study):
    results, _ = undisturbed
    before, table = written_in(results / "seven/default/left_out"), table_in(results)
    assert len(before) >= table.loc["city", "high_k"].sum() > 7
    assert run(*words(study, results), "--force")[0] == 0
    assert written_in(results / "seven/default/left_out") == before
    pd.testing.assert_frame_equal(table_in(results), table)


def test_work_is_told_before_it_starts(undisturbed):
    _, (_, _, complained) = undisturbed
    first_refit = complained.index("refits without each city")
    integrated = (
        r"nb_sender by city: 7 units, to be left out with the effects of their cities integrated "
        r"out; what that does not reach is refitted, about \d+ (s|min) each"
    )
    refitted = r"nb_pooled by city: \d refits, about \d+ (s|min) in all"
    for told in (integrated, refitted):
        found = re.search(told, complained)
        assert found
        assert found.start() < first_refit


def test_without_refits_the_rest_is_marked_as_not_reached(
    undisturbed, study, tmp_path, monkeypatch
):
    fits = tmp_path / "seven/default"
    fits.mkdir(parents=True)
    for model in MODELS.split():
        shutil.copy(undisturbed[0] / f"seven/default/{model}.nc", fits)
    status, said, _ = run(*words(study, tmp_path), "--no-refits")
    assert status == 0
    assert not [path for path in fits.rglob("left_out/**/*.nc") if ".integrated" not in path.name]
    table, whole = table_in(tmp_path), table_in(undisturbed[0]).loc[table_in(tmp_path).index]
    by_draws = whole["draws"] > 1
    assert (table["not_reached"] == whole["refits"].where(by_draws, 0)).all()
    assert table.loc["city", "not_reached"].sum() > 2
    for column in ("high_k", "integrated"):
        assert (table[column] == whole[column]).all()
    reached = table["not_reached"] == 0
    np.testing.assert_allclose(table["elpd"][reached], whole["elpd"][reached], rtol=1e-9)
    assert "units were not reached, for no refits were made" in " ".join(said.split())
    # asked for again it is there; with refits it is not what is asked for
    before = written_in(tmp_path)
    assert run(*words(study, tmp_path), "--no-refits")[1] == said.replace("written", "up to date")
    assert written_in(tmp_path) == before
    monkeypatch.setattr(import_module("analysis.comparison.compare"), "comparison", never)
    with pytest.raises(AssertionError):
        run(*words(study, tmp_path))


def test_units_that_were_not_reached_are_flagged():
    table = made_up(31.2, 9.1, 11.0).assign(not_reached=[7, 0])
    flagged = sentences(table, "dyad")[-1]
    assert flagged.startswith("zinb_srm: 7 of 420 units were not reached, for no refits were made.")
    assert "are not to be trusted and tend to be too high" in flagged


def missing_the_gate(path, **attributes):
    """Let a fit be one that failed."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        fit = tree.load()
    fit.attrs |= {"passed": 0, "faults": json.dumps(["R-hat 1.013 > 1.01 (x)"]), **attributes}
    path.unlink()
    return save_fit(fit, path.parent / f"{fit.attrs['model']}.nc")


def test_a_twin_that_misses_the_gate_by_little_is_named(tmp_path):
    folder = tmp_path / "six"
    write_simulated(*simulate_study(6, "zip_pooled", seed=1), folder)
    command = ("compare", folder, "--unit=dyad", f"--results={tmp_path}")
    assert run(*command, "--model=zip_pooled")[0] == 0
    twin = missing_the_gate(tmp_path / "six/default/poisson_pooled.nc", max_r_hat=1.013)
    assert twin.name == "poisson_pooled.failed.nc"
    status, said, _ = run(*command, "--model=zip_pooled", "--force")
    assert status == 0
    named = "poisson_pooled misses the diagnostics by little: R-hat 1.013 > 1.01 (x)."
    assert named in " ".join(said.split())
    with load_comparison(folder, results=tmp_path) as tree:
        assert tree.attrs["verdicts"].count(named) == 1
    # one that was asked for, or misses it by more, ends the comparison in a line
    asked = run(*command, "--model=zip_pooled poisson_pooled")
    missing_the_gate(twin, max_r_hat=1.2)
    for status, _, complained in (asked, run(*command, "--model=zip_pooled")):
        assert status == 3
        assert "error: poisson_pooled failed its diagnostics" in complained.splitlines()[-1]


def test_a_missing_twin_is_sampled_as_the_fit_was(tmp_path):
    folder = tmp_path / "six"
    write_simulated(*simulate_study(6, "zip_pooled", seed=1), folder)
    asked = (folder, "--model=zip_pooled", f"--results={tmp_path}")
    assert run("sample", *asked, "--seed=7", "--draws=500", "--chains=3")[0] == 0
    assert run("compare", *asked, "--unit=dyad")[0] == 0
    with xr.open_datatree(tmp_path / "six/default/poisson_pooled.nc", engine="h5netcdf") as twin:
        assert [twin.attrs[name] for name in ("seed", "draws", "chains")] == [7, 500, 3]


def wait_for_pieces(results, number, process):
    deadline = time.monotonic() + 240
    while len(list(results.rglob("left_out/**/*.nc"))) < number:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def workers_of(pid):
    """List the worker processes of a comparison, the oldest first."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for thread in threads for child in thread.read_text().split()]
    return [
        int(child)
        for child in children
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the workers")
def test_killed_half_way_it_ends_with_the_same_table(undisturbed, study, tmp_path):
    command = [sys.executable, "-m", "analysis.cli", *map(str, words(study, tmp_path))]
    how = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **how)
    wait_for_pieces(tmp_path, 1, process)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)  # loses its own piece at most
    wait_for_pieces(tmp_path, 8, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept, whole = (len(list(of.rglob("left_out/**/*.nc"))) for of in (tmp_path, undisturbed[0]))
    assert 8 <= kept < whole
    assert run(*words(study, tmp_path))[0] == 0
    pd.testing.assert_frame_equal(table_in(tmp_path), table_in(undisturbed[0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--unit=dyads"], "no unit 'dyads'; did you mean 'dyad'?"),
        (["--model=nb_sendr"], "no model 'nb_sendr'"),
        (["--priors=defalt"], "no prior set 'defalt'"),
    ],
)
def test_bad_input_is_one_line(study, tmp_path, more, message):
    status, _, complained = run("compare", study, f"--results={tmp_path}", *more)
    assert status == 2
    assert message in complained
    assert complained.count("\n") == 1
    assert not list(tmp_path.rglob("*.nc"))


def made_up(difference, error, of_others, cities=21, few=0, ruling=0.1):
    table = pd.DataFrame(
        {
            "elpd_diff": [0.0, -difference],
            "dse": [0.0, error],
            "dse_others": [0.0, of_others],
            "ruling": [0.0, ruling],
            "failed": [0, 0],
            "refits": [cities, 420],
            "few": [few, 0],
            "not_reached": [0, 0],
        },
        index=["zinb_srm", "zinb_pooled (ML)"],
    )
    table.attrs |= {"cities": cities, "units": 420}
    return table


def test_words_follow_from_the_figures():
    better = "zinb_srm predicts a new dyad between known cities better than zinb_pooled (ML), by "
    assert sentences(made_up(31.2, 9.1, 11.0), "dyad") == [
        f"{better}31.2 ± 9.1 elpd for these cities, and for other cities too (± 11.0)."
    ]
    (said,) = sentences(made_up(31.2, 14.1, 16.0), "dyad")
    known, others = said.removesuffix(".").split("; ")
    assert known == f"{better}31.2 ± 14.1 elpd for these cities"
    assert others == "for other cities they cannot be told apart (± 16.0)"
    not_apart = "zinb_srm and zinb_pooled (ML) cannot be told apart by "
    both, one = "both directions between two known cities", "a new dyad between known cities"
    (said,) = sentences(made_up(31.2, 16.0, 18.0), "pair")
    assert said == f"{not_apart}{both}: 31.2 ± 16.0 elpd is within two standard errors."
    (said,) = sentences(made_up(3.9, 1.0, 1.1), "dyad")
    assert said == f"{not_apart}{one}: 3.9 ± 1.0 elpd is below 4, which says nothing."
    (said,) = sentences(made_up(60, 9, 9), "city")
    assert said.endswith("new city better than zinb_pooled (ML), by 60.0 ± 9.0 elpd.")


def test_words_name_what_is_not_to_be_trusted():
    assert sentences(made_up(60, 9, 9, cities=12), "city")[1] == (
        "The errors of differences are not to be trusted: there are 12 cities, and they were "
        "counted from 21 on."
    )
    assert sentences(made_up(60, 9, 9, ruling=0.6), "city")[1] == (
        "Differences of which one city makes up more than a quarter of the squared deviations, and "
        "whose errors are not to be trusted: zinb_pooled (ML) (60%)."
    )
    assert sentences(made_up(60, 9, 9, few=3), "city")[1] == (
        "zinb_srm: the densities of 3 of 21 refitted units rest on fewer than 50 effective draws, "
        "and are not to be trusted."
    )


def verdict(gain, error, share=0.3, *, at_boundary=False):
    errors = Errors(error, 1.2 * error)
    return Verdict("zinb_srm", "nb_srm", gain, errors, share, at_boundary).verdict


def test_verdicts_follow_from_the_rules():
    assert twin_of("zinb_srm") == "nb_srm"
    assert twin_of("zip_pooled") == "poisson_pooled"
    assert twin_of("hurdle_nb_srm") == ""
    assert verdict(30, 29) == "identified"
    assert verdict(30, 31) == "weakly identified"
    assert verdict(3.9, 1) == "weakly identified"
    assert verdict(2.1, 1) == "weakly identified"
    assert verdict(1.9, 0.5) == "not identified"
    assert verdict(-5, 1, at_boundary=True) == "not identified"
    # neither says whether there is inflation
    assert verdict(30, 9, 0.8, at_boundary=True) == "identified"
    assert verdict(1, 1, 0.1) == "not identified"


def test_overlap_is_that_of_the_densities():
    rng = np.random.default_rng(3)
    one, other = (xr.DataArray(rng.normal(mean, 1, 20_000)) for mean in (0, 2))
    # two unit normals at distance d overlap by 2 Phi(-d / 2)
    assert overlap(one, other) == pytest.approx(2 * 0.158655, abs=0.015)
    assert overlap(one, one) == pytest.approx(1, abs=0.01)
