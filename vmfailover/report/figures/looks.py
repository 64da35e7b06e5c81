"""How the spans of a timeline look: told apart by brightness and hatching too, not by colour alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from matplotlib.axes import Axes
from matplotlib.patches import Patch

#: Spans in milliseconds, (from, length).
Spans = Iterable[tuple[float, float]]
_EDGE = "#333333"


@dataclass(frozen=True, slots=True)
class Look:
    """A fill."""

    label: str
    colour: str
    hatch: str = ""


class Span(Enum):
    """What a stretch of a lane means."""

    RUNNING = Look("VM runs", "#4878a8")
    WARMING = Look("VM runs, caches cold", "#8fb4d6", "----")
    PAUSED = Look("checkpoint pause", "#1a1a1a")
    STOPPED = Look("VM stopped to copy, or for log space", "#ffffff", "....")
    RECEIVING = Look("keeps the image", "#e6e9ee")
    SYNCHRONISING = Look("gets a copy of all memory", "#ffffff", "////")
    BUSY = Look("link busy: height is the share of time", "#b9cfe3")
    SENDING = Look("sends the rest of the epoch", "#c3ccd6", "||||")
    DETECTING = Look("detecting", "#fbe7a1", "//")
    FENCING = Look("fencing", "#f0a35e", "xx")
    APPLYING = Look("applying", "#b58cc2", "..")
    ACTIVATING = Look("activating", "#79b87a", "\\\\")


def draw(axes: Axes, lane: float, spans: Spans, kind: Span, height: float = 0.6) -> None:
    """Draw spans of a lane, whose middle is at the height `lane`."""
    look, filled = kind.value, [span for span in spans if span[1] > 0]
    axes.broken_barh(
        filled,
        (lane - height / 2, height),
        facecolor=look.colour,
        edgecolor=_EDGE if look.hatch else "none",
        hatch=look.hatch,
        linewidth=0.4 if look.hatch else 0,
    )


def legend_entry(kind: Span) -> Patch:
    """Return what a legend shows for spans of a kind."""
    look = kind.value
    return Patch(facecolor=look.colour, edgecolor=_EDGE, hatch=look.hatch, linewidth=0.4, label=look.label)
