"""`interlocal simulate`: a study folder whose truth is known."""

import tomllib

import pytest

from analysis.cli import main
from data import read_study
from models import simulate_study


@pytest.mark.parametrize("model", ["zinb_srm", "zip_srm_joint", "hurdle_nb_srm_dyadic"])
def test_the_folder_holds_the_study_and_its_truth(tmp_path, capsys, model):
    out = tmp_path / "made" / "study"
    arguments = ["simulate", "--cities=8", f"--model={model}", "--seed=3", f"--out={out}"]
    assert main(arguments) == 0
    assert "synthetic" in capsys.readouterr().out
    study, truth = simulate_study(8, model, seed=3)
    read = read_study(out)
    assert read.dyads.equals(study.dyads)
    assert read.declaration == study.declaration
    written = tomllib.loads((out / "truth.toml").read_text(encoding="utf-8"))
    assert written["model"] == model
    assert set(written["truth"]) == set(truth.data_vars)
    assert written["truth"]["degree_coef"] == {"near": 0.5, "alike": 0.3}
    assert written["truth"]["degree_sender"]["city 002"] == truth["degree_sender"].values[1]
    assert sorted(each.name for each in out.parent.iterdir()) == ["study"]


@pytest.mark.parametrize(
    ("option", "phrase"),
    [
        ("--cities=2", "cities is 2; it lies between 3 and 1000"),
        ("--model=zinb_smr", "did you mean 'zinb_srm'?"),
        ("--seed=-1", "greater than or equal to 0"),
    ],
)
def test_bad_input_makes_nothing(tmp_path, capsys, option, phrase):
    assert main(["simulate", f"--out={tmp_path / 'study'}", option]) == 2
    assert phrase in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine").write_text("kept", encoding="utf-8")
    assert main(["simulate", f"--out={tmp_path}"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
