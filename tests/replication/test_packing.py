"""Messages of units: all lines once and in order, as many a message as fit, each unit with its address."""

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.replication.modification_tracker import lines_of
from vmfailover.replication.packing import UnitPacking
from vmfailover.scenario.sizes import ADDRESS_BYTES

from .machinery import LINE_BYTES, LINES, new_site


def packing(**keys: object) -> UnitPacking:
    return UnitPacking(new_site(simpy.Environment(), **keys))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(units=st.lists(st.integers(0, 7), unique=True), batch=st.integers(1, 100), grain=st.sampled_from([1, 32]))
def test_every_line_goes_once_with_its_version(units: list[int], batch: int, grain: int) -> None:
    lines = lines_of(np.array(units, np.int64), grain, LINES)
    versions = (lines * 3).astype(np.uint32)
    granularity = {"replication.protocol": "page-write-protect"} if grain == 32 else {}
    messages = packing(**{"replication.batch": batch, **granularity}).pack(4, lines, versions)
    assert [line for message in messages for line in message.lines.tolist()] == lines.tolist()
    assert [version for message in messages for version in message.versions.tolist()] == versions.tolist()
    assert all(message.epoch == 4 for message in messages)
    assert all(message.lines.size <= max(grain, batch) for message in messages)
    contents = sum(message.content_bytes for message in messages)
    assert contents == lines.size * LINE_BYTES + len(units) * ADDRESS_BYTES


def test_every_message_takes_its_time_to_prepare() -> None:
    messages = packing(**{"replication.batch": 10, "hypervisor.message": "3 us"}).pack(
        0, np.arange(25), np.zeros(25, np.uint32)
    )
    assert [message.preparation_ns for message in messages] == [3000, 3000, 3000]


def test_compressed_units_take_time_to_prepare() -> None:
    compressing = packing(
        **{
            "replication.protocol": "page-write-protect",
            "replication.compression": {"ratio": 4.0, "speed": "1 GB/s"},
            "hypervisor.message": "3 us",
        }
    )
    lines = np.arange(32)
    versions = np.zeros(32, np.uint32)
    (whole,) = compressing.pack(0, lines, versions)
    (difference,) = compressing.pack(1, lines, versions)
    assert (whole.content_bytes, whole.preparation_ns) == (ADDRESS_BYTES + 4096, 3000)
    assert (difference.content_bytes, difference.preparation_ns) == (ADDRESS_BYTES + 1024, 4096 + 3000)


@pytest.mark.parametrize(("unit_lines", "lines"), [(1, [1, 7]), (4, [4, 5, 6, 7, 28, 29])])
def test_lines_of_units_end_with_memory(unit_lines: int, lines: list[int]) -> None:
    assert lines_of(np.array([1, 7]), unit_lines, 30).tolist() == lines
