"""Intervals of simulated time."""

from collections.abc import Iterable

#: (from, to) in nanoseconds.
Interval = tuple[int, int]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same time in order, without overlaps and without what has no length."""
    found: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def length_ns(intervals: Iterable[Interval]) -> int:
    """Return how long intervals are that do not overlap, nanoseconds."""
    return sum(end - start for start, end in intervals)


def length_of(interval: Interval | None) -> int | None:
    """Return how long an interval is that may not be, nanoseconds."""
    return interval and interval[1] - interval[0]


def without(intervals: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Return the time that is in `intervals` and in none of `others`, in order."""
    gone = merged(others)
    left: list[Interval] = []
    first = 0
    for start, end in merged(intervals):
        while first < len(gone) and gone[first][1] <= start:
            first += 1
        number = first
        while number < len(gone) and gone[number][0] < end:
            left.append((start, gone[number][0]))
            start = max(start, gone[number][1])
            number += 1
        left.append((start, end))
    return merged(left)


def clipped(intervals: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Return the time that is in `intervals` and in one of `others`, in order."""
    intervals = list(intervals)
    return without(intervals, without(intervals, others))
