"""Instructions for recordings that do not tell them: by the access, or by the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from vmfailover.errors import ParameterError
from vmfailover.traces.convert.operations import NO_ACCESS, Operations, chosen_of

__all__ = ["Pace", "by_access", "by_time"]

#: Instructions since the first operation that are believed, at most.
_MOST = 2.0**60
#: Gives operations their instructions.
Pace = Callable[[Iterator[Operations]], Iterator[Operations]]


def by_access(instructions: float) -> Pace:
    """Return a pace at which each access comes with so many instructions, on average exactly."""
    exact = Fraction(instructions).limit_denominator(1000)

    def paced(pieces: Iterator[Operations]) -> Iterator[Operations]:
        before = 0
        for piece in pieces:
            accesses = before + np.cumsum(piece.kind != NO_ACCESS)
            total = accesses * exact.numerator // exact.denominator
            start = before * exact.numerator // exact.denominator
            before = int(accesses[-1]) if len(accesses) else before
            yield piece._replace(instructions=np.diff(total, prepend=start))

    return paced


def by_time(per_nanosecond: float, name: str) -> Pace:
    """Return a pace at which so many instructions pass in a nanosecond of each thread's time.

    It raises ParameterError for accesses of the format `name` that tell no time.
    """

    def paced(pieces: Iterator[Operations]) -> Iterator[Operations]:
        last: dict[int, int] = {}
        start: float | None = None
        for piece in pieces:
            mask = piece.kind != NO_ACCESS
            if not mask.any():
                continue
            if np.isnan(piece.time[mask]).any():
                raise ParameterError("clock_hz", f"needs times, and {name} tells none here", remedy="leave it out")
            accesses = chosen_of(piece, mask)
            start = float(accesses.time[0]) if start is None else start
            yield _timed(accesses._replace(time=accesses.time - start), per_nanosecond, last)

    return paced


def _timed(piece: Operations, rate: float, last: dict[int, int]) -> Operations:
    """Return accesses with the instructions since their thread's last one, of which `last` has the total by then."""
    totals = np.rint(np.clip(piece.time * rate, -_MOST, _MOST)).astype(np.int64)
    instructions = np.zeros_like(totals)
    for thread in np.unique(piece.thread).tolist():
        mine = piece.thread == thread
        own = np.maximum.accumulate(totals[mine])
        own = np.maximum(own, last.get(thread, own[0]))
        instructions[mine] = np.diff(own, prepend=last.get(thread, own[0]))
        last[thread] = int(own[-1])
    return piece._replace(instructions=instructions)
