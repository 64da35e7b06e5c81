"""The processor unit: what things cost, which stores are flagged, and what the other host would read."""

from typing import Any

import numpy as np
import pytest
from computers import EXAMPLES, LINES, address_log, execute, flags, processor, store
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache.state import Cost, Counter, Leaving, Mode
from vmfailover.hardware.processor import FS_PER_NS, Processor, Tracking

#: Memory: 80 ns, four misses at once, 128 bytes at 128 GB/s.
ROUND: dict[str, Any] = {"clock": "1 GHz", "memory": {"latency": "80 ns", "bandwidth": "128 GB/s", "parallelism": 4.0}}
NO_L3: dict[str, Any] = {"l3": None}


def costs_ns(**keys: Any) -> dict[str, float]:
    costs = processor(**{**ROUND, **keys}).state.costs[0]
    return {cost.name: costs[cost] / FS_PER_NS for cost in Cost}


def test_costs_are_those_of_the_host() -> None:
    assert costs_ns(base_cpi=2.0) == {
        "INSTRUCTION": 2,
        "L2": 13 / 4,
        "L3": 27 / 4,
        "MEMORY": 20,
        "TRANSFER": 40 / 4,
        "LOG_WRITE": 1,
        "FIRST_STORE": 0,
        "EXIT": 0,
    }


def test_other_cores_are_as_far_as_the_host_says_and_an_l3_that_is_not_there_as_memory() -> None:
    costs = costs_ns(**NO_L3, core_to_core="60 ns")
    assert (costs["L3"], costs["MEMORY"], costs["TRANSFER"]) == (20, 20, 15)


def test_cycles_are_those_of_the_clock() -> None:
    assert processor(clock="4 GHz").cycles_fs(6) == 1_500_000


def test_parallelism_is_the_workloads_or_the_hosts_and_of_one_core() -> None:
    unit = processor(2, **ROUND)
    unit.set_parallelism(1, 1.0)
    assert unit.state.costs[:, Cost.MEMORY].tolist() == [20 * FS_PER_NS, 80 * FS_PER_NS]
    assert unit.state.costs[:, Cost.L2].tolist() == [13 * FS_PER_NS // 4, 13 * FS_PER_NS]
    unit.set_parallelism(1, 0.0)
    assert unit.state.costs[1].tolist() == unit.state.costs[0].tolist()


def test_no_more_misses_overlap_than_the_host_lets() -> None:
    unit = processor(**ROUND)
    before = unit.state.costs.copy()
    unit.set_parallelism(0, 100.0)
    assert unit.state.costs.tolist() == before.tolist()


def test_contention_makes_memory_slower_and_nothing_else() -> None:
    unit = processor(**ROUND)
    before = unit.state.costs.copy()
    unit.set_memory_factor(2.5)
    changed = np.flatnonzero(unit.state.costs[0] != before[0])
    assert changed.tolist() == [Cost.MEMORY]
    assert unit.state.costs[0, Cost.MEMORY] == 2.5 * before[0, Cost.MEMORY]
    unit.set_memory_factor(1.0)
    assert (unit.state.costs == before).all()


def test_a_walk_takes_its_cycles_for_every_set() -> None:
    sets = 16
    assert processor(**ROUND).scan_walk_ns == sets
    assert processor(2, **ROUND, scan_cycles_per_set="3 cycles").scan_walk_ns == 3 * sets
    assert processor(clock="3 GHz").scan_walk_ns == -(-sets // 3)


def test_only_stores_in_the_first_mode_are_flagged() -> None:
    unit, log = processor(), address_log()
    store(unit, [1, 2], log)
    assert (flags(unit), unit.dirty_rows) == (0, 2)
    unit.set_first_mode(0, True)
    execute(unit, [(2, True), (3, True), (4, False)], log)
    assert sorted(unit.flagged_lines) == [2, 3]
    unit.set_first_mode(0, False)
    store(unit, [5], log)
    assert flags(unit) == 2


def test_a_mode_is_of_one_core() -> None:
    unit, log = processor(2), address_log()
    unit.set_first_mode(1, True)
    store(unit, [1], log, core=0)
    store(unit, [2], log, core=1)
    assert unit.flagged_lines.tolist() == [2]


def test_a_scan_logs_the_flagged_lines_and_clears_their_flags() -> None:
    unit, log = processor(), address_log()
    unit.set_first_mode(0, True)
    store(unit, [9, 4], log)
    log.set_limit()
    assert unit.scan(0, log.logs, 0) == 16
    assert sorted(log.read() // 128) == [4, 9]
    assert (flags(unit), unit.dirty_rows) == (0, 2)
    assert unit.count(Counter.LOG_SCAN) == 2


def test_a_write_around_the_caches_sets_no_flag_and_is_seen() -> None:
    unit, log = processor(), address_log()
    unit.set_first_mode(0, True)
    store(unit, [7], log)
    unit.write_around(np.array([7]), log.logs)
    versions, held = unit.fetch(np.array([7]))
    assert (versions.tolist(), held, flags(unit)) == ([2], (0, 0), 0)
    assert (log.read() // 128).tolist() == [7]
    assert unit.count(Counter.LOG_TRANSFER) == 1


def test_a_fetch_finds_the_newest_copy_and_leaves_it() -> None:
    unit, log = processor(2), address_log()
    store(unit, [3, 3, 5], log)
    store(unit, [5, 6], log, core=1)
    versions, held = unit.fetch(np.array([3, 4, 5, 6]))
    assert (versions.tolist(), held, held.lines) == ([2, 0, 2, 1], (1, 2), 3)
    assert unit.memory.versions[3] == 0
    assert unit.dirty_rows == 3


ACCESSES = st.lists(st.tuples(st.integers(0, LINES - 1), st.booleans()), min_size=1, max_size=300)


@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, 1), ACCESSES), max_size=6))
def test_dirty_rows_are_those_dirtied_and_not_written_back(turns: list[tuple[int, list[tuple[int, bool]]]]) -> None:
    unit, log = processor(2), address_log(lines=256)
    for core, accesses in turns:
        execute(unit, accesses, log, core)
        assert unit.dirty_lines_balance


