"""The accesses at hand: none is skipped and none comes twice, wherever a stream is cut and taken up."""

from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from programs import EXAMPLES, LINES, Program, Record, computer, programs

from vmfailover.guest.access_buffer import BUFFER_RECORDS, AccessBuffer, Replay
from vmfailover.guest.placement import Placement
from vmfailover.guest.workloads.workload import Workload
from vmfailover.hardware.memory import MemoryRange
from vmfailover.traces.accesses import AccessChunk

Row = tuple[int, int, int, int]
COLUMNS = ("block", "write", "count", "instructions")


def rows_of(program: Program, vcpu: int) -> list[Row]:
    return [(2 * line, write, count, steps) for line, write, count, steps in program.vcpus[vcpu]]


def chunk_rows(chunk: AccessChunk) -> list[Row]:
    return list(zip(*(getattr(chunk, name).tolist() for name in COLUMNS), strict=True))


def buffer_of(workload: Workload, positions: Sequence[int]) -> AccessBuffer:
    """Return the buffer of a VM that has a host of its own."""
    processor = computer(len(positions))
    return AccessBuffer(workload, positions, Placement.alone_on(processor), processor)


def drain(buffer: AccessBuffer, core: int) -> list[Row]:
    """Execute everything that a core has, a chunk at a time."""
    rows: list[Row] = []
    while buffer.refill(core) is not None:
        length = int(buffer.accesses.length[core])
        columns = (getattr(buffer.accesses, name)[core, :length] for name in COLUMNS)
        rows += chunk_rows(AccessChunk(0, *columns))
        buffer.start[core] = length
    return rows


@EXAMPLES
@given(data=st.data(), vcpus=st.integers(1, 3))
def test_each_core_gets_its_stream_from_its_position_to_the_end(data: st.DataObject, vcpus: int) -> None:
    program = data.draw(programs(vcpus))
    positions = [data.draw(st.integers(0, len(records))) for records in program.vcpus]
    buffer = buffer_of(program, positions)
    for core, position in enumerate(positions):
        assert buffer.position(core) == position
        assert drain(buffer, core) == rows_of(program, core)[position:]
        assert buffer.position(core) == len(program.vcpus[core])


def test_the_position_is_that_of_the_next_record() -> None:
    buffer = buffer_of(Program([Record(line) for line in range(9)], cut=4), [1])
    buffer.refill(0)
    buffer.start[0] = 3
    assert buffer.position(0) == 4
    buffer.start[0] = 4
    buffer.refill(0)
    assert buffer.position(0) == 5


def test_addresses_are_those_of_the_range_in_which_the_image_is() -> None:
    buffer = AccessBuffer(
        Program([Record(3)]), [0], Placement(0, (0,), MemoryRange(LINES, LINES)), computer(1, 2 * LINES)
    )
    assert drain(buffer, 0) == [(2 * (LINES + 3), 0, 1, 1)]


def test_one_core_reads_its_chunk_in_place() -> None:
    (chunk,) = Program([Record(1)]).chunks(0)

    class OneChunk(Program):
        def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
            assert (vcpu, first) == (0, 0)
            yield chunk

    buffer = buffer_of(OneChunk(), [0])
    buffer.refill(0)
    assert np.shares_memory(buffer.accesses.block, chunk.block)


def test_a_chunk_larger_than_the_buffer_is_taken_in_parts() -> None:
    records = [Record(line % 256) for line in range(BUFFER_RECORDS + 5)]
    program = Program(records, [Record(0)], cut=BUFFER_RECORDS + 5)
    buffer = buffer_of(program, [0, 0])
    buffer.refill(0)
    assert buffer.accesses.length.tolist() == [BUFFER_RECORDS, 0]
    buffer.start[0] = BUFFER_RECORDS
    assert drain(buffer, 0) == rows_of(program, 0)[BUFFER_RECORDS:]


def test_refilling_tells_the_parallelism_and_the_end() -> None:
    buffer = buffer_of(Program([Record(1)], parallelism=2.5), [0])
    assert (chunk := buffer.refill(0)) is not None
    assert chunk.parallelism == 2.5
    assert buffer.refill(0) is None


@EXAMPLES
@given(program=programs(1), data=st.data())
def test_a_replay_reads_on_through_what_was_executed(program: Program, data: st.DataObject) -> None:
    first, *stops = sorted(data.draw(st.lists(st.integers(0, len(program.vcpus[0])), min_size=1, max_size=6)))
    replay, at = Replay(program, 0, first), first
    for stop in stops:
        assert [row for chunk in replay.up_to(stop) for row in chunk_rows(chunk)] == rows_of(program, 0)[at:stop]
        at = stop


def test_a_replay_reads_no_further_than_asked() -> None:
    replay = Replay(Program([Record(1)] * 10, cut=4), 0, 0)
    assert [chunk.records for chunk in replay.up_to(5)] == [4, 1]
    assert [(chunk.first, chunk.records) for chunk in replay.up_to(9)] == [(5, 3), (8, 1)]
    assert list(replay.up_to(9)) == []
