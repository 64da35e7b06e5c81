"""The address log: nothing lost, nothing twice, nothing else, in order, however often the buffer goes round."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import kernel, reference
from vmfailover.hardware.cache.state import PADDING, Register, new_logs
from vmfailover.hardware.memory import MemoryRange

INITIAL = 1 << 20
LINE_BYTES = 64
ENTRIES_PER_LINE = 8
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=80)

twins = pytest.mark.parametrize("twin", [reference, kernel], ids=["reference", "kernel"])


def new_log(twin: ModuleType = kernel, lines: int = 4) -> AddressLog:
    return AddressLog.of_only_vm(twin, MemoryRange(INITIAL // LINE_BYTES, lines), LINE_BYTES)


def fill(log: AddressLog, first: int, count: int) -> list[int]:
    addresses = [LINE_BYTES * line for line in range(first, first + count)]
    for address in addresses:
        log.append(address)
    return addresses


class Story:
    """A log, and a list of what went in and of what came out."""

    def __init__(self, twin: ModuleType, lines: int) -> None:
        self.twin = twin
        self.log = new_log(twin, lines)
        self.capacity = (lines - 1) * ENTRIES_PER_LINE
        self.logged: list[int] = []
        self.found: list[int] = []
        self.positions: list[int] = []
        self.fills = [0.0]

    def do(self, step: str, number: int) -> None:
        if step == "log":
            self.append(number)
        elif step == "flush":
            self.twin.flush(self.log.logs, 0)
        elif step == "read":
            self.found += self.log.read().tolist()
            self.positions.append(self.log.next)
        elif self.positions:
            released = number % len(self.positions)
            self.log.release(self.positions[released])
            del self.positions[: released + 1]
        self.fills.append(1 - self.log.free_entries / self.capacity)

    def append(self, count: int) -> None:
        for _ in range(min(count, self.log.free_entries)):
            self.logged.append(len(self.logged) * LINE_BYTES)
            self.log.append(self.logged[-1])


STEPS = st.lists(st.tuples(st.sampled_from(["log", "log", "flush", "read", "release"]), st.integers(1, 30)))


@twins
@EXAMPLES
@given(lines=st.integers(2, 5), steps=STEPS)
def test_what_is_read_is_what_was_logged(twin: ModuleType, lines: int, steps: list[tuple[str, int]]) -> None:
    story = Story(twin, lines)
    for step, number in [*steps, ("read", 1)]:
        story.do(step, number)
        assert 0 <= story.log.free_entries <= story.capacity
        assert story.log.peak_fill == pytest.approx(max(story.fills))
    assert story.found == story.logged


@twins
def test_the_log_goes_round_many_times(twin: ModuleType) -> None:
    story = Story(twin, 3)
    for _ in range(50):
        for step in ("log", "read", "release"):
            story.do(step, 11)
    assert len(story.logged) == 50 * 11
    assert story.found == story.logged


def test_a_new_log_has_its_registers_where_the_manager_defined_it() -> None:
    log = new_log(lines=4)
    assert (log.next, log.tail, log.size) == (INITIAL, INITIAL, 4 * LINE_BYTES)
    assert log.logs.registers[0, Register.WRAP] == INITIAL + 4 * LINE_BYTES
    assert log.read().size == 0
    assert log.peak_fill == 0


def test_logs_beside_each_other_have_their_own_place_size_and_entries() -> None:
    logs = new_logs(vms=2, size=4 * LINE_BYTES, line_bytes=LINE_BYTES)
    first, second = (AddressLog(kernel, logs, vm, MemoryRange(100 + 10 * vm, 4 - vm), 0) for vm in range(2))
    addresses = fill(second, 0, 9)
    assert (first.next, second.tail, second.size) == (100 * LINE_BYTES, 110 * LINE_BYTES, 3 * LINE_BYTES)
    assert (first.entries, second.entries) == (0, 9)
    assert first.read().size == 0
    assert second.read().tolist() == addresses
    second.release(second.next)
    assert second.read().size == 0
    more = fill(second, 9, 9)
    assert second.read().tolist() == more
    assert second.next == 111 * LINE_BYTES
    assert (first.capacity, second.capacity) == (3 * ENTRIES_PER_LINE, 2 * ENTRIES_PER_LINE)


def test_one_line_stays_free() -> None:
    log = new_log(lines=4)
    assert log.free_entries == 3 * ENTRIES_PER_LINE
    fill(log, 0, log.free_entries)
    assert log.free_entries == 0
    assert log.next != log.tail
    assert log.peak_fill == 1


def test_addresses_are_collected_and_written_a_line_at_a_time() -> None:
    log = new_log()
    addresses = fill(log, 0, ENTRIES_PER_LINE - 1)
    assert log.next == INITIAL
    addresses += fill(log, ENTRIES_PER_LINE - 1, 1)
    assert log.next == INITIAL + LINE_BYTES
    assert log.logs.ring[0, :ENTRIES_PER_LINE].tolist() == addresses


def test_next_goes_back_to_initial_at_wrap() -> None:
    log = new_log(lines=2)
    for turn in range(2):
        assert log.next == INITIAL + turn * LINE_BYTES
        fill(log, 0, ENTRIES_PER_LINE)
        log.read()
        log.release(log.next)
    assert log.next == INITIAL


def test_padding_takes_space_but_is_not_read() -> None:
    log = new_log()
    addresses = fill(log, 5, 3)
    assert log.read().tolist() == addresses
    assert log.free_entries == 2 * ENTRIES_PER_LINE
    assert np.count_nonzero(log.logs.ring[0, :ENTRIES_PER_LINE] == PADDING) == ENTRIES_PER_LINE - 3


def test_an_address_is_read_once() -> None:
    log = new_log()
    fill(log, 0, 2)
    log.read()
    later = fill(log, 7, 1)
    assert log.read().tolist() == later
    assert log.read().size == 0


def test_space_is_free_again_when_released_not_when_read() -> None:
    log = new_log()
    fill(log, 0, 2 * ENTRIES_PER_LINE)
    log.read()
    position = log.next
    assert log.free_entries == ENTRIES_PER_LINE
    fill(log, 20, ENTRIES_PER_LINE)
    log.release(position)
    assert log.tail == position
    assert log.free_entries == 2 * ENTRIES_PER_LINE


def test_the_peak_outlasts_its_release() -> None:
    log = new_log()
    fill(log, 0, 2 * ENTRIES_PER_LINE)
    log.read()
    log.release(log.next)
    fill(log, 0, 1)
    assert log.peak_fill == pytest.approx(2 / 3)


@pytest.mark.parametrize("reserve", [0, 5])
def test_the_limit_leaves_a_reserve(reserve: int) -> None:
    log = new_log()
    fill(log, 0, 2)
    log.set_limit(reserve)
    assert log.logs.registers[0, Register.LIMIT] == log.free_entries - reserve
    fill(log, 2, 3)
    assert log.logs.registers[0, Register.LIMIT] == log.free_entries - reserve
