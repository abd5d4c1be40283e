"""The report of a study: what it says, where it says that something is missing, what it escapes."""

import io
import json
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import replace
from html import unescape

import pytest
import xarray as xr
from browser import PHONE, chromium, visit

from analysis import coefficients, load, marginal_effects
from analysis.chapters.material import Material
from analysis.cli import main
from analysis.figures.catalogue import CATALOGUE
from analysis.figures.drawing import draw_figures
from analysis.fits.gathering import gather
from analysis.report.write import write_report
from data import read_study
from data.guangdong import FOLDER
from models import Priors
from models.name import parse_model
from models.work.progress import Reporter
from models.work.workspace import Workspace

pytestmark = pytest.mark.slow

GUANGDONG = str(FOLDER)
TITLE = '<img src=x onerror="alert(2)">'
HOSTILE = {"Guangzhou": "<script>alert(1)</script>", "Shenzhen": 'A&B "x"'}


def run(*arguments):
    said = io.StringIO()
    with redirect_stdout(said):
        assert main([str(each) for each in arguments]) == 0
    return said.getvalue()


@pytest.fixture(scope="module")
def reported(compared, tmp_path_factory):
    """Report on Guangdong with one model, maximum likelihood and a comparison by dyad."""
    results = tmp_path_factory.mktemp("reported")
    shutil.copytree(compared / "guangdong", results / "guangdong")
    run("report", GUANGDONG, "--model=zinb_srm", f"--results={results}")
    return results


@pytest.fixture(scope="module")
def page(reported):
    return (reported / "guangdong" / "report.html").read_text(encoding="utf-8")


