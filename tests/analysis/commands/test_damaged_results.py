"""Results that are damaged: one line and status 2, or made again; nothing else."""

import os
import shutil
from pathlib import Path

import h5py
import pytest
from command_line import SMALL, asked, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from many import many

from models.work.netcdf import open_tree

pytestmark = pytest.mark.slow

FIT = f"default/{SMALL}.nc"
AGAIN = {  # what makes a file again
    FIT: "sample",
    f"maximum_likelihood/{SMALL}.nc": "mle",
    "default/comparison.nc": "compare",
}


def emptied(path):
    path.write_bytes(b"")


def cut(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwritten(path):
    path.write_text("not netCDF", encoding="utf-8")


def without_attribute(path):
    with h5py.File(path, "r+") as file:
        del file.attrs[min(file.attrs)]


def with_another_attribute(path):
    with h5py.File(path, "r+") as file:
        for name in file.attrs:
            file.attrs[name] = "["


def without_group(path):
    with h5py.File(path, "r+") as file:
        del file[next(iter(file))]


def one_byte_changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGE = [
    emptied,
    cut,
    overwritten,
    without_attribute,
    with_another_attribute,
    without_group,
    one_byte_changed,
    a_folder,
    a_pipe,
]


@pytest.fixture(scope="module")
def made(sampled_once, tmp_path_factory):
    """Give a study and its results, one by maximum likelihood too."""
    place = tmp_path_factory.mktemp("made")
    shutil.copytree(sampled_once, place, dirs_exist_ok=True)
    assert run("mle", *asked(place), f"--model={SMALL}", "--permutations=0")[0] == 0
    return place


@pytest.fixture
def whole(made, tmp_path):
    """Give a copy of them."""
    return Path(shutil.copytree(made, tmp_path, dirs_exist_ok=True))


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", AGAIN)
def test_what_reads_it_says_in_one_line_how_it_is_made_again(whole, damage, name):
    path = whole / "results/six" / name
    damage(path)
    for command in ("table", "figures", "report"):
        status, _, complained = run(command, *asked(whole), f"--model={SMALL}")
        assert (status, complained.count("\n")) == (2, 1)
        assert complained.startswith(f"error: {path}: cannot be read: ")
        assert complained.endswith(f"; `interlocal {AGAIN[name]}` makes it again\n")


@pytest.mark.parametrize("damage", [emptied, one_byte_changed])
def test_what_makes_it_makes_it_again(whole, damage):
    paths = [whole / "results/six" / name for name in AGAIN]
    before = [attributes(path) for path in paths]
    for path in paths:
        damage(path)
    for command, more in (
        ("sample", "--seed=3"),
        ("mle", "--permutations=0"),
        ("compare", "--unit=dyad"),
    ):
        status, said, _ = run(command, *asked(whole), f"--model={SMALL}", more)
        assert status == 0
        assert "up to date" not in said
    assert [attributes(path) for path in paths] == before


def attributes(path):
    with open_tree(path, "") as tree:
        return {name: each for name, each in tree.attrs.items() if "seconds" not in name}


class Kept:
    """A place whose results are damaged and mended again, and what they hold."""

    def __init__(self, place):
        self.place = place
        self.paths = {name: place / "results/six" / name for name in AGAIN}
        self.contents = {name: path.read_bytes() for name, path in self.paths.items()}


@pytest.fixture(scope="module")
def kept(made):
    return Kept(made)


places = st.floats(0, 1, exclude_max=True)  # in a file, from its begin to its end


@settings(many, max_examples=many.max_examples // 4)
@given(
    name=st.sampled_from([FIT] * 60 + list(AGAIN)),  # the fit is opened first
    end=st.just(1.0) | places,
    flips=st.lists(st.tuples(places, st.integers(1, 255)), max_size=4),
    more=st.binary(max_size=8),
)
def test_whatever_befalls_the_bytes_is_one_line(kept, study_read_once, name, end, flips, more):
    path, whole = kept.paths[name], kept.contents[name]
    content = bytearray(whole)
    del content[int(end * len(content)) :]
    for at, bits in flips if content else ():
        content[int(at * len(content))] ^= bits
    content += more
    assume(content != whole)
    path.write_bytes(content)
    try:
        status, said, complained = run("table", *asked(kept.place), f"--model={SMALL}")
    finally:
        path.write_bytes(whole)
    assert (status, said, complained.count("\n")) == (2, "", 1)
    assert complained.startswith(f"error: {path}: cannot be read: ")
