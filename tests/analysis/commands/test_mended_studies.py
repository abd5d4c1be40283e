"""What a study's results become when the study changes, or when another has its name."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import h5netcdf
import pandas as pd
import pytest
from command_line import SMALL, asked, run

from analysis.chapters import comparison as chapter
from analysis.chapters.comparison import compared
from analysis.chapters.fits import diagnosed
from analysis.chapters.material import Material
from analysis.chapters.repetition import repeated
from analysis.figures import drawing
from analysis.fits.finding import FitFile, FoundFits
from analysis.fits.gathering import gather
from analysis.hypothesis.verdicts import findings
from analysis.tables.blocks import Code, Page, Text
from analysis.tables.markdown import markdown
from data import read_study
from models import Priors, simulate_study
from models.simulation.simulate import write_simulated
from models.work.progress import LineReporter, Reporter
from models.work.workspace import Workspace

pytestmark = pytest.mark.slow

STATED = '\n[[hypothesis]]\nlabel = "Closer"\nterm = "near"\npart = "degree"\n'


def opened(place):
    study = read_study(place / "six")
    return gather(Workspace(place / "results", study, Priors.load("default")), [SMALL])


def written(blocks, folder):
    flat = " ".join(markdown(Page("", tuple(blocks)), folder).split())
    return flat.replace("\\", "")


def mend(place, *, title="Another title", more=f'{STATED}direction = "positive"\n'):
    path = place / "six" / "study.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("title", "hypothesis"))]
    path.write_text("\n".join([f'title = "{title}"', *kept, more]), encoding="utf-8")


def test_another_title_and_hypothesis_sample_nothing_and_are_shown(place, monkeypatch):
    monkeypatch.setattr(drawing, "CATALOGUE", drawing.CATALOGUE[:1])
    with opened(place) as found:
        before, _ = drawing.draw_figures(found, Reporter())
        again, _ = drawing.draw_figures(found, Reporter())
        ages = {path: path.stat().st_mtime_ns for path in again.values()}
        assert ages == {path: path.stat().st_mtime_ns for path in before.values()}
    fit = place / "results/six/default/nb_pooled.nc"
    made = fit.stat().st_mtime_ns
    mend(place)
    status, said, complained = run("sample", *asked(place), "--model=nb_pooled", "--seed=3")
    assert (status, fit.stat().st_mtime_ns) == (0, made)
    assert f"up to date: {fit}" in said
    assert "nb_pooled · Another title" in said
    assert "drawing" not in complained
    found = findings(read_study(place / "six"), results=place / "results")
    assert found.out_of_date == ()
    assert {label for label, _, _ in found.table.index} == {"Closer"}
    assert set(found.table["verdict"]) <= {"supported", "undecided", "contradicted", "negligible"}
    status, said, complained = run("compare", *asked(place), "--model=nb_pooled", "--unit=dyad")
    assert (status, complained) == (0, "")
    assert "Comparison · Another title" in said
    text = (place / "results/six/default/comparison.md").read_text(encoding="utf-8")
    assert "Another title" in text
    with opened(place) as found:
        assert {model.fit.attrs["title"] for model in found.models.values()} == {"Another title"}
        assert found.comparison.attrs["title"] == "Another title"
        drawn, _ = drawing.draw_figures(found, Reporter())
    assert all(path.stat().st_mtime_ns > ages[path] for path in drawn.values())


def test_another_count_makes_fits_stale(place):
    path = place / "six/dyads.csv"
    table = pd.read_csv(path)
    table["services"] += 1
    table.to_csv(path, index=False)
    found = findings(read_study(place / "six"), results=place / "results")
    assert found.out_of_date == ("nb_pooled (default priors)",)
    status, _, complained = run("figures", *asked(place))
    assert status == 2
    assert "was made from another study or other priors" in complained


def test_a_run_that_fails_stands_beside_the_fit_that_passed(place):
    fit = place / "results/six/default/nb_pooled.nc"
    made = fit.read_bytes()
    mend(place)  # other bytes of study.toml are no other study
    status, said, _ = run("sample", *asked(place), "--model=nb_pooled", "--draws=20", "--tune=20")
    assert (status, fit.read_bytes()) == (3, made)
    assert f"kept, and used: {fit}" in said
    with h5netcdf.File(fit.with_suffix(".failed.nc")) as failed:
        assert failed.attrs["passed"] == 0
    with opened(place) as found:
        model = found.models["nb_pooled"]
        assert (model.path.name, model.beside.name) == ("nb_pooled.nc", "nb_pooled.failed.nc")
        said = written(diagnosed(Material(found, {})).blocks, place)
    assert "is kept as nb_pooled.failed.nc; the fit that passed is shown." in said
    assert "must not be interpreted" not in said


def test_another_study_of_the_same_name_is_refused(place):
    other = place / "elsewhere" / "six"
    write_simulated(*simulate_study(6, "nb_pooled", seed=2), other)
    before = {path: path.read_bytes() for path in (place / "results").rglob("*") if path.is_file()}
    for command in ("sample", "mle", "compare", "report", "table", "figures"):
        status, _, complained = run(command, *asked(place, "elsewhere/six"))
        last = complained.splitlines()[-1]
        assert status == 2
        assert f"holds results of another study of this name, that of {place / 'six'};" in last
        assert "RESULTS=" in last
    assert before == {path: path.read_bytes() for path in before}


def test_a_study_that_was_mended_or_has_moved_keeps_its_results(place):
    asked_for = ("--model=poisson_pooled", "--permutations=0")
    path = place / "six/dyads.csv"
    table = pd.read_csv(path)
    table["services"] += 1
    table.to_csv(path, index=False)
    assert run("mle", *asked(place), *asked_for)[0] == 0
    moved = place / "elsewhere" / "six"
    shutil.move(place / "six", moved)
    assert run("mle", *asked(place, "elsewhere/six"), *asked_for)[0] == 0
    table["services"] += 1
    table.to_csv(moved / "dyads.csv", index=False)  # it is the owner now
    assert run("mle", *asked(place, "elsewhere/six"), *asked_for)[::2] == (0, "")


def test_fits_that_are_not_compared_are_named_and_the_command_repeated(place):
    said = "Fits of the study that are not compared here:"
    fit = place / "results/six/default/nb_pooled.nc"
    shown = run("compare", *asked(place), f"--model={SMALL}", "--unit=dyad")[1]
    assert said not in shown
    shutil.copy(fit, fit.with_stem("poisson_pooled"))  # it stands for another model's
    shown = run("compare", *asked(place), f"--model={SMALL}", "--unit=dyad")[1]
    assert f"{said} poisson_pooled." in shown
    kept = (place / "results/six/default/comparison.md").read_text(encoding="utf-8")
    assert f"{said} poisson_pooled." in kept.replace("\\", "")
    with opened(place) as found:
        assert f"{said} poisson_pooled." in written(compared(Material(found, {})).blocks, place)
        section = repeated(Material(found, {}))
    (commands,) = (block.text for block in section.blocks if isinstance(block, Code))
    assert 'PRIORS=default MODEL="nb_pooled" UNITS="dyad"\n' in commands
    assert "make compare STUDY=path/to/six" in commands


def test_the_twin_of_a_verdict_is_not_named_as_missing(place, monkeypatch):
    there = [FitFile(model, "default", place) for model in ("nb_pooled", "zinb_pooled", "zip_srm")]
    monkeypatch.setattr(chapter, "find_fits", lambda *_: FoundFits(tuple(there), (), ()))
    monkeypatch.setattr(chapter, "compared_models", lambda _: ["zinb_pooled"])
    with opened(place) as found:
        assert chapter.not_compared(found.comparison, found.workspace) == ["zip_srm"]


def test_figures_that_are_not_drawn_are_named(place, monkeypatch):
    some = [entry for entry in drawing.CATALOGUE if entry.name in ("map", "reciprocity", "priors")]
    monkeypatch.setattr(drawing, "CATALOGUE", some)
    complained = io.StringIO()
    with opened(place) as found:
        one = replace(found, comparison=None)
        reporter = LineReporter("figures", complained)
        drawn, not_drawn = drawing.draw_figures(one, reporter)
        section = repeated(Material(found, drawn, not_drawn))
    assert list(not_drawn) == [("nb_pooled", "map"), ("nb_pooled", "reciprocity")]
    assert list(drawn) == [("nb_pooled", "priors")]
    why = (
        "nb_pooled has no city effects; take a model such as zinb_srm, or of undirected dyads "
        "nb_additive"
    )
    assert f"figures: not drawn: map of nb_pooled: {why}" in complained.getvalue().splitlines()
    fold = section.blocks[-1]
    assert Text(f"Not drawn: map of nb_pooled: {why}") in fold.blocks
    assert all(Path(path).exists() for path in drawn.values())
