"""Reading a trace: the same records from whatever place and in whatever pieces."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.format import Columns, TraceFile, TraceMetadata, open_trace, write_trace

REAL = Path(__file__).parents[2] / "scenarios" / "traces" / "redis-set.parquet"
ROWS = 5000
SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
Record = tuple[int, int, int, int, int]


def columns(vcpus: int) -> Columns:
    draw = np.random.default_rng(vcpus).integers
    return Columns(
        draw(vcpus, size=ROWS, dtype=np.uint8),
        draw(1 << 14, size=ROWS, dtype=np.uint32),
        draw(2, size=ROWS, dtype=np.uint8),
        draw(1, 9, size=ROWS, dtype=np.uint32),
        draw(100, size=ROWS, dtype=np.uint32),
    )


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Traces of one and of three vCPUs, in row groups of 700 rows."""
    folder = tmp_path_factory.mktemp("traces")
    for vcpus in (1, 3):
        path = folder / f"{vcpus}.parquet"
        write_trace(path, [columns(vcpus)], TraceMetadata(memory_bytes=1 << 20, vcpus=vcpus, source="a test"))
        pq.write_table(pq.read_table(path), path, row_group_size=700)
    return {vcpus: folder / f"{vcpus}.parquet" for vcpus in (1, 3)}


def opened(path: Path, chunk_records: int | None, kept: bool) -> TraceFile:
    trace = open_trace(path, chunk_records)
    trace.KEEP_RECORDS = ROWS if kept else 0
    return trace


def records(chunks: list[AccessChunk]) -> list[Record]:
    """Every record with its number, as plain numbers."""
    return [
        (chunk.first + index, int(block), int(write), int(count), int(instructions))
        for chunk in chunks
        for index, (block, write, count, instructions) in enumerate(
            zip(chunk.block, chunk.write, chunk.count, chunk.instructions, strict=True)
        )
    ]


def expected(vcpus: int, vcpu: int) -> list[Record]:
    everything = columns(vcpus)
    mine = everything.vcpu == vcpu
    return records([AccessChunk(0, *(values[mine] for values in everything[1:5]))])


@SETTINGS
@given(st.sampled_from([1, 3]), st.data(), st.integers(1, ROWS + 1), st.booleans())
def test_any_place_any_pieces(
    paths: dict[int, Path], vcpus: int, data: st.DataObject, chunk_records: int, kept: bool
) -> None:
    vcpu = data.draw(st.integers(0, vcpus - 1))
    everything = expected(vcpus, vcpu)
    first = data.draw(st.integers(0, len(everything) + 2))
    trace = opened(paths[vcpus], max(chunk_records, 50), kept)
    chunks = list(trace.chunks(vcpu, first))
    assert records(chunks) == everything[first:]
    assert all(1 <= chunk.records <= max(chunk_records, 50) for chunk in chunks)
    assert trace.vcpu_records(vcpu) == len(everything)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("vcpus", [1, 3])
def test_arrays_are_as_compiled_code_wants_them(paths: dict[int, Path], vcpus: int, kept: bool) -> None:
    for chunk in opened(paths[vcpus], 999, kept).chunks(0):
        for values, dtype in zip(chunk[1:5], (np.uint32, np.uint8, np.uint32, np.uint32), strict=True):
            assert isinstance(values, np.ndarray)
            assert values.dtype == dtype
            assert values.flags.c_contiguous
            assert values.flags.writeable
        assert chunk.parallelism == 0.0


def test_a_small_trace_is_decoded_once(paths: dict[int, Path]) -> None:
    trace = open_trace(paths[1])
    once, again = next(trace.chunks(0)), next(trace.chunks(0))
    assert np.shares_memory(once.block, again.block)


def test_row_groups_before_the_first_record_are_not_decoded(paths: dict[int, Path]) -> None:
    footer = pq.ParquetFile(paths[1]).metadata
    damaged = bytearray(paths[1].read_bytes())
    block = footer.row_group(0).column(1)
    damaged[block.data_page_offset : block.data_page_offset + 40] = bytes(40)
    path = paths[1].with_name("damaged.parquet")
    path.write_bytes(damaged)
    assert records(list(opened(path, 100, False).chunks(0, 700))) == expected(1, 0)[700:]


@pytest.mark.parametrize("vcpu", [-1, 3])
def test_a_vcpu_the_trace_does_not_have(paths: dict[int, Path], vcpu: int) -> None:
    with pytest.raises(IndexError, match="of a trace with 3"):
        open_trace(paths[3]).chunks(vcpu)


def test_a_real_trace() -> None:
    trace = open_trace(REAL)
    chunks = list(trace.chunks(0))
    assert sum(chunk.records for chunk in chunks) == trace.records
    assert sum(int(chunk.count.sum()) for chunk in chunks) == trace.metadata.accesses
    assert sum(int(chunk.instructions.sum()) for chunk in chunks) == trace.metadata.instructions
    assert [chunk.first for chunk in chunks] == [index << 20 for index in range(len(chunks))]


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("first", [0, 1, 2, 3, 4])
def test_idle_time_begins_a_chunk_and_is_had_only_from_there(tmp_path: Path, kept: bool, first: int) -> None:
    path = tmp_path / "trace.parquet"
    vcpu, idle_ns = np.array([0, 1, 0, 0, 0, 0]), np.array([0, 9, 0, 2**40, 0, 5])
    piece = Columns(*(vcpu, *(np.ones_like(vcpu) for _ in range(4)), idle_ns))
    about = TraceMetadata(memory_bytes=1 << 20, vcpus=2, source="a test")
    assert write_trace(path, [piece], about, idle_time=True).idle_ns == 2**40 + 14
    trace = opened(path, None, kept)
    found = {chunk.first: chunk.idle_ns for chunk in trace.chunks(0, first)}
    assert found == {first: {2: 2**40, 4: 5}.get(first, 0)} | {
        at: ns for at, ns in {2: 2**40, 4: 5}.items() if at > first
    }
    assert [chunk.idle_ns for chunk in trace.chunks(1)] == [9]
    assert (trace.records, trace.vcpu_records(0)) == (6, 5)
