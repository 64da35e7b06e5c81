"""Traces as workloads: rotation, repetition, and the same records from whatever place."""

from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vmfailover.errors import InputError
from vmfailover.guest.workloads.trace import TraceWorkload
from vmfailover.guest.workloads.trace.accesses import TraceAccesses
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.traces.format import Columns, TraceError, TraceMetadata, open_trace, write_trace

REAL = Path(__file__).parents[3] / "scenarios" / "traces" / "redis-set.parquet"
ROWS = 1000
Repeat = bool | Literal["shifted"]
SETTINGS = settings(derandomize=True, deadline=None, max_examples=80)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Traces whose blocks are 0, 1, 2, …: of one vCPU, and of three (the third of which does nothing)."""
    folder = tmp_path_factory.mktemp("traces")
    block = np.arange(ROWS)
    for vcpus in (1, 3):
        vcpu = block % 2 if vcpus == 3 else 0 * block
        columns = Columns(*map(narrow, (vcpu, block, block % 2, block % 3 + 1, block % 5)))
        metadata = TraceMetadata(memory_bytes=1 << 20, vcpus=vcpus, source="a test")
        write_trace(folder / f"{vcpus}.parquet", [columns], metadata)
    return {vcpus: folder / f"{vcpus}.parquet" for vcpus in (1, 3)}


def narrow(values: NDArray[np.int64]) -> NDArray[Any]:
    return values.astype(np.uint32)


def opened(
    path: Path, vcpus: int, repeat: Repeat, chunk_records: int = 300, kept: bool = True, seed: int = 0
) -> Workload:
    trace = open_trace(path, chunk_records)
    trace.KEEP_RECORDS = ROWS if kept else 0
    return TraceAccesses(trace, vcpus, repeat, seed)


def blocks(source: Workload, vcpu: int, first: int, limit: int) -> list[tuple[int, int]]:
    """(number, block) of at most `limit` records from `first` on."""
    pairs = (
        (chunk.first + index, int(block))
        for chunk in source.chunks(vcpu, first)
        for index, block in enumerate(chunk.block)
    )
    return list(islice(pairs, limit))


@SETTINGS
@given(st.integers(0, 5000), st.integers(50, 1500), st.booleans())
def test_a_repeated_trace_starts_over(paths: dict[int, Path], first: int, chunk_records: int, kept: bool) -> None:
    source = opened(paths[1], 1, True, chunk_records, kept)
    expected = [(index, index % ROWS) for index in range(first, first + 2500)]
    assert blocks(source, 0, first, 2500) == expected


@SETTINGS
@given(st.integers(0, 1200), st.booleans())
def test_a_trace_that_is_not_repeated_ends(paths: dict[int, Path], first: int, kept: bool) -> None:
    expected = [(index, index) for index in range(first, ROWS)]
    assert blocks(opened(paths[1], 1, False, kept=kept), 0, first, 9999) == expected


@pytest.mark.parametrize("repeat", [False, True, "shifted"])
@pytest.mark.parametrize("recorded", [1, 3])
def test_the_vcpus_beyond_those_of_the_trace_stand_still(paths: dict[int, Path], recorded: int, repeat: Repeat) -> None:
    source = opened(paths[recorded], 5, repeat)
    alone = opened(paths[recorded], recorded, repeat)
    for vcpu in range(recorded):
        assert blocks(source, vcpu, 0, 1500) == blocks(alone, vcpu, 0, 1500)
    for vcpu in range(recorded, 5):
        assert blocks(source, vcpu, 0, 10) == []


@pytest.mark.parametrize("kept", [True, False])
def test_each_vcpu_has_its_own_records(paths: dict[int, Path], kept: bool) -> None:
    source = opened(paths[3], 3, True, kept=kept)
    assert blocks(source, 1, 498, 4) == [(498, 997), (499, 999), (500, 1), (501, 3)]
    assert blocks(source, 0, 0, 3) == [(0, 0), (1, 2), (2, 4)]
    assert blocks(source, 2, 0, 3) == []


@pytest.mark.parametrize("repeat", [False, True])
def test_copies_do_what_the_recorded_vcpus_do_in_memory_of_their_own(paths: dict[int, Path], repeat: Repeat) -> None:
    source = TraceAccesses(open_trace(paths[3], 300), 8, repeat, copies=True)
    for vcpu in range(8):
        copy, recorded = divmod(vcpu, 3)
        there = [(number, block + copy * (1 << 20) // 64) for number, block in blocks(source, recorded, 7, 1500)]
        assert blocks(source, vcpu, 7, 1500) == there


def test_shifted_repetitions_differ_from_copy_to_copy(paths: dict[int, Path]) -> None:
    source = TraceAccesses(open_trace(paths[1]), 2, "shifted", copies=True)
    there = [(block + (1 << 20) // 64, *others) for block, *others in repetition(source, 1)]
    other = repetition(source, 1, vcpu=1)
    assert sorted(there) != sorted(other)
    assert pages(other) <= set(range(256, 512))


@pytest.mark.parametrize("first", [0, 3, 5, 12])
def test_a_repeated_trace_idles_in_each_repetition(tmp_path: Path, first: int) -> None:
    ones = narrow(np.ones(5, np.int64))
    columns = Columns(0 * ones, ones, ones, ones, ones, np.array([0, 0, 70, 0, 0], np.uint64))
    metadata = TraceMetadata(memory_bytes=1 << 20, vcpus=1, source="a test")
    write_trace(tmp_path / "trace.parquet", [columns], metadata, idle_time=True)
    chunks = opened(tmp_path / "trace.parquet", 1, True).chunks(0, first)
    idle = {chunk.first: chunk.idle_ns for chunk in islice(chunks, 9)}
    assert [at for at, idle_ns in idle.items() if idle_ns == 70][:3] == [
        at for at in (2, 7, 12, 17, 22) if at >= first
    ][:3]


def test_other_vcpus_than_the_trace(paths: dict[int, Path]) -> None:
    with pytest.raises(InputError, match=r"3 vCPUs and the VM has 2; set vm.vcpus to 3"):
        opened(paths[3], 2, True)


def test_repeating_a_kept_trace_copies_nothing() -> None:
    source = open_workload(TraceWorkload(trace=REAL, repeat=True), 1)
    chunks = list(islice(source.chunks(0), 8))
    assert np.shares_memory(chunks[0].block, chunks[4].block)
    assert min(chunk.records for chunk in chunks) > 500_000
    assert [chunk.first for chunk in chunks] == np.cumsum([0, *(chunk.records for chunk in chunks[:-1])]).tolist()


def test_a_short_trace_is_repeated_many_times_a_chunk(paths: dict[int, Path]) -> None:
    chunks = list(islice(opened(paths[1], 1, True).chunks(0, 10), 3))
    assert [chunk.first for chunk in chunks] == [10, 16_010, 32_010]


# Shifted repetitions.


def repetition(source: Workload, number: int, vcpu: int = 0, records: int = ROWS) -> list[tuple[int, ...]]:
    """Return block, write, count and instructions of each record of a repetition."""
    found: list[tuple[int, ...]] = []
    for chunk in source.chunks(vcpu, number * records):
        columns = (chunk.block, chunk.write, chunk.count, chunk.instructions)
        found += zip(*(column.tolist() for column in columns), strict=True)
        if len(found) >= records:
            return found[:records]
    return found


def pages(records: list[tuple[int, ...]]) -> set[int]:
    return {record[0] // 64 for record in records}


def test_the_first_repetition_is_the_recording(paths: dict[int, Path]) -> None:
    assert repetition(opened(paths[1], 1, "shifted"), 0) == repetition(opened(paths[1], 1, True), 0)


def test_a_shifted_repetition_has_everything_of_the_recording_but_its_addresses(paths: dict[int, Path]) -> None:
    source = opened(paths[1], 1, "shifted")
    recorded = repetition(source, 0)
    for number in range(1, 12):
        again = repetition(source, number)
        assert sorted(record[1:] for record in again) == sorted(record[1:] for record in recorded)
        assert len({record[0] for record in again}) == len({record[0] for record in recorded})
        assert len(pages(again)) == len(pages(recorded))
        assert {record[0] % 64 for record in again} == {record[0] % 64 for record in recorded}
        assert all(record[0] < (1 << 20) // 64 for record in again)
        cut = next(place for place, record in enumerate(again) if record[0] == 0)
        assert [record[1:] for record in again[cut:] + again[:cut]] == [record[1:] for record in recorded]


def test_every_second_page_stays_and_the_others_are_moved_each_time_elsewhere(paths: dict[int, Path]) -> None:
    source = opened(paths[1], 1, "shifted")
    of_each = [pages(repetition(source, number)) for number in range(12)]
    staying = {page for page in of_each[0] if page % 2 == 0}
    assert all({page for page in each if page % 2 == 0} == staying for each in of_each)
    assert len({frozenset(each) for each in of_each}) > 9


def test_repetitions_begin_at_different_records(paths: dict[int, Path]) -> None:
    source = opened(paths[1], 1, "shifted")
    assert len({repetition(source, number)[0][1:] + repetition(source, number)[1][1:] for number in range(20)}) > 5


def test_the_vcpus_of_a_trace_are_moved_together(paths: dict[int, Path]) -> None:
    source = opened(paths[3], 3, "shifted")
    records = ROWS // 2
    for number in range(1, 6):
        assert pages(repetition(source, number, 0, records)) == pages(repetition(source, number, 1, records))
    assert repetition(source, 1, vcpu=2, records=5) == []


@SETTINGS
@given(first=st.integers(0, 7000), seed=st.integers(0, 3), chunk_records=st.integers(50, 1500), kept=st.booleans())
def test_a_shifted_stream_is_the_same_from_wherever_it_is_read(
    paths: dict[int, Path], first: int, seed: int, chunk_records: int, kept: bool
) -> None:
    whole = blocks(opened(paths[1], 1, "shifted", seed=seed), 0, 0, first + 1200)
    assert blocks(opened(paths[1], 1, "shifted", chunk_records, kept, seed), 0, first, 1200) == whole[first:]


def test_the_seed_decides_where_repetitions_are(paths: dict[int, Path]) -> None:
    one, other = (repetition(opened(paths[1], 1, "shifted", seed=seed), 1) for seed in (1, 2))
    assert one != other


def test_a_repeated_recording_goes_on_about_as_the_guest_did() -> None:
    """Of 13.3 M instructions 6,020 lines are modified; of 50 M, in a longer recording of that guest, 12,998."""
    source = open_workload(TraceWorkload(trace=REAL, repeat="shifted"), 1, seed=1)
    modified, instructions = [], 0
    for chunk in source.chunks(0):
        modified.append(np.unique(chunk.block[chunk.write == 1] // 2))
        instructions += int(chunk.instructions.sum())
        if instructions >= 50_000_000:
            break
    assert np.unique(np.concatenate(modified)).size == pytest.approx(12_998, rel=0.2)


def test_a_missing_trace() -> None:
    with pytest.raises(TraceError, match="does not exist"):
        open_workload(TraceWorkload(trace=Path("nowhere.parquet")), 1)
