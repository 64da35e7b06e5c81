"""Distinct numbers: none is lost, and what comes again takes no memory."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.replication.distinct import SPARE, DistinctNumbers, distinct


def held(numbers: DistinctNumbers) -> int:
    return sum(part.size for part in numbers)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 50)))
def test_each_number_once_and_in_order(numbers: list[int]) -> None:
    assert distinct(np.array(numbers, np.int64)).tolist() == sorted(set(numbers))


def test_what_comes_again_and_again_is_held_about_once() -> None:
    collected = DistinctNumbers()
    some = np.arange(0, 2 * SPARE, 2)
    for shift in range(50):
        collected.add(some + shift % 2)
        assert held(collected) <= 4 * SPARE + SPARE + some.size
    assert distinct(np.concatenate([*collected])).tolist() == list(range(2 * SPARE))


def test_numbers_that_are_all_different_stay_in_their_parts() -> None:
    collected = DistinctNumbers()
    collected.add(np.arange(2 * SPARE))
    collected.add(np.arange(2 * SPARE, 3 * SPARE))
    collected.add(np.arange(0))
    assert [part.size for part in collected] == [2 * SPARE, SPARE]
    collected.clear()
    assert [*collected] == []
    collected.add(np.arange(3))
    assert held(collected) == 3
