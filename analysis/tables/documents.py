"""Pages as LaTeX, Typst and Word: their tables, with what is said around each as its notes."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import lazy_loader
import pandas as pd

from analysis.tables.blocks import Page, Table, Text, unfolded

maketables = lazy_loader.load("maketables")  # which imports much

PACKAGES = "% needs the packages booktabs, graphicx, makecell and threeparttable\n"
NARROW = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{\begin{tabular}"
PAGES = "#set text(size: 8pt)\n#show figure: set block(breakable: true)\n"
TEX_STYLE = {
    "tab_width": None,
    "data_align": "r",
    "group_intro": r"\footnotesize",
    "first_row_addlinespace": None,
    "data_addlinespace": None,
}
# "[" and "*" behind the end of a row would belong to it
TEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{sign: f"{{{sign}}}" for sign in "[]*"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
TYPST = {sign: f"\\{sign}" for sign in "\\`*_#$@<>[]{}~=/\"'"}
ASIDE = 0xE000  # private characters, which signs pass through maketables as: it escapes some only


def latex(page: Page) -> str:
    """Write a page's tables as LaTeX, to be read by \\input."""
    text = _written(page, TEX, "tex", tex_style=TEX_STYLE)
    text = text.replace(r"\begin{tabular}", NARROW)  # no wider than the page
    return PACKAGES + text.replace(r"\end{tabular}", r"\end{tabular}}")


def typst(page: Page) -> str:
    """Write a page's tables as Typst."""
    return PAGES + _written(page, TYPST, "typst", typst_style={"notes_font_size": "7pt"})


def word(page: Page) -> bytes:
    """Write a page's tables as a Word file."""
    style = {"prevent_page_breaks": False, "notes_align": "left"}
    whole, *others = (
        _made(table, {}).make(type="docx", docx_style=style) for table in _tables(page)
    )
    for document in others:
        for element in document.element.body[:-1]:  # the last says what paper it is on
            whole.element.body.insert_element_before(element, "w:sectPr")
    content = io.BytesIO()
    whole.save(content)
    return content.getvalue()


def _written(page: Page, escapes: Mapping[str, str], kind: str, **style: object) -> str:
    made = [_made(table, escapes).make(type=kind, **style) for table in _tables(page)]
    back = {ASIDE + ord(sign): escape for sign, escape in escapes.items()}
    return "\n\n".join(made).translate(back) + "\n"


def _made(table: Table, escapes: Mapping[str, str]) -> Any:
    """Make maketables' table of ours, with signs that are to be escaped put aside."""

    def aside(text: object) -> str:
        return str(text).translate({ord(sign): ASIDE + ord(sign) for sign in escapes})

    text = table.text
    if not table.grouped:  # there is room for one column of labels
        text = text.reset_index(level=list(range(1, text.index.nlevels)))
    text, notes = text.map(aside).rename(columns=aside, index=aside), " ".join(table.notes)
    return maketables.MTable(text, aside(notes), aside(table.caption), rgroup_sep="t")


def _tables(page: Page) -> list[Table]:
    """Give a page's tables, each with what is said around it, so that it can stand alone."""
    found: list[tuple[Table, list[str]]] = []
    before = [page.subtitle]
    for block in unfolded(page.blocks):
        said = found[-1][1] if found else before
        if isinstance(block, Table):
            found.append((block, [*block.notes] if found else [*before, *block.notes]))
        elif isinstance(block, Text):
            said.append(block.text)
    found = found or [(Table(pd.DataFrame(index=[""]), "No table"), before)]
    title, warning = page.title, page.warning
    return [
        replace(table, caption=f"{title}. {table.caption}.", notes=(*filter(None, said), warning))
        for table, said in found
    ]
