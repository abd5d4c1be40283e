"""Files of fits: written whole or not at all, and found again."""

from dataclasses import replace

import pytest
import xarray as xr

from analysis import load
from data.errors import ResultsError
from models import Priors
from models.inference.sample import Settings
from models.work.fits import fit_digest, is_current, save_fit


def small_fit(passed):
    counts = xr.Dataset({"outcome": ("dyad", [1, 2])})
    tree = xr.DataTree.from_dict({"prior_predictive": counts, "posterior_predictive": counts})
    tree.attrs = {"passed": int(passed), "digest": "abc"}
    return tree


def test_a_failed_fit_has_another_name_and_a_passing_one_replaces_it(tmp_path):
    path = tmp_path / "zinb_srm.nc"
    assert save_fit(small_fit(passed=False), path) == tmp_path / "zinb_srm.failed.nc"
    assert save_fit(small_fit(passed=True), path) == path
    assert [each.name for each in tmp_path.iterdir()] == ["zinb_srm.nc"]


def test_a_run_that_fails_keeps_the_passing_fit_of_the_same_study_and_priors(tmp_path):
    path = tmp_path / "zinb_srm.nc"
    made_from = {"study_digest": "a", "priors_in_force": "b"}
    passing, failing = small_fit(passed=True), small_fit(passed=False)
    passing.attrs |= made_from
    failing.attrs |= made_from
    save_fit(passing, path)
    before = path.read_bytes()
    assert save_fit(failing, path) == tmp_path / "zinb_srm.failed.nc"
    assert path.read_bytes() == before
    # the fit of another study has no place beside the failed one
    failing.attrs["study_digest"] = "mended"
    save_fit(failing, path)
    assert [each.name for each in tmp_path.iterdir()] == ["zinb_srm.failed.nc"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = save_fit(small_fit(passed=True), tmp_path / "nb_srm.nc")
    before = path.read_bytes()

    def full(self, target, **options):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", full)
    with pytest.raises(ResultsError, match=r"nb_srm.nc: cannot be written: No space left"):
        save_fit(small_fit(passed=True), path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["nb_srm.nc"]


def test_a_damaged_file_is_not_current(tmp_path):
    path = save_fit(small_fit(passed=True), tmp_path / "nb_srm.nc")
    assert is_current(path, "abc")
    assert not is_current(path, "abd")
    path.write_bytes(path.read_bytes()[:100])
    assert not is_current(path, "abc")
    assert not is_current(tmp_path / "none.nc", "abc")


def test_digest_changes_with_everything_that_a_fit_is_made_from(guangdong):
    default, settings = Priors.load("default"), Settings()
    base = fit_digest(guangdong, default, "zinb_srm", settings)
    changed = guangdong.dyads.assign(outcome=guangdong.dyads["outcome"] + 1)
    assert base == fit_digest(guangdong, Priors.load("default"), "zinb_srm", Settings())
    others = [
        fit_digest(guangdong, Priors.load("wide"), "zinb_srm", settings),
        fit_digest(guangdong, default, "nb_srm", settings),
        fit_digest(guangdong, default, "zinb_srm", replace(settings, seed=1)),
        fit_digest(replace(guangdong, dyads=changed), default, "zinb_srm", settings),
    ]
    assert len({base, *others}) == 5


def test_loading_what_is_not_there_says_what_is(tmp_path):
    folder = tmp_path / "guangdong" / "default"
    folder.mkdir(parents=True)
    save_fit(small_fit(passed=True), folder / "zinb_srm.nc")
    with pytest.raises(ResultsError, match="did you mean 'zinb_srm'"):
        load("guangdong", "zinb_smr", results=tmp_path)
    with pytest.raises(ResultsError, match="make sample"):
        load("guangdong", "zinb_srm", "wide", results=tmp_path)