@pytest.mark.parametrize("counter", [Counter.DIRTIED, Counter.WRITEBACKS])
def test_a_dirty_row_that_is_lost_upsets_the_balance(counter: Counter) -> None:
    unit = processor()
    store(unit, [1, 2], address_log())
    unit.state.counters[counter] += 1
    assert not unit.dirty_lines_balance


@EXAMPLES
@given(ACCESSES)
def test_a_fetch_reads_what_the_stores_have_made(accesses: list[tuple[int, bool]]) -> None:
    unit = processor()
    execute(unit, accesses, address_log(lines=256))
    versions, _ = unit.fetch(np.arange(LINES))
    written = [sum(1 for other, write in accesses if write and other == line) for line in range(LINES)]
    assert versions.tolist() == unit.image().tolist() == written
    assert unit.written_units(8).tolist() == sorted({line // 8 for line, count in enumerate(written) if count})


def test_a_core_works_that_has_executed_something() -> None:
    unit, log = processor(3), address_log()
    assert unit.working_cores == 1
    for core, working in ((1, 1), (0, 2), (1, 2)):
        store(unit, [1], log, core=core)
        assert unit.working_cores == working


# Stores that are noted by unit.

PAGES = Tracking(Mode.FIRST_STORES, Leaving.FORGET, unit_lines=4)
UNDO = Tracking(Mode.FIRST_STORES, Leaving.LOG, keep_undo=True)


def noting(tracking: Tracking) -> tuple[Processor, AddressLog]:
    unit, log = processor(tracking=tracking), address_log()
    unit.set_first_mode(0, True)
    return unit, log


def test_an_interval_notes_the_units_stored_to() -> None:
    unit, log = noting(PAGES)
    store(unit, [1, 2, 9], log)
    unit.note_stores(np.array([40, 41]))
    assert unit.noted_units.tolist() == [0, 2, 10]
    unit.begin_interval()
    assert unit.noted_units.size == 0
    store(unit, [9], log)
    assert unit.noted_units.tolist() == [2]


def test_stores_of_others_keep_what_they_overwrite_once() -> None:
    unit, log = noting(UNDO)
    store(unit, [5, 5], log)
    unit.begin_interval()
    unit.note_stores(np.array([5, 6]))
    unit.write_around(np.array([5, 6]), log.logs)
    unit.note_stores(np.array([5]))
    assert unit.state.undo[[5, 6]].tolist() == [2, 0]


def test_cleaning_writes_dirty_rows_back_and_keeps_them() -> None:
    unit, log = noting(PAGES)
    store(unit, [1, 2, 2], log)
    assert unit.clean() == 2
    assert unit.clean() == 0
    assert unit.memory.versions[[1, 2]].tolist() == [1, 2]
    assert unit.fetch(np.array([1, 2]))[1] == (2, 0)
    assert unit.dirty_rows == 0
    assert unit.dirty_lines_balance


@EXAMPLES
@given(stored=st.lists(st.integers(0, LINES - 1), max_size=60), lines=st.sets(st.integers(0, LINES - 1), max_size=40))
def test_what_is_overwritten_is_what_is_read(stored: list[int], lines: set[int]) -> None:
    unit, log = noting(PAGES)
    store(unit, stored, log)
    before, _ = unit.fetch(np.arange(LINES))
    overwritten = np.array(sorted(lines), np.int64)
    unit.overwrite(overwritten, np.full(overwritten.size, 777, np.uint32))
    after, _ = unit.fetch(np.arange(LINES))
    before[overwritten] = 777
    assert after.tolist() == before.tolist()
    assert unit.dirty_lines_balance
