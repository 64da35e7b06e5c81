"""The failover latency and its parts as one bar, readable without colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from rich.console import Console, ConsoleOptions
from rich.text import Text

from vmfailover.report.quantities import duration
from vmfailover.results.run_result import RunResult

#: Characters of the longest bar.
WIDEST_BAR = 80


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the latency, and how it looks."""

    name: str
    duration_ns: int
    glyph: str
    #: Stands for the glyph where the terminal has only ASCII.
    plain: str
    style: str


_LOOKS = (
    ("detection", "█", "#", "yellow"),
    ("fencing", "▓", "=", "magenta"),
    ("apply", "▒", "+", "cyan"),
    ("activation", "░", "-", "green"),
)


class Breakdown:
    """A bar of all parts of the latency that came to pass, with their times and their sum."""

    def __init__(self, result: RunResult) -> None:
        """Show the failover of a run in which something failed."""
        self.parts = list(_parts(result))
        self._title = _title(result)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Give the lines of the bar."""
        plain = not options.encoding.startswith("utf")
        total = duration(sum(part.duration_ns for part in self.parts))
        yield Text(f"{self._title} {total}", style="bold")
        yield _bar(self.parts, min(options.max_width, WIDEST_BAR), plain)
        yield Text("   ").join(_entry(part, plain) for part in self.parts)


def _title(result: RunResult) -> str:
    if result.values["failover.detection_ns"] is None:
        return "takeover"
    return "failover" if result.values["failover.latency_ns"] is not None else "failover not finished after"


def _parts(result: RunResult) -> Iterator[Part]:
    for name, *look in _LOOKS:
        value = result.values[f"failover.{name}_ns"]
        if value is not None:
            yield Part(name, int(value), *look)


def _bar(parts: Sequence[Part], width: int, plain: bool) -> Text:
    cells = zip(parts, _widths([part.duration_ns for part in parts], width), strict=True)
    return Text.assemble(*(((part.plain if plain else part.glyph) * cell, part.style) for part, cell in cells))


def _widths(amounts: Sequence[int], width: int) -> list[int]:
    """Share out `width` characters in proportion; what is more than nothing gets one at least."""
    total = max(1, sum(amounts))
    edges = [round(amount * width / total) for amount in accumulate(amounts, initial=0)]
    shared = zip(amounts, pairwise(edges), strict=True)
    return [max(end - start, 1 if amount else 0) for amount, (start, end) in shared]


def _entry(part: Part, plain: bool) -> Text:
    glyph = part.plain if plain else part.glyph
    return Text.assemble((glyph, part.style), f"\N{NO-BREAK SPACE}{part.name} {duration(part.duration_ns)}")
