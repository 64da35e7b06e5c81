"""How results come to be seen: they ask here, and what lies above them, which knows how, answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Display(Protocol):
    """What turns results into something to look at."""

    def html(self, shown: Any) -> str:
        """Return what a notebook shows of a result."""

    def plots(self, shown: Any) -> Any:
        """Return the figures that there are of a result, a method each."""

    def save_picture(self, shown: Any, path: Path) -> None:
        """Write the picture that belongs into a result's folder; raise OSError if it cannot be written."""


_display: list[Callable[[], Display]] = []


def use(display: Callable[[], Display]) -> None:
    """Let results be shown by what `display` returns, which is called when something is shown."""
    _display[:] = [display]


def display() -> Display:
    """Return what shows results."""
    return _display[0]()


class Shown:
    """A result that a notebook shows as more than its text."""

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        return display().html(self)


class Plotted(Shown):
    """A result that there are figures of."""

    @property
    def plot(self) -> Any:
        """The figures of the result, as in `result.plot.timeline()`; their classes are in `vmfailover.report.plots`."""
        return display().plots(self)
