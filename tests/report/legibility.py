"""Whether a figure can be read: its texts, where they are, and what covers what."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vmfailover.report.figures.canvas import save

#: Pixels by which the boxes of two texts may overlap without touching ink: the room above and below letters.
SLACK = 3


def drawn(axes: Axes) -> Figure:
    """Return the figure of axes, every part in its place."""
    figure = cast(Figure, axes.figure)
    figure.draw_without_rendering()
    return figure


def texts(figure: Figure) -> Iterator[Text]:
    """Every text that can be seen."""
    outside = {label for axes in figure.axes for label in _outside_labels(axes)}
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text not in outside:
            yield text


def words(artist: Figure | Axes) -> list[str]:
    """Every text of a figure or of a part of it."""
    return [text.get_text() for text in artist.findobj(Text) if isinstance(text, Text) and text.get_text().strip()]


def legend(figure: Figure) -> list[str]:
    """The entries of a figure's legend."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Texts that cover one another."""
    boxes = [(text.get_text(), _box(text)) for text in texts(figure)]
    return [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]


def cut_off(figure: Figure) -> list[str]:
    """Texts that are not wholly on the figure."""
    boxes = ((text.get_text(), _box(text)) for text in texts(figure))
    return [text for text, box in boxes if not (figure.bbox.contains(*box.min) and figure.bbox.contains(*box.max))]


def require_legible(axes: Axes) -> Figure:
    """Return the figure of axes; fail if its texts cover one another or are cut off."""
    figure = drawn(axes)
    assert not overlapping(figure)
    assert not cut_off(figure)
    return figure


def bytes_of(axes: Axes, path: Path) -> bytes:
    """Return the figure of axes as it is saved."""
    save(axes, path)
    return path.read_bytes()


def _outside_labels(axes: Axes) -> Iterator[Text]:
    """The labels of ticks that are beyond the ends of an axis, which matplotlib keeps but does not draw."""
    for axis, end in ((axes.xaxis, 0), (axes.yaxis, 1)):
        low, high = sorted(axis.get_view_interval())
        for label in (*axis.get_majorticklabels(), *axis.get_minorticklabels()):
            if not axes.axison or not low <= label.get_position()[end] <= high:
                yield label


def _box(text: Text) -> Bbox:
    extent = text.get_window_extent()
    return Bbox.from_extents(extent.x0, extent.y0 + SLACK, extent.x1, extent.y1 - SLACK)