def cells_of(page, caption):
    """Give the rows of the table under a caption, as text."""
    table = page.split(f"<caption>{caption}")[1].split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], flags=re.DOTALL)
    return [
        [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows
    ]


def test_its_figures_are_those_of_the_fit(page, reported):
    fit = load(GUANGDONG, "zinb_srm", results=reported)
    table = coefficients(fit, "degree")
    shown = {row[0]: row[1:] for row in cells_of(page, "zinb_srm, degree:")}
    assert list(shown) == table.index.tolist()
    for term, row in table.iterrows():
        expected = [row["mean"], row["sd"]]
        assert [float(value) for value in shown[term][:2]] == pytest.approx(expected, abs=6e-4)
    effects = marginal_effects(fit)
    shown = cells_of(page, "zinb_srm: average effects in plain units")
    assert [float(row[3]) for row in shown] == pytest.approx(effects["mean"].tolist(), abs=6e-4)


def test_every_section_has_its_content(page):
    sections = re.findall(r'<section id="([^"]+)">', page)
    assert sections == [
        *("what-was-asked", "the-data", "the-models", "diagnostics", "hypotheses", "effects"),
        *("city-effects", "comparison", "predictive-checks", "maximum-likelihood", "sensitivity"),
        "how-to-repeat-it",
    ]
    text = unescape(re.sub(r"<[^>]+>", " ", page))
    assert "Geographical proximity: " in text
    assert "logit psi" in text
    assert "zinb_pooled (ML)" in text
    assert "Stata's sign" in text
    assert "SHA-256" in text
    shown = set(re.findall(r'alt="([^"]+): zinb_srm, ', page))
    assert shown == {entry.title for entry in CATALOGUE if entry.suits(parse_model("zinb_srm"))}
    assert 'alt="Comparison of the models: ' in page


def test_markdown_says_the_same(reported, page):
    text = (reported / "guangdong" / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Interlocal collaboration in Guangdong, 2021\n")
    assert "> **Synthetic data: services, mayor_ties, migrants" in text
    html = cells_of(page, "Columns that the models use")
    block = text.split("*Columns that the models use*\n\n")[1].split("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.split("\n")]
    assert lines[2:] == html
    for picture in re.findall(r"\]\(<([^>]+\.png)>\)", text):
        assert (reported / "guangdong" / picture).is_file()


def test_what_has_not_been_made_is_named(reported, tmp_path):
    shutil.copytree(reported / "guangdong", tmp_path / "guangdong")  # its figures are drawn
    shutil.rmtree(tmp_path / "guangdong" / "maximum_likelihood")
    (tmp_path / "guangdong" / "default" / "comparison.nc").unlink()
    run("report", GUANGDONG, "--model=zinb_srm zip_srm", f"--results={tmp_path}")
    text = (tmp_path / "guangdong" / "report.md").read_text(encoding="utf-8")
    assert "Not fitted: zip_srm; run `interlocal sample`." in text.replace("\\", "")
    assert "fits have not been compared: run `interlocal compare`" in text.replace("\\", "")
    assert "run `interlocal mle`" in text.replace("\\", "")


def test_figures_are_drawn_once(reported):
    drawn = sorted((reported / "guangdong" / "default" / "figures").rglob("*.png"))
    before = [path.stat().st_mtime_ns for path in drawn]
    run("report", GUANGDONG, "--model=zinb_srm", f"--results={reported}")
    assert [path.stat().st_mtime_ns for path in drawn] == before


def renamed(fit):
    """Give a fit in which two cities have names that look like markup."""

    def new(labels):
        return [HOSTILE.get(str(label), str(label)) for label in labels.to_numpy()]

    groups = {name: group.to_dataset().load() for name, group in fit.children.items()}
    data = groups["constant_data"]
    sender, receiver = new(data["sender"]), new(data["receiver"])
    labels = {
        "city": new(data["city"]),
        "dyad": [f"{i} -> {j}" for i, j in zip(sender, receiver, strict=True)],
    }
    for name, group in groups.items():
        known = {dim: label for dim, label in labels.items() if dim in group.coords}
        groups[name] = group.assign_coords(known)
    groups["constant_data"] = groups["constant_data"].assign_coords(
        sender=("dyad", sender), receiver=("dyad", receiver)
    )
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {**fit.attrs, "title": TITLE}
    return tree


def hostile_report(reported, folder):
    """Report on a fit whose cities, title and hypotheses have names that look like markup."""
    study = read_study(GUANGDONG)
    declaration = study.declaration
    first = declaration.hypothesis[0].model_copy(update={"label": "<b>near</b> | *far*"})
    with gather(Workspace(reported, study, Priors.load("default")), ["zinb_srm"]) as found:
        fit = renamed(found.models["zinb_srm"].fit)
        changed = declaration.model_copy(
            update={
                "title": TITLE,
                "hypothesis": (first, *declaration.hypothesis[1:]),
            }
        )
        results = replace(
            found,
            workspace=replace(
                found.workspace, results=folder, study=replace(study, declaration=changed)
            ),
            models={"zinb_srm": replace(found.models["zinb_srm"], fit=fit)},
        )
        shutil.copytree(reported / "guangdong", folder / "guangdong")
        shutil.rmtree(folder / "guangdong" / "default" / "figures")
        write_report(Material(results, *draw_figures(results, Reporter())), folder)


def test_markup_in_names_is_text(reported, tmp_path):
    hostile_report(reported, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1  # our own
    assert "<img src=x" not in page
    assert "<b>" not in page
    cities = [row[0] for row in cells_of(page, "zinb_srm: effects of every city")]
    assert set(HOSTILE.values()) <= set(cities)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert r"&lt;b&gt;near&lt;/b&gt; \| \*far\*" in text


LOOK = """(page, window) => {
  const headings = [...page.querySelectorAll("thead button")];
  const table = [...page.querySelectorAll("table")].find(
    (each) => each.caption.textContent.includes("average effects in plain units"));
  const keys = () => [...table.tBodies[0].rows].map((row) => Number(row.children[3].dataset.key));
  const button = table.querySelectorAll("thead button")[3];
  const before = keys();
  button.click();
  const up = keys();
  const sort = button.closest("th").getAttribute("aria-sort");
  button.click();
  const down = keys();
  return {
    before, up, down, sort,
    images: [...page.images].map((image) => [image.complete && image.naturalWidth > 0, image.alt]),
    width: page.documentElement.scrollWidth,
    banner: [...page.querySelectorAll(".banner")].map((each) => each.textContent),
    requests: window.performance.getEntriesByType("resource").map((each) => each.name)
      .filter((name) => !name.startsWith("data:")),
    title: page.title,
    headings: headings.length,
    cities: [...page.querySelectorAll("tbody th")].map((each) => each.textContent),
  };
}"""


@pytest.fixture
def browser():
    if chromium() is None:
        pytest.skip("needs Chromium, which is not installed")


def test_in_a_browser(browser, reported, tmp_path):
    shutil.copy(reported / "guangdong" / "report.html", tmp_path)
    seen = visit(tmp_path, LOOK)
    found = seen.found
    assert seen.console == []
    assert seen.requests == ["/harness.html", "/report.html"]
    assert found["requests"] == []
    assert len(found["images"]) >= 13
    assert all(loaded and alt for loaded, alt in found["images"])
    assert found["width"] <= PHONE
    assert found["up"] == sorted(found["before"])
    assert found["down"] == sorted(found["before"], reverse=True)
    assert found["before"] not in (found["up"], found["down"])
    assert found["sort"] == "ascending"
    (banner,) = found["banner"]
    assert banner.startswith("Synthetic data: services, mayor_ties")


def test_markup_in_names_runs_nothing_in_a_browser(browser, reported, tmp_path):
    hostile_report(reported, tmp_path)
    seen = visit(tmp_path, LOOK)
    assert seen.console == []
    assert seen.requests == ["/harness.html", "/report.html"]
    assert set(HOSTILE.values()) <= set(seen.found["cities"])
    assert seen.found["title"] == TITLE
    assert all(loaded for loaded, _ in seen.found["images"])


def test_real_data_have_no_banner(browser, reported, tmp_path):
    study = read_study(GUANGDONG)
    real = study.declaration.model_copy(update={"synthetic": ()})
    with gather(Workspace(reported, study, Priors.load("default")), ["zinb_srm"]) as found:
        fit = found.models["zinb_srm"].fit.copy()
        fit.attrs["synthetic"] = json.dumps([])
        results = replace(
            found,
            workspace=replace(found.workspace, study=replace(study, declaration=real)),
            models={"zinb_srm": replace(found.models["zinb_srm"], fit=fit)},
        )
        write_report(Material(results, {}), tmp_path)
    assert "Synthetic" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert visit(tmp_path, LOOK).found["banner"] == []
