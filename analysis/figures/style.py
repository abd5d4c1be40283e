"""What figures share: colours, sizes, the caption, files."""

import json
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data.files import replacing

# Okabe and Ito's colours, which all eyes tell apart
INK, MARK, OTHER, ACCENT, FAINT = "#1b1b1b", "#0072b2", "#d55e00", "#009e73", "#8c8c8c"
WIDTH = 7.0  # inches; a figure over two columns of a page
SMALL, TEXT = 7.5, 8.5  # points
LINE = 110  # characters of a caption's line at WIDTH
DPI = 200


def caption(figure: Figure, about: Mapping[Hashable, Any], shown: str) -> None:
    """Say below a figure what it shows, so that it can be read alone."""
    synthetic = ", ".join(json.loads(about["synthetic"]))
    made = (
        f"{about['title']}: {about['model']}, {about['priors']} priors, "
        f"{about['chains']} x {about['draws']} draws."
    )
    write_below(
        figure,
        f"{made} {shown}",
        f"Synthetic data: {synthetic}. Not findings about the world." if synthetic else "",
        _caveat(about),
    )


def _caveat(about: Mapping[Hashable, Any]) -> str:
    return "" if about["passed"] else "This fit fails its diagnostics: do not interpret it."


def write_below(figure: Figure, *lines: str) -> None:
    """Write lines below a figure, wrapped to its width.

    Parameters
    ----------
    *lines : str
        Each begins a new line; empty ones are passed over.
    """
    width = int(LINE * figure.get_figwidth() / WIDTH)
    text = "\n".join(textwrap.fill(line, width) for line in lines if line)
    figure.supxlabel(escaped(text), fontsize=SMALL, color=INK, x=0.01, ha="left")


def escaped(text: str) -> str:
    """Keep dollar signs from beginning a formula."""
    return text.replace("$", r"\$")


def plain_axes(panel: Axes, title: str = "") -> None:
    """Take away what an axes does not need, and write its title."""
    if title:
        panel.set_title(title, fontsize=TEXT, loc="left", color=INK)
    panel.tick_params(labelsize=SMALL, colors=INK)
    panel.spines[["top", "right"]].set_visible(False)


def thinned_labels(labels: Sequence[str], most: int) -> list[str]:
    """Blank some labels so that those that remain do not overlap.

    Returns
    -------
    list of str
        As many; evenly spaced ones are kept, the others empty.
    """
    step = -(-len(labels) // most)
    return [label if number % step == 0 else "" for number, label in enumerate(labels)]


def shortened(label: str, most: int = 16) -> str:
    """Cut a label that would take the room of what it labels."""
    return label if len(label) <= most else f"{label[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG, each whole or not at all."""
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    for path in paths:
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=DPI)
    return paths
