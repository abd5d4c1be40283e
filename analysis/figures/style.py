"""What figures share: colours, sizes, backends, the caption, files."""

import html
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import arviz as az
import xarray as xr
from arviz import PlotCollection
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from analysis.tables.nouns import renamed
from data.errors import ResultsError, suggest
from data.files import replacing
from models.inference.fit import Fit

BACKENDS = ("matplotlib", "plotly")
# Okabe and Ito's colours, which all eyes tell apart
INK, MARK, OTHER, ACCENT, FAINT = "#1b1b1b", "#0072b2", "#d55e00", "#009e73", "#8c8c8c"
WIDTH = 7.0  # inches; a figure over two columns of a page
SMALL, TEXT = 7.5, 8.5  # points
LINE = 110  # characters of a caption's line at WIDTH
DPI = 200
PIXELS = 130  # an inch, of a figure in a browser
MATPLOTLIB: Any = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.constrained_layout.use": True,
    "lines.markersize": 4,
    "text.color": INK,
    "text.parse_math": False,  # names hold dollar signs
    **{f"axes.{part}color": INK for part in ("label", "title")},
    **{f"axes.{part}size": SMALL for part in ("label", "title")},
    **{f"{axis}tick.color": INK for axis in "xy"},
    **{f"{axis}tick.labelsize": SMALL for axis in "xy"},
    **dict.fromkeys(("font.size", "legend.fontsize"), SMALL),
}
SIGN, WITHIN = r"[_(*:+,-]", r"[^_(*:+,-]"  # behind which a label is broken

type Drawn = Figure | PlotCollection


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style; also a decorator."""
    panels = az.rc_context({"plot.max_subplots": None})
    with plt.rc_context(MATPLOTLIB), panels, warnings.catch_warnings():
        # counts may be; and what has few bins is no chain
        for message in (".* look binary", "Found chain dimension to be longer"):
            warnings.filterwarnings("ignore", message=message)
        yield


def checked_backend(name: str) -> str:
    """Refuse a backend that there is not."""
    if name not in BACKENDS:
        raise ResultsError(f"no backend '{name}'; {suggest(name, BACKENDS)}")
    try:
        import_module(f"arviz_plots.backend.{name}")
    except ImportError:
        raise ResultsError(
            f"{name} is not installed; run `pip install 'interlocal[{name}]'`"
        ) from None
    return name


def sized(backend: str, height: float, **shared: Any) -> dict[str, Any]:
    """Give the size of a figure, its height in inches, as PlotCollection takes it."""
    if checked_backend(backend) == "matplotlib":
        return {"figsize": (WIDTH, height), **shared}
    size = {"figsize": (WIDTH * PIXELS, height * PIXELS), "figsize_units": "dots"}
    return {**size, "vertical_spacing": 0.85 / height, **shared}


def canvas(drawn: PlotCollection) -> Any:
    """Give the functions that draw on a figure's panels, whichever backend it has."""
    return import_module(f"arviz_plots.backend.{drawn.backend}")


def titled(drawn: PlotCollection, dim: str, titles: Mapping[str, str]) -> None:
    """Write the titles of panels, by their label along a dim."""
    for label, title in titles.items():
        panel = drawn.get_target(label, {dim: label})
        canvas(drawn).title(plain(title, drawn.backend), panel)


def rule(drawn: PlotCollection, at: Any, orientation: str = "vertical", **look: Any) -> None:
    """Draw a line across each panel, at one place or at its variable's own."""
    look = {"color": INK, "linestyle": "C1", "alpha": 1, "width": 1} | look
    az.add_lines(drawn, at, orientation, visuals={"ref_line": look})


def plain(text: str, backend: str) -> str:
    """Write a text so that a backend shows it as it stands."""
    if backend == "matplotlib":  # see MATPLOTLIB
        return text
    return html.escape(text, quote=False).replace("\n", "<br>")


