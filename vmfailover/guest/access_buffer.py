"""The accesses at hand of every vCPU, refilled from its stream as they are used up."""

from collections.abc import Iterator, Sequence

import numpy as np

from vmfailover.guest.placement import Placement
from vmfailover.guest.workloads.workload import Workload
from vmfailover.hardware.cache.state import Accesses, LogState, Stop
from vmfailover.hardware.processor import HALTED, Processor
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

#: Records that each of several vCPUs has at hand.
BUFFER_RECORDS = 1 << 16


class AccessBuffer:
    """What a VM's cores execute next; a host's only core reads chunks where they are, several read copies of them."""

    def __init__(
        self, workload: Workload, positions: Sequence[int], placement: Placement, processor: Processor
    ) -> None:
        """Start vCPU v of a VM that is placed on a processor at record `positions[v]` of its stream."""
        self._processor = processor
        self._cores, host_cores = placement.cores, processor.cores
        self._first_block = placement.image.first * (processor.spec.line // BLOCK_BYTES)
        self._streams = [workload.chunks(vcpu, position) for vcpu, position in enumerate(positions)]
        self._chunks: list[AccessChunk | None] = [None] * len(positions)
        self._first = np.array(positions, np.int64)
        self._tick_ns = [0] * len(positions)
        #: int64[host cores]: the next access of each core, an index into its row of `accesses`.
        self.start = np.zeros(host_cores, np.int64)
        columns = BUFFER_RECORDS if host_cores > 1 else 0
        self.accesses = Accesses(
            block=np.zeros((host_cores, columns), np.uint32),
            write=np.zeros((host_cores, columns), np.uint8),
            count=np.zeros((host_cores, columns), np.uint32),
            instructions=np.zeros((host_cores, columns), np.uint32),
            length=np.zeros(host_cores, np.int64),
        )

    def position(self, vcpu: int) -> int:
        """Return the index of the vCPU's next record in its stream."""
        return int(self._first[vcpu] + self.start[self._cores[vcpu]])

    def tick_ns(self, vcpu: int) -> int:
        """Return the guest time before which the vCPU's accesses at hand do not begin."""
        return self._tick_ns[vcpu]

    def advance(self, deadline_fs: int, quantum: int, logs: LogState) -> Stop:
        """Execute the accesses at hand as the processor's `advance` says."""
        return self._processor.advance(self.accesses, self.start, deadline_fs, quantum, logs)

    def refill(self, vcpu: int) -> AccessChunk | None:
        """Bring the vCPU's next accesses, all earlier ones being executed, and return them; None if there are none."""
        chunk = self._next_chunk(vcpu)
        if chunk is None:
            self._tick_ns[vcpu] = HALTED
            return None
        self._chunks[vcpu] = None
        self._first[vcpu] = chunk.first
        self._tick_ns[vcpu] = chunk.not_before_ns
        self.start[self._cores[vcpu]] = 0
        if self.start.size == 1:
            self.accesses = accesses_of_one_core(chunk)
        else:
            self._copy(vcpu, chunk)
        return chunk

    def due_ns(self, vcpu: int) -> int:
        """Return the instant before which the vCPU's next access does not begin, all earlier ones being executed."""
        chunk = self._chunks[vcpu] = self._next_chunk(vcpu)
        return 0 if chunk is None else chunk.due_ns

    def _next_chunk(self, vcpu: int) -> AccessChunk | None:
        """Return what comes next of a vCPU's stream, with the host's addresses in place of the VM's."""
        return self._chunks[vcpu] or self._new_chunk(vcpu)

    def _new_chunk(self, vcpu: int) -> AccessChunk | None:
        chunk = next(self._streams[vcpu], None)
        if chunk is None or not self._first_block:
            return chunk
        return chunk._replace(block=chunk.block + np.uint32(self._first_block))

    def _copy(self, vcpu: int, chunk: AccessChunk) -> None:
        core, taken = self._cores[vcpu], chunk.part(0, min(chunk.records, BUFFER_RECORDS))
        for name in ("block", "write", "count", "instructions"):
            getattr(self.accesses, name)[core, : taken.records] = getattr(taken, name)
        self.accesses.length[core] = taken.records
        self._chunks[vcpu] = chunk.part(taken.records, chunk.records) if taken.records < chunk.records else None


def accesses_of_one_core(chunk: AccessChunk) -> Accesses:
    """Return a chunk as the accesses at hand of a single core, sharing its memory."""
    return Accesses(
        block=chunk.block.reshape(1, -1),
        write=chunk.write.reshape(1, -1),
        count=chunk.count.reshape(1, -1),
        instructions=chunk.instructions.reshape(1, -1),
        length=np.array([chunk.records], np.int64),
    )


class Replay:
    """Reads a vCPU's stream onwards, beside whoever executes it."""

    def __init__(self, workload: Workload, vcpu: int, first: int) -> None:
        """Begin with record `first`."""
        self._chunks = workload.chunks(vcpu, first)
        self._next = first
        self._rest: AccessChunk | None = None

    def up_to(self, stop: int) -> Iterator[AccessChunk]:
        """Yield the records from where the last call ended to `stop` (exclusive)."""
        while self._next < stop:
            chunk = self._rest or next(self._chunks)
            taken = chunk.part(0, min(chunk.records, max(0, stop - chunk.first)))
            self._rest = chunk.part(taken.records, chunk.records) if taken.records < chunk.records else None
            self._next = stop if self._rest else chunk.first + chunk.records
            if taken.records:
                yield taken
