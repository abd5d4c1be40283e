"""`make`: what is given reaches the command as it was written, and nothing else runs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RECORDER = """\
#!/bin/sh
exec python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@"
"""
HOSTILE = [
    "it's here",
    "a'; touch pwned; '",
    'a"; touch pwned; "',
    "$(shell touch pwned)",
    "$$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "a\\b",
    "*",
]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def make(tmp_path):
    """Give a function: a target and variables to what the command line is called with."""
    for name in ("requirements.lock", ".python-version", "pyproject.toml"):
        (tmp_path / name).touch()
    recorder = tmp_path / "interlocal"
    recorder.write_text(RECORDER, encoding="utf-8")
    recorder.chmod(0o755)
    there = set(tmp_path.iterdir())

    def run(target, **variables):
        given = [f"{name}={value}" for name, value in variables.items()]
        ready = [f"RUN={tmp_path}", f"READY={recorder}", f"UV={recorder}"]
        command = ["make", "-f", ROOT / "Makefile", target, *ready, *given]
        alone = {"PATH": os.environ["PATH"]}  # without what `make test` hands on
        done = subprocess.run(
            command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=True
        )
        assert set(tmp_path.iterdir()) == there
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("variable", "option"),
    [("STUDY", None), ("RESULTS", "--results"), ("MODEL", "--model"), ("PRIORS", "--priors")],
)
def test_what_is_given_is_one_argument(make, variable, option, text):
    called = make("sample", **{variable: text})
    assert called[0] == "sample"
    assert called[1 if option is None else called.index(option) + 1] == text


def test_defaults_and_what_is_given_in_their_place(make):
    called = make("sbc", MODEL="nb_srm")
    assert called[called.index("--cities") + 1] == "12"
    assert called[called.index("--priors") + 1] == "calibration"
    called = make("sbc", MODEL="nb_srm", CITIES="20", PRIORS="wide")
    assert called[called.index("--cities") + 1] == "20"
    assert called[called.index("--priors") + 1] == "wide"
    for given, expected in (({}, ""), ({"PRIORS": "default wide"}, "default wide")):
        called = make("sensitivity", **given)
        assert called[called.index("--priors") + 1] == expected
    assert "--force" in make("sample", FORCE="1")
    assert "--force" not in make("sample")