def finished(drawn: PlotCollection, lines: Sequence[str]) -> Drawn:
    """Write the caption, in place of legends; give the figure, or the collection of plotly."""
    figure = drawn.viz["figure"].item()
    if isinstance(figure, Figure):
        plt.close(figure)  # pyplot need not know it any longer
        for legend in figure.legends:
            legend.remove()
        write_below(figure, *lines)
        return figure
    text = plain("\n".join(textwrap.fill(line, LINE + 15) for line in lines if line), "plotly")
    # above, where plotly has titles: it does not know how long the labels below an axis are
    room = 17 * (1 + text.count("<br>"))
    height = figure.layout.height + room
    place = {"x": 0.01, "xref": "container", "y": 1 - 15 / height, "yanchor": "top"}
    figure.update_layout(
        template="simple_white",
        title={"text": text, "font": {"size": 12}, **place},
        font={"size": 12, "color": INK},
        height=height,
        margin={"t": 70 + room, "r": 110},
        modebar_orientation="v",
        showlegend=False,
    )
    for trace in figure.data:  # sizes are pixels there, and points here
        if trace.type == "scatter" and trace.marker.size:
            trace.marker.size *= 1.6
    return drawn


def worded(tree: xr.DataTree, text: str) -> str:
    """Write a fit's own words for its cities and dyads into a text."""
    declared = Fit(tree).declaration
    return renamed(text, declared.noun, declared.nouns, directed=declared.dyads.directed)


def caption(tree: xr.DataTree, shown: str) -> list[str]:
    """Say what a figure shows, so that it can be read alone."""
    fit = Fit(tree)
    made = f"{fit.title}: {fit.model}, {fit.priors} priors"
    draws = f"{fit.settings.chains} x {fit.settings.draws} draws"
    caveat = "" if fit.passed else "This fit fails its diagnostics: do not interpret it."
    data = f"Data: {'; '.join(fit.notes)}." if fit.notes else ""
    return [f"{made}, {draws}. {worded(tree, shown)}", synthetic_line(fit), data, caveat]


def synthetic_line(fit: Fit) -> str:
    columns = ", ".join(fit.synthetic)
    return f"Synthetic data: {columns}. Not findings about the world." if columns else ""


def write_below(figure: Figure, *lines: str) -> None:
    """Write lines below a figure, wrapped to its width; empty ones are left out."""
    width = int(LINE * figure.get_figwidth() / WIDTH)
    text = "\n".join(textwrap.fill(line, width) for line in lines if line)
    figure.supxlabel(text, fontsize=SMALL, color=INK, x=0.01, ha="left", parse_math=False)


def broken(label: str, width: int) -> str:
    """Break a long label into lines: between its words, within long ones behind their signs."""
    lines = [""]
    for word in re.findall(r"\S+\s*", label):
        pieces = [word]
        if len(word.rstrip()) > width:
            pieces = re.findall(rf"{WITHIN}{{1,{width - 1}}}{SIGN}?|{SIGN}", word)
        for piece in pieces:
            if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def ticks_apart(top: float, scale: Callable[[float], float], least: int = 0) -> list[float]:
    """Give 0 and numbers from 10^least on that stand apart on a scale, up to the top."""
    ticks = [0.0]
    for tick in (step * 10.0**power for power in range(least, 9) for step in (1, 2, 5)):
        if tick <= top and scale(tick) - scale(ticks[-1]) > 0.09 * scale(top):
            ticks.append(tick)
    return ticks


def thinned_labels(labels: Sequence[str], most: int) -> dict[int, str]:
    """Keep evenly spaced labels, by their places, few enough not to overlap."""
    step = -(-len(labels) // most)
    return {place: label for place, label in enumerate(labels) if place % step == 0}


def shortened(label: str, most: int = 16) -> str:
    """Cut a label that would take the room of what it labels."""
    return label if len(label) <= most else f"{label[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def save_figure(drawn: Drawn, stem: Path) -> list[Path]:
    """Write a figure, whole or not at all: as PNG and SVG, or as a page that needs no network."""
    kinds = ("png", "svg") if isinstance(drawn, Figure) else ("html",)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    for path in paths:
        with replacing(path) as temporary, styled():
            if isinstance(drawn, Figure):
                drawn.savefig(temporary, format=path.suffix[1:], dpi=DPI)
            else:
                drawn.viz["figure"].item().write_html(temporary, include_plotlyjs=True)
    return paths
