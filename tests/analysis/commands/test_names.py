"""Results under their own names; what is said of the data, and by which noun, in every output."""

import shutil

import numpy as np
import pytest
from command_line import SMALL, run
from networks import ENDS, NAMED, TOWNS, network, toml, write, write_way

from analysis import compare, hypotheses, load, predictions
from analysis.tables.nouns import renamed
from data import read_study, study_from
from data.errors import ResultsError
from models import sample

pytestmark = pytest.mark.slow

QUICK = ("--draws=50", "--tune=50", "--chains=2")
NET = network()


def sampled(folder, results, *more):
    status, said, complained = run(
        "sample", folder, f"--results={results}", f"--model={SMALL}", *QUICK, *more
    )
    return status, said, complained


def towns(folder, seed, name):
    """Write a study of other letters in a folder called ``towns``."""
    study = write_way(folder / "towns", network(seed), "rows")
    path = study / "study.toml"
    declared = path.read_text(encoding="utf-8").replace('name = "letters"\n', name)
    path.write_text(declared, encoding="utf-8")
    return study


def test_two_folders_of_a_name_have_results_of_their_own_where_one_declares_another(tmp_path):
    results = tmp_path / "results"
    first, second = towns(tmp_path / "a", 1, ""), towns(tmp_path / "b", 2, "")
    assert sampled(first, results)[0] in (0, 3)
    status, _, complained = sampled(second, results)
    assert status == 2
    assert "holds results of another study of this name" in complained
    assert 'write name = "another" in study.toml' in complained
    second = towns(tmp_path / "c", 2, 'name = "other towns"\n')
    assert sampled(second, results)[0] in (0, 3)
    assert {path.name for path in results.iterdir()} == {"towns", "other towns"}
    assert list(results.glob("*/*/priors.txt")) == []  # of sets that come with the package
    digests = {}
    for folder, name in ((first, "towns"), (second, "other towns")):
        (path,) = (results / name / "default").glob(f"{SMALL}*.nc")
        model = path.name.removesuffix(".nc")
        fit = load(folder, model, results=results)
        digests[name] = fit.attrs["study_digest"]
        assert digests[name] == read_study(folder).digest
        assert load(name, model, results=results).attrs["study_digest"] == digests[name]
    assert digests["towns"] != digests["other towns"]


def test_a_path_does_not_open_the_fit_of_a_namesake(tmp_path):
    results = tmp_path / "results"
    first, second = towns(tmp_path / "a", 1, ""), towns(tmp_path / "b", 2, "")
    assert sampled(first, results)[0] in (0, 3)
    with pytest.raises(ResultsError, match=f"results of another study, that of {first}"):
        load(second, SMALL, results=results)
    shutil.rmtree(second)
    copied = shutil.copytree(first, second)  # of the same data
    (path,) = (results / "towns" / "default").glob(f"{SMALL}*.nc")
    load(copied, path.name.removesuffix(".nc"), results=results)


def test_prior_files_of_a_name_do_not_share_results(tmp_path):
    results, study = tmp_path / "results", write_way(tmp_path / "towns", NET, "rows")
    files = []
    for number, sigma in enumerate((0.5, 2.0)):
        path = tmp_path / str(number) / "mine.toml"
        path.parent.mkdir()
        path.write_text(f'extends = "default"\n[coef]\ndist = "Normal"\nsigma = {sigma}\n')
        files.append(path)
    assert sampled(study, results, f"--priors={files[0]}")[0] in (0, 3)
    status, _, complained = sampled(study, results, f"--priors={files[1]}")
    assert status == 2
    assert f"holds fits under another prior file of this name, {files[0]}; rename" in complained
    # a file that is changed in place is the same file
    files[0].write_text(files[1].read_text())
    assert sampled(study, results, f"--priors={files[0]}")[0] in (0, 3)
    assert sampled(study, results, f"--priors={files[1]}")[0] in (0, 3)


