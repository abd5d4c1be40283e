"""Files are written whole or not at all, together where they belong together."""

import os
import subprocess
import sys

import pytest

from data.errors import ResultsError
from data.files import HOST, all_or_none, making_folder, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_that_belong_together_are_all_there_or_none(tmp_path):
    (tmp_path / "a").write_text("old", encoding="utf-8")

    def write(*, fails):
        with all_or_none():
            for name in "ab":
                with all_or_none(), replacing(tmp_path / name) as temporary:
                    temporary.write_text("new", encoding="utf-8")
            if fails:
                with replacing(tmp_path / "c") as temporary:
                    temporary.write_text("half", encoding="utf-8")
                    raise OSError(28, "No space left on device")

    with pytest.raises(ResultsError, match="c: cannot be written: No space left on device"):
        write(fails=True)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    write(fails=False)
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_text(encoding="utf-8") == "new"


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(tmp_path):
    script = "import os; print(os.getpid())"
    dead = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    left = f".fit.nc.{HOST}-{int(dead.stdout)}-0123abcd.tmp"
    kept = [
        f".fit.nc.{HOST}-{os.getpid()}-0123abcd.tmp",
        f".fit.nc.{int(HOST, 16) ^ 1:08x}-{int(dead.stdout)}-0123abcd.tmp",  # of another machine
        "fit.nc.tmp",
        f".fit.nc.{HOST}-{'9' * 30}-0123abcd.tmp",
    ]
    for name in (left, *kept):
        (tmp_path / name).touch()
    folder = tmp_path / left.replace("fit.nc", "study")
    folder.mkdir()
    (folder / "study.toml").touch()
    with replacing(tmp_path / "fit.nc") as temporary:
        temporary.touch()
    assert names(tmp_path) == sorted([*kept, "fit.nc"])


def test_a_folder_that_cannot_be_filled_is_not_there(tmp_path):
    def fill():
        with making_folder(tmp_path / "study") as filling:
            (filling / "study.toml").touch()
            raise OSError(28, "No space left on device")

    with pytest.raises(ResultsError, match="study: cannot be written: No space left"):
        fill()
    assert names(tmp_path) == []
