"""Commands that are ended at any moment: the next run gives what an undisturbed one does."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache

import numpy as np
import psutil
import pytest
import xarray as xr
from command_line import SMALL, asked, run

pytestmark = pytest.mark.slow

# a test run in the background inherits SIGINT as ignored
CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from analysis.cli import main; raise SystemExit(main())"
)
COMMANDS = {
    "sample": ["--seed=4", "--draws=500"],
    "mle": ["--permutations=99"],
    "compare": ["--unit=pair"],
    "figures": [],
    "report": [],
    "sbc": ["--replicates=4", "--cities=5"],
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
EVERY = [(command, each) for command in COMMANDS for each in SIGNALS]
# of compare and sbc other tests see to it
ONCE = list(zip(("sample", "mle", "report"), SIGNALS, strict=True))  # a report draws figures
TEXT = (".csv", ".html", ".json", ".md", ".tex", ".txt", ".typ")
TIMES = int(os.environ.get("ENDINGS", "0"))  # that each signal ends each command; 0 for less


def words(command, place):
    """Give a command's words; a calibration has no study."""
    study, results = asked(place)
    given = [results] if command == "sbc" else [study, results]
    return [command, *map(str, given), f"--model={SMALL}", *COMMANDS[command]]


def begun(command, place):
    """Begin a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *words(command, place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        start_new_session=True,
    )


def held(place):
    """Give what results hold: values of netCDF but for times, texts, the names of other files."""
    found = {}
    for path in sorted((place / "results").rglob("*")):
        name, content = str(path.relative_to(place)), None
        if path.suffix == ".nc":
            with xr.open_datatree(path, engine="h5netcdf") as tree:
                told = {k: v for k, v in tree.attrs.items() if not k.endswith("seconds")}
                values = {
                    f"{node.path}/{name}": (variable.dims, variable.to_numpy().tolist())
                    for node in tree.subtree
                    for name, variable in node.variables.items()
                    if name != "seconds"
                }
                content = hash(repr(sorted([*told.items(), *values.items()])))
        elif path.suffix in TEXT:
            content = path.read_text(encoding="utf-8").replace(str(place), "")
        found[name] = content
    return found


def others_of(session):
    """List the processes of a session that still run."""
    return [pid for pid in psutil.pids() if psutil.pid_exists(pid) and os.getsid(pid) == session]


@pytest.fixture(scope="module")
def undisturbed(sampled_once, tmp_path_factory):
    """Give a function: a command, run whole, to how long it took and what the results hold."""

    @cache
    def run_whole(command):
        place = tmp_path_factory.mktemp(command) / "whole"
        shutil.copytree(sampled_once, place)
        since, process = time.monotonic(), begun(command, place)
        _, said = process.communicate()
        assert process.returncode == 0, said
        return time.monotonic() - since, held(place)

    return run_whole


@pytest.mark.parametrize(("command", "ended_by"), EVERY * TIMES or ONCE)
def test_the_next_run_gives_what_an_undisturbed_one_does(
    command, ended_by, undisturbed, sampled_once, tmp_path
):
    seconds, expected = undisturbed(command)
    seed = None if TIMES else [*command.encode(), ended_by]
    moment = np.random.default_rng(seed).uniform(0.2, 1) * seconds
    place = tmp_path / "ended"
    shutil.copytree(sampled_once, place)
    process = begun(command, place)
    time.sleep(moment)
    send = os.killpg if ended_by == signal.SIGINT else os.kill  # a terminal interrupts all
    send(process.pid, ended_by)
    _, said = process.communicate(timeout=60)
    if ended_by != signal.SIGKILL:  # it may also have been done, or have been about to exit
        assert process.returncode in (0, 130, -ended_by), said
        assert "Traceback" not in said
    for _ in range(200):  # processes that worked for it end with it
        if not others_of(process.pid):
            break
        time.sleep(0.1)
    assert others_of(process.pid) == []
    status, _, said = run(*words(command, place))
    assert status == 0, said
    assert held(place) == expected, moment
