"""What a page of a report consists of, and how it becomes HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True)
class Card:
    """A number that matters most."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, an SVG element, with the question that it answers."""

    title: str
    question: str
    svg: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; `key` is what it is sorted by, a number or a text, and numbers stand at the right."""

    text: str
    key: float | str


@dataclass(frozen=True, slots=True)
class Table:
    """A table that readers can sort by any column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    #: Whether it is folded until the reader wants it.
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A report."""

    title: str
    #: The verdict in words.
    headline: str
    #: Whether all is well.
    sound: bool
    #: What the report is of: names and values.
    provenance: Sequence[tuple[str, str]]
    cards: Sequence[Card]
    #: What a person reads in ten seconds: subjects and lines about them.
    summary: Sequence[tuple[str, str]] = ()
    pictures: Sequence[Picture] = ()
    #: Figures that there are not, and why.
    missing: Sequence[str] = ()
    tables: Sequence[Table] = ()
    #: The scenario as a file.
    scenario: str = ""


def render(page: Page) -> str:
    """Return a page as one HTML file that needs no other; the same page gives the same text."""
    return _environment().get_template("page.html").render(page=page)


def render_fragment(page: Page) -> str:
    """Return the headline, the cards and the tables of a page as HTML to be shown among other things."""
    return _environment().get_template("fragment.html").render(page=page)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("vmfailover.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