def test_every_output_says_what_became_of_dyads_and_uses_the_noun(tmp_path):
    said = toml(dyads=f'{ENDS}\nabsent = "zero"\nmissing = "drop"', degree="near", cities=TOWNS)
    said = said.replace("models =", 'noun = "household"\nmodels =')
    folder = write(tmp_path / "s", NET, said)
    NET.edges.to_csv(folder / "d.csv", index=False)
    near = NET.near.astype(object)
    near.iloc[0, 1] = ""
    near.to_csv(folder / "near.csv")
    place = (folder, f"--results={tmp_path / 'results'}")
    absent = len(NET.rows) - len(NET.edges)
    notes = f"{absent} directed dyads without a row are zeros; 1 directed dyads lack a predictor"
    model = f"--model={SMALL}"
    outputs = {}
    for command, more in (
        ("sample", (model, "--draws=300", "--tune=500", "--seed=1")),
        ("mle", (model, "--permutations=0")),
        ("compare", (model, "--unit=dyad")),
        ("table", (model,)),
    ):
        status, outputs[command], complained = run(command, *place, *more)
        assert status == 0, complained
    assert run("report", *place, model)[0] == 0
    outputs["report"] = (tmp_path / "results/letters/report.md").read_text(encoding="utf-8")
    for command, text in outputs.items():
        flat = " ".join(text.replace("\\", "").split())
        assert notes in flat, command
        assert "cities" not in flat.replace("cities.csv", ""), command
    assert "6 households, 29 directed dyads" in outputs["sample"]
    assert "household effects" in outputs["report"]


def test_nouns_stand_for_the_words_alone():
    text = "Cities and each city's effect; `city_table`, city.csv, scale(city), Kansas, capacity"
    expected = "Sheep and each ewe's effect; `city_table`, city.csv, scale(city), Kansas, capacity"
    assert renamed(text, "ewe", "sheep") == expected
    assert renamed(text, "city", "cities") == text


@pytest.mark.parametrize(
    ("noun", "plural"),
    [("household", "households"), ("county", "counties"), ("boss", "bosses"), ("boy", "boys")],
)
def test_plurals(noun, plural):
    assert study_from(NET.rows, **NAMED, noun=noun).declaration.nouns == plural


def test_a_study_in_memory_is_sampled_and_compared_in_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stated = {"label": "gdp", "term": "sender(gdp)", "part": "degree", "direction": "positive"}
    study = study_from(
        NET.rows,
        NET.cities.set_index("town"),
        **NAMED,
        degree="sender(gdp)",
        models=["nb_pooled", "poisson_pooled"],
        hypothesis=[stated],
    )
    fits = [
        sample(study, model, progress=False, draws=500, tune=500, chains=4, seed=2)
        for model in study.declaration.models
    ]
    table = compare(study, fits=fits, units=["dyad"])
    assert set(table.index.get_level_values("model")) >= {"nb_pooled", "poisson_pooled"}
    assert np.isfinite(table["elpd"]).all()
    again = compare(study, units=["dyad"])  # samples what it needs
    # another seed, twice as many draws: Monte Carlo error of these elpds is below 0.3
    np.testing.assert_allclose(
        table["elpd"].sort_index(), again["elpd"].sort_index(), rtol=0, atol=0.5
    )
    found = hypotheses(study, fits=fits)
    assert set(found.index.get_level_values("model")) == {"nb_pooled", "poisson_pooled"}
    assert np.isfinite(found["effect"]).all()
    assert list(tmp_path.iterdir()) == []


def test_blank_outcomes_pass_through_a_file(tmp_path):
    rows = NET.rows.astype({"letters": object})
    rows.loc[[3, 9], "letters"] = ""
    folder = write(tmp_path / "s", NET, toml(dyads=ENDS))
    rows.to_csv(folder / "d.csv", index=False)
    results = tmp_path / "results"
    status, said, _ = run(
        "sample", folder, f"--results={results}", "--draws=300", "--tune=500", "--seed=1"
    )
    assert status == 0
    assert "2 directed dyads have no 'letters' and are predicted" in " ".join(said.split())
    found = predictions(load(folder, SMALL, results=results))
    asked = NET.rows.iloc[[3, 9]]
    assert found["sender"].tolist() == asked["from"].tolist()
    assert (found["count_lower"] <= found["count_upper"]).all()
