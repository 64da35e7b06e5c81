"""Intervals of time, against sets of instants."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.results.intervals import Interval, clipped, length_ns, merged, without

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=300)
INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def instants(intervals: list[Interval]) -> set[int]:
    return {instant for start, end in intervals for instant in range(start, end)}


@EXAMPLES
@given(INTERVALS, INTERVALS)
def test_intervals_are_the_instants_in_them(ours: list[Interval], others: list[Interval]) -> None:
    assert instants(merged(ours)) == instants(ours)
    assert instants(without(ours, others)) == instants(ours) - instants(others)
    assert instants(clipped(ours, others)) == instants(ours) & instants(others)
    assert length_ns(merged(ours)) == len(instants(ours))


@EXAMPLES
@given(INTERVALS)
def test_intervals_stand_in_order_and_apart(ours: list[Interval]) -> None:
    found = merged(ours)
    assert all(start < end for start, end in found)
    assert all(first[1] < second[0] for first, second in pairwise(found))
