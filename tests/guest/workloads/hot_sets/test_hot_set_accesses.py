"""What executes of hot sets: stores, loads and instructions, tick by tick."""

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

import numpy as np
import pytest
from hot_set_programs import hot_sets, periodic_set, random_set, stream_set

from vmfailover.guest.access_buffer import Replay
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.traces.accesses import AccessChunk

TICK = 100_000
SLOW = pytest.mark.slow
#: Lengths of windows in seconds, and how many there are.
WINDOWS = [(0.0001, 2_000), (0.002, 100), pytest.param(0.05, 8, marks=SLOW), pytest.param(1.0, 2, marks=SLOW)]
COLUMNS = ("block", "write", "count", "instructions")
MIXED = hot_sets(
    random_set(100_000, "64 KiB", loads=0.7),
    stream_set(7_000, burst="512 B", stores=2.5, loads=1.3),
    periodic_set(20_000, "8 KiB", vcpus=[1]),
)


def columns(chunks: Iterator[AccessChunk]) -> AccessChunk:
    """Return chunks as one."""
    taken = list(chunks)
    joined: Any = (np.concatenate([getattr(chunk, name) for chunk in taken]) for name in COLUMNS)
    return AccessChunk(taken[0].first, *joined)


def until(workload: Workload, end_ns: int, vcpu: int = 0) -> AccessChunk:
    """Return what a vCPU does before a guest time."""
    return columns(takewhile(lambda chunk: chunk.not_before_ns < end_ns, workload.chunks(vcpu)))


def rows(chunks: Iterator[AccessChunk]) -> list[tuple[int, ...]]:
    """Return each record with its number and the time before which it does not begin."""
    return [
        (chunk.first + index, chunk.not_before_ns, *(int(getattr(chunk, name)[index]) for name in COLUMNS))
        for chunk in chunks
        for index in range(chunk.records)
    ]


