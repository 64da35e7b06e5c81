"""Traces as workloads: rotation, repetition, and the same records from whatever place."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vmfailover.errors import InputError
from vmfailover.guest.workloads import Workload, open_workload
from vmfailover.guest.workloads.trace import TraceAccesses
from vmfailover.scenario.workload import TraceWorkload
from vmfailover.traces.format import Columns, TraceError, TraceMetadata, open_trace, write_trace

REAL = Path(__file__).parents[3] / "scenarios" / "traces" / "redis-set.parquet"
ROWS = 1000
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


def opened(path: Path, vcpus: int, repeat: bool, chunk_records: int = 300, kept: bool = True) -> Workload:
    trace = open_trace(path, chunk_records)
    trace.KEEP_RECORDS = ROWS if kept else 0
    return TraceAccesses(trace, vcpus, repeat)


def blocks(source: Workload, vcpu: int, first: int, limit: int) -> list[tuple[int, int]]:
    """(number, block) of at most `limit` records from `first` on."""
    pairs = (
        (chunk.first + index, int(block))
        for chunk in source.chunks(vcpu, first)
        for index, block in enumerate(chunk.block)
    )
    return list(islice(pairs, limit))


@SETTINGS
@given(st.integers(1, 4), st.data(), st.integers(0, 5000), st.integers(50, 1500), st.booleans())
def test_a_repeated_trace_is_rotated(
    paths: dict[int, Path], vcpus: int, data: st.DataObject, first: int, chunk_records: int, kept: bool
) -> None:
    vcpu = data.draw(st.integers(0, vcpus - 1))
    source = opened(paths[1], vcpus, True, chunk_records, kept)
    expected = [(index, (index + vcpu * ROWS // vcpus) % ROWS) for index in range(first, first + 2500)]
    assert blocks(source, vcpu, first, 2500) == expected


@SETTINGS
@given(st.integers(1, 4), st.data(), st.integers(0, 1200), st.booleans())
def test_a_trace_that_is_not_repeated_ends(
    paths: dict[int, Path], vcpus: int, data: st.DataObject, first: int, kept: bool
) -> None:
    vcpu = data.draw(st.integers(0, vcpus - 1))
    lead = vcpu * ROWS // vcpus
    expected = [(index, index + lead) for index in range(first, ROWS - lead)]
    assert blocks(opened(paths[1], vcpus, False, kept=kept), vcpu, first, 9999) == expected


@pytest.mark.parametrize("kept", [True, False])
def test_each_vcpu_has_its_own_records(paths: dict[int, Path], kept: bool) -> None:
    source = opened(paths[3], 3, True, kept=kept)
    assert blocks(source, 1, 498, 4) == [(498, 997), (499, 999), (500, 1), (501, 3)]
    assert blocks(source, 0, 0, 3) == [(0, 0), (1, 2), (2, 4)]
    assert blocks(source, 2, 0, 3) == []


def test_other_vcpus_than_the_trace(paths: dict[int, Path]) -> None:
    with pytest.raises(InputError, match=r"3 vCPUs and the VM has 2; set vm.vcpus to 3"):
        opened(paths[3], 2, True)


def test_repeating_a_kept_trace_copies_nothing() -> None:
    source = open_workload(TraceWorkload(trace=REAL, repeat=True), 1)
    chunks = list(islice(source.chunks(0), 8))
    assert np.shares_memory(chunks[0].block, chunks[4].block)
    assert min(chunk.records for chunk in chunks) > 500_000
    assert [chunk.first for chunk in chunks] == np.cumsum([0, *(chunk.records for chunk in chunks[:-1])]).tolist()


def test_a_missing_trace() -> None:
    with pytest.raises(TraceError, match="does not exist"):
        open_workload(TraceWorkload(trace=Path("nowhere.parquet")), 1)
