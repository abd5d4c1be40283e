"""What every page says of a study's data: what became of its dyads, what looks wrong, the noun."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.tables.blocks import Page, Text
from analysis.tables.nouns import in_words_of
from data.declaration import Declaration


def remarks(notes: tuple[str, ...], cautions: tuple[str, ...]) -> list[Text]:
    """Say what became of a study's dyads, and what looks wrong with them."""
    told = [Text(f"Data: {'; '.join(notes)}.")] if notes else []
    return told + [Text(f"Caution: {caution}.", warns=True) for caution in cautions]


def with_data(page: Page, attributes: Mapping[Any, Any]) -> Page:
    """Add to a page of results what is to be known of their data.

    Parameters
    ----------
    attributes : mapping
        `Study.words`, as files of results hold them.
    """
    notes, cautions = (
        tuple(json.loads(attributes.get(name, "[]"))) for name in ("notes", "data_cautions")
    )
    whole = replace(page, blocks=(*page.blocks, *remarks(notes, cautions)))
    if "declaration" not in attributes:
        return whole
    return in_nouns(whole, Declaration.model_validate_json(attributes["declaration"]))


def in_nouns(page: Page, declaration: Declaration) -> Page:
    """Let a page speak of a study's cities by its own noun."""
    directed = declaration.dyads.directed
    return in_words_of(page, declaration.noun, declaration.nouns, directed=directed)
