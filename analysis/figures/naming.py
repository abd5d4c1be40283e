"""Names and labels in figures: escaped, broken into lines, placed where there is room."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from analysis.figures.style import INK, escaped

NAME_SIZE = 7.0  # points
# where a name may stand beside its point: right, left, above, below, then the corners
PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))

SIGN, WITHIN = r"[_(*:+,-]", r"[^_(*:+,-]"  # behind which a term is broken


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


def place_names(
    panel: Axes,
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    radius: Sequence[float],
) -> list[str]:
    """Write names beside points, the first ones first, each only where it covers nothing."""
    figure = panel.figure.get_figure(root=True)
    assert figure is not None  # noqa: S101 - an axes has one
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.draw_without_rendering()  # the layout settles where things are
    pixels = figure.dpi / 72
    at = panel.transData.transform(np.column_stack([x, y]))
    reach = np.asarray(radius, dtype=float) * pixels
    taken = [Bbox([centre - r, centre + r]) for centre, r in zip(at, reach, strict=True)]
    inside, shown = panel.get_window_extent(renderer), []
    for k, name in enumerate(names):
        text = panel.annotate(
            escaped(name),
            (x[k], y[k]),
            (0, 0),
            textcoords="offset points",
            fontsize=NAME_SIZE,
            color=INK,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )
        text.set_in_layout(False)  # the layout is settled
        size = text.get_window_extent(renderer)
        for right, up in PLACES:
            # the corners lie on the mark's circle, the sides beyond it
            gap = (reach[k] + pixels) * (0.75 if right and up else 1)
            low = at[k] + [
                right * gap + size.width * (right - 1) / 2,
                up * gap + size.height * (up - 1) / 2,
            ]
            box = Bbox.from_bounds(low[0], low[1], size.width, size.height)
            others = taken[:k] + taken[k + 1 :]
            if _holds(inside, box) and box.count_overlaps(others) == 0:
                text.set_position(tuple((low - at[k]) / pixels))
                text.set(ha="left", va="bottom")
                taken.append(box)
                shown.append(name)
                break
        else:
            text.remove()
    return shown


def _holds(outer: Bbox, inner: Bbox) -> bool:
    (low, high), (lowest, highest) = inner.get_points(), outer.get_points()
    return bool(np.all(low >= lowest) and np.all(high <= highest))
