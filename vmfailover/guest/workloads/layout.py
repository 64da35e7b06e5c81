"""Where a synthetic workload's memory lies, and in which order it is strewn there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vmfailover.errors import InputError
from vmfailover.guest.workloads.generator import Scattering
from vmfailover.traces.accesses import BLOCK_BYTES

__all__ = ["Region", "scattering"]


@dataclass(frozen=True)
class Region:
    """Consecutive nodes of memory, each of `node_blocks` blocks, from block `start` on."""

    #: Number of the first block.
    start: int
    #: Number of nodes, at least 1.
    nodes: int
    #: Blocks in a hosted.
    node_blocks: int

    @classmethod
    def within(cls, offset: int, size: int, node_bytes: int = BLOCK_BYTES) -> Region:
        """The whole nodes within `size` bytes from `offset` on; the one at the offset if there is none.

        Raises InputError for memory that 32-bit block numbers do not reach.
        """
        if offset + max(size, node_bytes) > BLOCK_BYTES << 32:
            raise InputError("workload: the working set ends beyond 256 GiB; lower 'offset' or 'working_set'")
        first, end = -(-offset // node_bytes), (offset + size) // node_bytes
        if end <= first:
            first, end = offset // node_bytes, offset // node_bytes + 1
        node_blocks = node_bytes // BLOCK_BYTES
        return cls(first * node_blocks, end - first, node_blocks)

    @property
    def size(self) -> int:
        """Bytes of the region."""
        return self.nodes * self.node_blocks * BLOCK_BYTES


def scattering(size: int, words: NDArray[np.uint64]) -> Scattering:
    """A bijection of 0 to size - 1 (1 <= size <= 2**32), made of uint64[3] random words."""
    column_bits = (size - 1).bit_length() // 2
    rows = -(-size >> column_bits)
    return Scattering(np.uint64(size), np.uint64(rows), np.uint64(column_bits), (words[0], words[1], words[2]))