@pytest.mark.parametrize("vcpu", [0, 1])
def test_a_stream_can_be_begun_at_any_number(vcpu: int) -> None:
    whole = rows(islice(open_workload(MIXED, 2).chunks(vcpu), 60))
    last = whole[-1][0]
    for first in (1, whole[5][0], whole[200][0], whole[200][0] + 1, whole[300][1] // TICK << 20, last):
        again = rows(islice(open_workload(MIXED, 2).chunks(vcpu, first), 60))
        assert [row for row in again if row[0] <= last] == [row for row in whole if row[0] >= first]


def test_loads_go_where_stores_go() -> None:
    spec = hot_sets(random_set(2_000_000, "64 KiB", within="128 B", stride="8 KiB", loads=3))
    chunk = until(open_workload(spec, 1), 50 * TICK)
    loaded, stored = (set(chunk.block[chunk.write == write]) for write in (0, 1))
    assert loaded == stored
    assert len(stored) == 32


def test_a_chunk_is_a_tick_and_does_not_begin_before_it() -> None:
    workload = open_workload(MIXED, 2)
    chunks = list(islice(workload.chunks(0), 50))
    firsts = {chunk.not_before_ns // TICK: chunk.first for chunk in chunks}
    assert len(firsts) == 50
    step = firsts[1] - firsts[0]
    assert all(first == tick * step for tick, first in firsts.items())
    assert max(chunk.records for chunk in chunks) <= step


def test_a_replay_stops_and_goes_on_between_records_and_in_gaps() -> None:
    workload = open_workload(MIXED, 2)
    whole = list(islice(workload.chunks(1), 30))
    expected = rows(iter(whole))
    ends = [
        whole[3].first + 7,
        whole[9].first,
        whole[12].first + whole[12].records,
        whole[12].first + 5_000,
        whole[29].first,
    ]
    replay = Replay(workload, 1, 0)
    found = [row for end in ends for row in rows(replay.up_to(end))]
    assert found == [row for row in expected if row[0] < ends[-1]]


def test_a_vcpu_that_visits_no_set_does_nothing() -> None:
    assert list(open_workload(hot_sets(random_set(vcpus=[1])), 2).chunks(0)) == []


@pytest.mark.parametrize(
    ("stores", "loads", "blocks"), [(1.0, 0.0, 1), (1.25, 0.4, 4), (3.0, 2.6, 3), (10.5, 0.01, 64)]
)
def test_stores_loads_and_instructions_have_their_means(stores: float, loads: float, blocks: int) -> None:
    each = random_set(100_000, burst=f"{64 * blocks} B", stores=stores, loads=loads)
    done = until(open_workload(hot_sets(each, instructions_per_access=5.3), 1), 10**8)
    written = done.write == 1
    visits = np.count_nonzero(written) / blocks
    accesses = done.count.sum(dtype=float)
    assert visits == pytest.approx(10_000, rel=0.04)
    assert done.count[written].sum() == pytest.approx(visits * blocks * stores, rel=0.005)
    assert done.count[~written].sum() == pytest.approx(visits * blocks * stores * loads, rel=0.02)
    assert done.instructions.sum(dtype=float) == pytest.approx(accesses * 5.3, rel=0.001)


def test_a_visit_stores_to_the_blocks_of_its_burst_in_one_page() -> None:
    done = until(open_workload(hot_sets(random_set(10_000, burst="320 B")), 1), 10**8)
    bursts = done.block.reshape(-1, 5).astype(int)
    assert np.all(np.diff(bursts) == 1)
    assert np.all(bursts[:, 0] // 64 == bursts[:, 4] // 64)


@pytest.mark.parametrize(("kind", "pages"), [(random_set, 256), (stream_set, 256)])
def test_loads_are_of_the_set(kind: Any, pages: int) -> None:
    spec = hot_sets(random_set(memory="4 KiB"), kind(20_000, offset="64 KiB", loads=3.0))
    done = until(open_workload(spec, 1), 3 * 10**8)
    loaded = done.block[done.write == 0]
    assert set(np.unique(loaded // 64)) == set(range(16, 16 + pages))
    assert np.bincount(loaded % 64) == pytest.approx(np.full(64, loaded.size / 64), rel=0.3)


def test_loads_of_a_stream_are_of_the_page_that_is_visited() -> None:
    done = until(open_workload(hot_sets(stream_set(20_000, loads=3.0)), 1), 10**8)
    page, stored = done.block // 64, done.write == 1
    visited = page[np.flatnonzero(stored)[np.searchsorted(np.flatnonzero(stored), np.arange(page.size - 3))]]
    assert np.array_equal(page[: visited.size], visited)


def expected_units(spec: HotSetsWorkload, seconds: float, unit: int) -> float:
    """Return the mean distinct units stored to in a time: for each set and unit of a page, 1 - exp(-visits to it)."""
    units = 0.0
    for each in spec.sets:
        blocks, pages = each.burst // 64, each.memory // 4096
        begins = range(0, 65 - blocks, blocks if blocks & (blocks - 1) == 0 else 1)
        touched = [{(begin + block) // (unit // 64) for block in range(blocks)} for begin in begins]
        share = np.array([sum(place in those for those in touched) for place in range(4096 // unit)]) / len(touched)
        units += pages * float(np.sum(1 - np.exp(-each.visits / pages * seconds * share)))
    return units


def stored_in_windows(workload: Workload, seconds: float, windows: int) -> list[Any]:
    """Return the blocks stored to in each of some windows of guest time, one after the other."""
    blocks: list[list[Any]] = [[] for _ in range(windows)]
    for chunk in takewhile(lambda each: each.not_before_ns < windows * seconds * 1e9, workload.chunks(0)):
        blocks[int(chunk.not_before_ns / (seconds * 1e9))].append(chunk.block[chunk.write == 1])
    return [np.concatenate(each) for each in blocks]


@pytest.mark.parametrize(("seconds", "windows"), WINDOWS)
def test_distinct_units_in_a_window_are_those_of_the_formula(seconds: float, windows: int) -> None:
    spec = hot_sets(
        random_set(400_000, "1 MiB"),
        random_set(90_000, "24 MiB", burst="128 B"),
        random_set(10_000, "8 MiB", burst="448 B"),
        random_set(2_000, "64 MiB", burst="4 KiB"),
    )
    stored = stored_in_windows(open_workload(spec, 1), seconds, windows)
    for unit in (64, 128, 4096):
        counted = np.mean([np.unique(blocks // (unit // 64)).size for blocks in stored])
        assert counted == pytest.approx(expected_units(spec, seconds, unit), rel=0.02)


def test_a_stream_touches_as_many_pages_as_it_visits_until_it_comes_round() -> None:
    stored = stored_in_windows(open_workload(hot_sets(stream_set(40_000, burst="4 KiB")), 1), 0.005, 40)
    pages = [np.unique(blocks // 64).size for blocks in stored]
    assert all(199 <= each <= 201 for each in pages)
    (around,) = stored_in_windows(open_workload(hot_sets(stream_set(40_000)), 1), 0.02, 1)
    assert np.unique(around // 64).size == 256
