"""One table in every format: the same cells in all, and text of a study is text in each."""

import base64
import csv
import hashlib
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import docx
import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from analysis.tables.blocks import Code, Fold, P, Page, Section, Table, Text, intervals
from analysis.tables.documents import PACKAGES, latex
from analysis.tables.files import write_page
from analysis.tables.numbers import interval, listed, number, p_value
from analysis.tables.terminal import show, show_blocks

HOSTILE = (
    r"\input{x}",
    "=cmd()",
    "<script>alert(1)</script>",
    "[a](http://b)",
    "$x$",
    "a_b",
    "50 %",
    "+1 & -1 # ~ ^ {y}",
    "*bold* `code` | __c__",
    "[red]r[/red]",
    "#panic()",
    "- item",
    "www.a.b // c \"q\" 'r'",
    "@ref <label>",
)
KINDS = ("html", "md", "tex", "typ", "docx", "csv", "txt")


def hostile_table(**more):
    """Give a table whose labels, headings and cells are text that some format would obey."""
    cells = [[HOSTILE[row], 0.1234 * (-1) ** row] for row in range(len(HOSTILE))]
    index = pd.Index(HOSTILE, name=HOSTILE[3])
    return Table(pd.DataFrame(cells, index, [HOSTILE[0], HOSTILE[1]]), HOSTILE[2], **more)


@pytest.fixture
def written(tmp_path):
    """Write a page in which everything is hostile; give the files by their endings."""
    table, title = hostile_table(notes=HOSTILE), HOSTILE[2]
    page = Page(title, (table, Text(HOSTILE[0])), HOSTILE[3], (HOSTILE[1],), table.text)
    paths = write_page(page, tmp_path / "hostile", KINDS)
    return {path.suffix[1:]: path for path in paths}


