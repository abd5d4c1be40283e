"""What every refusal of bad input has in common."""

import os

import pytest

from analysis.cli import main


def spoiled(text, old, new):
    """Put something wrong into a text."""
    assert old in text
    return text.replace(old, new)


def case(name, *values):
    """Name a case."""
    return pytest.param(*values, id=name)


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """Run the command and check what every refusal has in common, and that it says the phrases."""
    monkeypatch.setattr(
        "models.inference.sample_to_files.sampled", lambda *_, **__: pytest.fail("it was sampled")
    )

    def check(arguments, *phrases, results=tmp_path / "results"):
        status = main(["sample", *map(str, arguments), "--results", str(results)])
        out, err = capsys.readouterr()
        assert status == 2, err
        assert "Traceback" not in out + err
        assert err.startswith("error: ")
        assert err.splitlines(keepends=True) == [err.rstrip("\n") + "\n"]
        assert [phrase for phrase in phrases if phrase not in err] == [], err
        assert [files for _, _, files in os.walk(results) if files] == []

    return check
