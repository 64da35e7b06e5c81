"""Differences to what was sent before: smaller where it is at hand, and it is at hand as long as the cache says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.replication.compression import Compressor
from vmfailover.scenario.replication import Compression

PAGE = 4096


def compressor(pages: int) -> Compressor:
    spec = Compression.model_validate({"ratio": 8.0, "speed": "1 GB/s", "cache": f"{pages * PAGE} B"})
    return Compressor(spec, PAGE)


def test_the_first_time_a_unit_goes_whole_and_then_as_a_difference() -> None:
    first = compressor(10)
    assert first.compress(np.array([3, 4])) == (2 * PAGE, 0)
    assert first.compress(np.array([3, 4, 5])) == (PAGE + 2 * PAGE // 8, 2 * PAGE)


def test_the_unit_sent_longest_ago_falls_out() -> None:
    small = compressor(2)
    small.compress(np.array([1, 2]))
    small.compress(np.array([1]))
    small.compress(np.array([3]))
    assert small.compress(np.array([1]))[0] == PAGE // 8
    assert small.compress(np.array([2]))[0] == PAGE


@settings(derandomize=True, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), unique=True), max_size=8), st.integers(0, 12))
def test_never_more_than_the_units_themselves(sent: list[list[int]], pages: int) -> None:
    some = compressor(pages)
    for units in sent:
        content, duration_ns = some.compress(np.array(units, np.int64))
        assert len(units) * PAGE // 8 <= content <= len(units) * PAGE
        assert (duration_ns == 0) == (content == len(units) * PAGE)