class Cells(HTMLParser):
    """The cells of the tables of a page, and the tags that it has."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self.inside = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


EXPECTED = [[text, text, f"{0.1234 * (-1) ** row:.3f}"] for row, text in enumerate(HOSTILE)]


def test_html_shows_text_as_text(written):
    page = Cells(written["html"].read_text(encoding="utf-8"))
    assert page.rows[1:] == EXPECTED
    assert page.rows[0] == [HOSTILE[3], HOSTILE[0], HOSTILE[1]]
    assert page.tags.count("script") == 1  # our own
    assert "a" not in page.tags


def test_html_obeys_its_own_script_and_style_alone(written):
    page = written["html"].read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)[1]
    for tag in ("script", "style"):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]*\s(?:on\w+|style)=", page)


def test_markdown_shows_text_as_text(written):
    text = written["md"].read_text(encoding="utf-8")
    page = Cells(MarkdownIt("commonmark").enable("table").render(text))
    assert page.rows[1:] == EXPECTED
    assert page.rows[0] == [HOSTILE[3], HOSTILE[0], HOSTILE[1]]
    # what a renderer may take for a link or for mathematics on sight
    assert not re.search(r"(?<!\\)://|(?<!\\)\$|www\.", text)
    assert set(page.tags) <= {
        *("h1", "p", "em", "strong", "blockquote", "table", "thead", "tbody", "tr", "th", "td"),
    }


def test_word_holds_text_as_text(written):
    document = docx.Document(str(written["docx"]))
    (table,) = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows[1:-1] == EXPECTED
    assert rows[0] == ["", HOSTILE[0], HOSTILE[1]]
    assert all(text in rows[-1][0] for text in HOSTILE)
    assert "is simulated, not observed" in rows[-1][0]
    (caption,) = [part.text for part in document.paragraphs if part.text]
    assert HOSTILE[2] in caption


def test_csv_holds_nothing_that_a_spreadsheet_computes(written):
    with written["csv"].open(encoding="utf-8", newline="") as file:
        heading, *rows = list(csv.reader(file))
    assert heading == [HOSTILE[3], HOSTILE[0], f"'{HOSTILE[1]}"]
    computed = {"=cmd()", "+1 & -1 # ~ ^ {y}", "- item", "@ref <label>"}
    expected = [[f"'{text}" if text in computed else text for text in row] for row in EXPECTED]
    assert rows == expected
    assert {float(row[2]) for row in rows} == {0.123, -0.123}


def test_csv_of_numbers_keeps_every_digit(tmp_path):
    data = pd.DataFrame(
        {"number": [np.pi, -1e-300, np.nan], "whole": [-1, 2, 3], "text": ["-0.5", "(0.5)", "-"]},
        index=pd.MultiIndex.from_tuples([("-a", "b"), ("c", "=d"), ("e", "f")], names=["x", "y"]),
    )
    (path,) = write_page(Page("", (), data=data), tmp_path / "raw", ("csv",))
    assert path.read_text(encoding="utf-8") == (
        "x,y,number,whole,text\n'-a,b,3.141592653589793,-1,-0.5\nc,'=d,-1e-300,2,'(0.5)\ne,f,,3,-\n"
    )


def test_latex_obeys_none_of_the_text(written):
    text = written["tex"].read_text(encoding="utf-8")
    assert r"\input" not in text
    assert r"\textbackslash{}input\{x\}" in text
    assert not re.search(r"(?<!\\)[$#_%~^]", text.removeprefix(PACKAGES))
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().split("\n")
    assert len(body) == len(HOSTILE)
    assert all(len(re.findall(r"(?<!\\)&", line)) == 2 for line in body)


def test_latex_compiles(written, tmp_path):
    pdflatex = shutil.which("pdflatex")
    if pdflatex is None:
        pytest.skip("needs pdflatex, which is not installed")
    grouped = pd.DataFrame(
        {"m": [1.0, "[0.1 to 2]"]}, pd.MultiIndex.from_tuples([("g_1", "[b]"), ("g_1", "")])
    )
    second = latex(Page("t", (Table(grouped, "c", grouped=True),)))
    (tmp_path / "second.tex").write_text(second, encoding="utf-8")
    packages = "".join(rf"\usepackage{{{name}}}" for name in ("booktabs", "graphicx", "makecell"))
    (tmp_path / "whole.tex").write_text(
        rf"\documentclass{{article}}{packages}\usepackage{{threeparttable}}\begin{{document}}"
        rf"\input{{{written['tex'].stem}}}\input{{second}}\end{{document}}",
        encoding="utf-8",
    )
    run = subprocess.run(
        [pdflatex, "-halt-on-error", "-interaction=nonstopmode", "whole.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "whole.pdf").stat().st_size > 1000


def test_typst_obeys_none_of_the_text(written):
    text = written["typ"].read_text(encoding="utf-8")
    for sign in "$`@~=/":
        assert not re.search(rf"(?<!\\){re.escape(sign)}", text), sign
    assert set(re.findall(r"(?<!\\)#(\w+)", text)) == {"set", "show", "figure", "table", "text"}
    assert r"\\input\{x\}" in text
    assert r"\[a\](http:\/\/b)" in text


def test_the_terminal_shows_text_as_text(written):
    text = written["txt"].read_text(encoding="utf-8")
    assert all(text.count(part) >= 3 for part in HOSTILE)


def test_numbers_are_the_same_in_all(tmp_path):
    ends = pd.DataFrame({"lower": [-0.5, np.nan], "upper": [0.25, np.nan]}, index=["one", "two"])
    data = pd.DataFrame(
        {
            "estimate": [-0.12345, np.nan],
            "interval": intervals(ends),
            "p": [0.0004, 0.0005],
            "count": [3, 12],
        }
    ).rename_axis("row")
    table = Table(data, "Caption", {"p": P})
    expected = [
        ["one", "-0.123", "-0.500 to 0.250", "<0.001", "3"],
        ["two", "-", "-", "0.001", "12"],
    ]
    assert [[cell.text for cell in row] for row in table.rows] == expected
    assert table.numeric == [False, True, True, True, True]
    paths = write_page(Page("Page", (table,), data=table.text), tmp_path / "same", KINDS)
    html, markdown, tex, typst, word, spreadsheet, text = paths
    assert Cells(html.read_text(encoding="utf-8")).rows[1:] == expected
    rendered = MarkdownIt("commonmark").enable("table").render(markdown.read_text(encoding="utf-8"))
    assert Cells(rendered).rows[1:] == expected
    (read,) = docx.Document(str(word)).tables
    assert [[cell.text for cell in row.cells] for row in read.rows][1:-1] == expected
    with spreadsheet.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in found] == expected
    lines = tex.read_text(encoding="utf-8").replace(r"\textless{}", "<").split("\n")
    for row in expected:
        assert " & ".join(row) + r" \\" in lines
        cells = ", ".join(f"[{cell}]" for cell in row)
        assert cells in typst.read_text(encoding="utf-8").replace(r"\<", "<")
        assert re.search(r"\s+".join(map(re.escape, row)), text.read_text(encoding="utf-8"))


def grouped():
    labels = [("first", "a"), ("first", ""), ("second", "a"), ("second", "")]
    cells = {f"model {k}": [k + 0.5, f"[{k} to {k + 1}]", "", ""] for k in range(4)}
    cells["model 3"][2:] = [7, "(0.1)"]
    index = pd.MultiIndex.from_tuples(labels, names=["group", "parameter"])
    return Table(pd.DataFrame(cells, index, dtype=object), "Grouped", grouped=True)


def test_a_group_has_a_row_of_its_own_and_is_not_sorted(tmp_path):
    table = grouped()
    assert [row[0].text for row in table.rows] == ["first", "a", "", "second", "a", ""]
    html, spreadsheet = write_page(
        Page("t", (table,), data=table.text), tmp_path / "g", ("html", "csv")
    )
    assert "<button" not in html.read_text(encoding="utf-8")
    with spreadsheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["group", "first", "first", "second", "second"]


def test_a_terminal_that_is_narrow_gets_groups_in_parts():
    text = io.StringIO()
    show_blocks([grouped()], Console(file=text, width=30, highlight=False))
    parts = text.getvalue().split("Grouped")[1:]
    assert len(parts) > 1
    assert [sum(f"{k + 0.5:.3f}" in part for part in parts) for k in range(4)] == [1] * 4
    assert "second" not in parts[0]  # rows without any cell


def test_formats_that_cannot_fold_show_what_is_folded(tmp_path):
    inner = Table(pd.DataFrame({"x": [1.0]}, index=["inside"]), "Inner")
    page = Page("t", (Section("S", (Text("said"), Fold("F", (inner, Code("code"))))),))
    text = io.StringIO()
    show(page, Console(file=text, width=80))
    assert "inside" in text.getvalue()
    html, markdown, word = write_page(page, tmp_path / "f", ("html", "md", "docx"))
    assert "<details>" in html.read_text(encoding="utf-8")
    assert '<a href="#s">S</a>' in html.read_text(encoding="utf-8")
    assert "## S" in markdown.read_text(encoding="utf-8")
    assert docx.Document(str(word)).tables[0].rows[1].cells[0].text == "inside"


def test_a_page_without_tables_can_be_written(tmp_path):
    paths = write_page(Page("t", (Text("nothing found"),)), tmp_path / "e", ("tex", "docx", "md"))
    assert "nothing found" in paths[0].read_text(encoding="utf-8")
    assert docx.Document(str(paths[1])).tables


def test_each_kind_of_number_has_one_rule():
    assert [p_value(p) for p in (0.00049, 0.0005, 0.05, 1.0, float("nan"))] == [
        *("<0.001", "0.001", "0.050", "1.000", "-")
    ]
    assert number(float("inf")) == "-"
    assert number(-1234.5, ".1f") == "-1234.5"
    assert interval(-1.0, 2.0, ".1f") == "-1.0 to 2.0"
    assert interval(float("nan"), 2.0) == "-"
    assert [listed(list(words)) for words in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
