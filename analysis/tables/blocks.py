"""What a page is made of, before it is text, HTML, Markdown, LaTeX or a Word file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.tables.table import Table
from analysis.tables.words import synthetic_sentence


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    warns: bool = False


@dataclass(frozen=True)
class Code:
    """Lines to be read or typed as they stand."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A figure."""

    path: Path
    alt: str
    caption: str


@dataclass(frozen=True)
class Fold:
    """Blocks that a page shows when a reader asks for them; other formats cannot fold."""

    title: str
    blocks: tuple["Block", ...]


@dataclass(frozen=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: tuple["Block", ...]

    @property
    def anchor(self) -> str:
        return self.title.casefold().replace(" ", "-")


Block = Text | Code | Table | Picture | Fold | Section


@dataclass(frozen=True)
class Page:
    """Blocks that are printed or written together.

    Attributes
    ----------
    synthetic : tuple of str
        The columns that are simulated, which every format says.
    """

    title: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    synthetic: tuple[str, ...] = ()

    @property
    def warning(self) -> str:
        return synthetic_sentence(self.synthetic)

    @property
    def sections(self) -> list[Section]:
        return [block for block in self.blocks if isinstance(block, Section)]


def unfolded(blocks: Iterable[Block]) -> Iterator[Block]:
    """Go through blocks, and in place of a fold or a section through its own."""
    for block in blocks:
        if isinstance(block, Fold | Section):
            yield Text(f"{block.title}.")
            yield from unfolded(block.blocks)
        else:
            yield block
