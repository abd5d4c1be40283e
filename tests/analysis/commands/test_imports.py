"""What only reads results does not wait for PyMC."""

import json
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SAMPLERS = ("pymc", "pytensor", "nutpie")
SCRIPT = """
import json, sys
from analysis.cli import main
loaded = {}
for command in json.loads(sys.argv[1]):
    status = main(command)
    loaded[command[0]] = [status, *(name for name in %r if name in sys.modules)]
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded(sampled, guangdong_folder, tmp_path_factory):
    """Run commands on a fit that is there; give each one's status and the samplers it imported."""
    results = tmp_path_factory.mktemp("read") / "results"
    shutil.copytree(sampled[0], results)
    place = [guangdong_folder, f"--results={results}"]
    commands = [
        ["mle", *place, "--model=zinb_pooled", "--permutations=0", "--errors=dyadic"],
        ["table", *place, "--model=zinb_srm", "--ml"],
        ["figures", *place, "--model=zinb_srm"],
        ["report", *place, "--model=zinb_srm"],
    ]
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT % (SAMPLERS,), json.dumps(commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("command", ["mle", "table", "figures", "report"])
def test_commands_on_results_import_no_sampler(loaded, command):
    assert loaded[command] == [0]
