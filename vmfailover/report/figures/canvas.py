"""What all figures have in common: how they begin, how they look, and how they are saved."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vmfailover.notebook import in_notebook

#: Dots an inch of a figure as a bitmap.
DOTS_PER_INCH = 100
#: Points of text beside titles.
TEXT = 9
#: Dots an inch of a bitmap within a drawing, and the points of an artist from which on it is one there.
_BITMAP_DOTS = 200
_MANY = 3000
#: Characters of a title that fit into an inch.
_CHARACTERS = 11.7
DARK = "#222222"
ALARM = "#b3261e"
BLUE = "#4878a8"
ORANGE = "#f0a35e"
GREY = "#c3ccd6"
#: Fills that differ in brightness and in hatching, for what is stacked or side by side.
FILLS = ((BLUE, ""), (GREY, "////"), (ORANGE, ".."), ("#ffffff", "xxxx"), ("#1a1a1a", ""), ("#b58cc2", "\\\\\\\\"))
#: Lines that differ in dashes, and their colours.
LINES = ((BLUE, "-"), (ALARM, "--"), (DARK, ":"), (ORANGE, "-."), ("#79b87a", (0, (5, 1))), ("#b58cc2", (0, (1, 1))))


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """Make a figure, inches, to be drawn on in matplotlib's default style while the context lasts.

    In a notebook it is one of pyplot's, which are shown below their cell. Elsewhere it belongs to no window
    and to no state of matplotlib.
    """
    make = _make_shown() if in_notebook() else _make
    with matplotlib.style.context("default"):
        yield make(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def _make_shown() -> Callable[..., Figure]:
    """Return what makes a figure of pyplot, with the notebook's backend set up: within a style, that would not last."""
    from matplotlib import pyplot

    pyplot.draw_if_interactive()  # type: ignore[no-untyped-call]
    return pyplot.figure


def _make(**options: Any) -> Figure:
    figure = Figure(**options)
    FigureCanvasAgg(figure)
    return figure


def entitle(figure: Figure, title: str) -> None:
    """Put a title above a figure, at its left, in as many lines as it needs, about as long as one another."""
    lines = balanced(title, int(figure.get_figwidth() * _CHARACTERS))
    figure.suptitle("\n".join(lines), fontsize=11, x=0.01, ha="left", parse_math=False)


def balanced(text: str, width: int) -> list[str]:
    """Return the lines of a text, as few as fit the width, and none much longer than another."""

    def wrapped(columns: int) -> list[str]:
        return textwrap.wrap(text, columns, break_on_hyphens=False)

    longest_word = min(width, max(map(len, text.split()), default=1))
    fewest = len(wrapped(width))
    return wrapped(next(columns for columns in range(longest_word, width + 1) if len(wrapped(columns)) == fewest))


def tidy(axes: Axes, x: str = "", y: str = "") -> None:
    """Leave of the frame what is needed, and label the axes that are given a label."""
    axes.tick_params(labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)
    if x:
        axes.set_xlabel(x, fontsize=TEXT)
    if y:
        axes.set_ylabel(y, fontsize=TEXT)


def figure_of(axes: Axes) -> Figure:
    """Return the figure that axes are part of."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def save(axes: Axes, path: Path) -> None:
    """Write the figure of axes as a PNG file; the same figure gives the same bytes."""
    figure_of(axes).savefig(path, format="png", metadata={"Software": None})


def svg(axes: Axes, salt: str) -> str:
    """Return the figure of axes as an SVG element without a background; the same figure gives the same text.

    `salt` keeps the names in it apart from those of other figures on the same page. What has very many points is a
    bitmap in it.
    """
    figure, text = figure_of(axes), StringIO()
    for artist in (*figure.findobj(Collection), *figure.findobj(Line2D)):
        artist.set_rasterized(bool(artist.get_rasterized()) or _points(artist) > _MANY)
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        metadata = {"Date": None, "Creator": None}
        figure.savefig(text, format="svg", metadata=metadata, transparent=True, dpi=_BITMAP_DOTS)
    return text.getvalue()[text.getvalue().index("<svg") :]


def _points(artist: Artist) -> int:
    if isinstance(artist, Collection):
        return sum(np.shape(path.vertices)[0] for path in artist.get_paths())
    return np.size(artist.get_xdata()) if isinstance(artist, Line2D) else 0
