"""What a study calls its cities: households, sheep, departments; and undirected dyads: pairs."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from analysis.tables.blocks import Block, Code, Page, Picture, Section, Table, Text

# not where it is a name: of a file, of a column in a formula
WORD = re.compile(r"(?<![\w`'/.\[(:])(cit(?:y|ies))(?!'(?!s\b)|[\w`(\])]|\.\w)", re.IGNORECASE)


PAIRS = re.compile(r"(d|D)irected dyads?")


def renamed(text: str, noun: str, plural: str, *, directed: bool = True) -> str:
    """Write a study's noun for the word city, and pair for undirected dyads."""

    def pair(found: re.Match[str]) -> str:
        word = "pair" + "s" * found[0].endswith("s")
        return word if found[1] == "d" else word.capitalize()

    if not directed:
        text = PAIRS.sub(pair, text)

    def other(found: re.Match[str]) -> str:
        word = noun if found[1].casefold() == "city" else plural
        return word[:1].upper() + word[1:] if found[1][0].isupper() else word

    return text if noun == "city" else WORD.sub(other, text)


def in_words_of(page: Page, noun: str, plural: str, *, directed: bool = True) -> Page:
    """Let a page speak of a study's cities by its own noun; tables' cells stay as they are."""
    if noun == "city" and directed:
        return page
    say = partial(renamed, noun=noun, plural=plural, directed=directed)
    return replace(
        page, subtitle=say(page.subtitle), blocks=tuple(_said(block, say) for block in page.blocks)
    )


def _said(block: Block, say: Callable[[str], str]) -> Block:
    match block:
        case Text():
            return replace(block, text=say(block.text))
        case Table():
            return _said_table(block, say)
        case Picture():
            return replace(block, caption=say(block.caption))
        case Section():
            within = tuple(_said(one, say) for one in block.blocks)
            return replace(block, title=say(block.title), blocks=within)
        case Code():
            return block


def _said_table(table: Table, say: Callable[[str], str]) -> Table:
    """Rename headings and the names of groups; the cells are the study's own."""
    data = table.data.rename(columns={name: say(str(name)) for name in table.data})
    if table.grouped:
        groups = {name: say(str(name)) for name in data.index.unique(0)}
        data = data.rename(index=groups, level=0)
        counted = {name: say(name) for name in ("cities", "directed dyads")}  # how many there are
        data = data.rename(index=counted, level=1)
    return replace(
        table,
        data=data,
        caption=say(table.caption),
        forms={say(heading): form for heading, form in table.forms.items()},
        notes=tuple(map(say, table.notes)),
    )
