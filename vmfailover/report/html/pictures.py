"""The figures of a page: those that there is something to show in, and why there are no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import svg
from vmfailover.report.html.page import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that a page may have."""

    title: str
    question: str
    #: Raises InputError if there is nothing to show.
    draw: Callable[[], Axes]
    #: What such an error begins with, before a colon.
    subject: str


def drawn(figures: Iterable[Figure]) -> tuple[list[Picture], list[str]]:
    """Return the figures that can be drawn, whose titles must differ, and a line for each other one that says why."""
    pictures, missing = [], []
    for figure in figures:
        try:
            pictures.append(Picture(figure.title, figure.question, svg(figure.draw(), figure.title)))
        except InputError as error:
            missing.append(f"{figure.title}: {str(error).splitlines()[0].removeprefix(f'{figure.subject}: ')}.")
    return pictures, missing
