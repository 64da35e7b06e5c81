"""The failover latency and its stages as one bar, readable without colour."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from rich.text import Text

from vmfailover.results.quantities import duration
from vmfailover.results.run_result import RunResult

#: Characters of the longest bar.
WIDEST_BAR = 80
_GAP = "   "


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the latency, and how it looks."""

    name: str
    duration_ns: int
    glyph: str
    style: str


#: Looks of the stages of each part; the last of them is that of every further one.
_LOOKS = {
    "detection": ("█▚▞▙", "yellow"),
    "election": ("▦", "blue"),
    "fencing": ("▓", "magenta"),
    "promotion": ("▤", "blue"),
    "apply": ("▒", "cyan"),
    "activation": ("░", "green"),
}


def breakdown(result: RunResult, width: int) -> Iterator[Text]:
    """Yield lines of at most `width` characters: the latency, a bar of the parts that came to pass, and their times.

    There are none for a run without any of them.
    """
    parts = list(_parts(result))
    if parts:
        yield Text(f"{_title(result)} {duration(sum(part.duration_ns for part in parts))}", style="bold")
        yield bar(parts, min(width, WIDEST_BAR))
        yield from legend(parts, width)


def _title(result: RunResult) -> str:
    if result.values["failover.detection_ns"] is None:
        return "takeover"
    return "failover" if result.values["failover.latency_ns"] is not None else "failover not finished after"


def _parts(result: RunResult) -> Iterator[Part]:
    seen: Counter[str] = Counter()
    for stage in result.failover_stages:
        look = stage.name if stage.name in _LOOKS else stage.part
        glyphs, style = _LOOKS[look]
        yield Part(stage.name, stage.duration_ns, glyphs[min(seen[look], len(glyphs) - 1)], style)
        seen[look] += 1


def bar(parts: Sequence[Part], width: int) -> Text:
    """Return the parts side by side in proportion, `width` characters in all."""
    cells = zip(parts, _widths([part.duration_ns for part in parts], width), strict=True)
    return Text.assemble(*((part.glyph * cell, part.style) for part, cell in cells))


def _widths(amounts: Sequence[int], width: int) -> list[int]:
    """Share out `width` characters; what is more than nothing gets one at least, at the expense of the widest."""
    total = sum(amounts)
    if not total:
        return [0] * len(amounts)
    edges = [round(amount * width / total) for amount in accumulate(amounts, initial=0)]
    shared = [end - start or (amount > 0) for amount, (start, end) in zip(amounts, pairwise(edges), strict=True)]
    shared[shared.index(max(shared))] -= sum(shared) - width
    return shared


def legend(parts: Sequence[Part], width: int) -> Iterator[Text]:
    """Yield lines of at most `width` characters that tell the parts' times; no entry is broken."""
    line = Text()
    for part in parts:
        entry = Text.assemble((part.glyph, part.style), f" {part.name} {duration(part.duration_ns)}")
        if line and len(line) + len(_GAP) + len(entry) > width:
            yield line
            line = Text()
        line = Text.assemble(line, _GAP, entry) if line else entry
    yield line
