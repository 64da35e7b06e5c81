"""The stream of memory accesses that a vCPU makes: what workloads give and the guest's execution takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK_BYTES", "AccessChunk"]

#: Bytes in a block, the unit of addresses in a chunk and in a trace file.
BLOCK_BYTES = 64


class AccessChunk(NamedTuple):
    """Consecutive records of one vCPU's stream of accesses.

    The four arrays are one-dimensional, C-contiguous, of equal length n >= 1, and may be shared with other
    chunks: whoever receives a chunk only reads it. Where one chunk ends and the next begins carries no meaning,
    unless the vCPU idles before the next. Chunks come in the order of their records' numbers, between which
    some may be missing.
    """

    #: Index in the vCPU's stream of the chunk's first record.
    first: int
    #: uint32[n]: guest-physical address // 64.
    block: NDArray[np.uint32]
    #: uint8[n]: 1 for a store, 0 for a load.
    write: NDArray[np.uint8]
    #: uint32[n]: how many equal accesses in a row the record stands for, at least 1.
    count: NDArray[np.uint32]  # type: ignore[assignment]  # hides tuple.count
    #: uint32[n]: instructions executed since the previous record.
    instructions: NDArray[np.uint32]
    #: Misses that can be under way at once (memory-level parallelism); 0.0 means the host's default,
    #: beyond which it does not go.
    parallelism: float = 0.0
    #: Guest time before which the first record does not begin, nanoseconds: until then the vCPU idles.
    not_before_ns: int = 0
    #: Guest time that the vCPU idles before the first record, nanoseconds.
    idle_ns: int = 0
    #: Instant of simulated time, wherever the vCPU is, before which the first record does not begin, nanoseconds.
    due_ns: int = 0

    @property
    def records(self) -> int:
        """The number of records, n."""
        return len(self.block)

    def part(self, start: int, stop: int) -> AccessChunk:
        """The records `start` to `stop` (exclusive, counted within the chunk), sharing memory with this chunk."""
        return AccessChunk(
            self.first + start,
            self.block[start:stop],
            self.write[start:stop],
            self.count[start:stop],
            self.instructions[start:stop],
            self.parallelism,
            self.not_before_ns,
            self.idle_ns if start == 0 else 0,
            self.due_ns,
        )
