"""How many distinct units of memory a stream of accesses stores to in windows of each length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["GRANULARITIES", "SHORTEST", "Curve", "Observation", "Units", "observe"]

#: Bytes of the units that are counted.
GRANULARITIES = (64, 128, 4096)
#: Stores, and instructions, of the shortest window; each longer one is twice as long as the one before.
SHORTEST = 1_000
_SHIFTS = np.array([(size // BLOCK_BYTES).bit_length() - 1 for size in GRANULARITIES])


@dataclass(frozen=True)
class Curve:
    """Means over the aligned windows of each length, and how far single windows are from them."""

    #: int64[windows]: lengths of windows, each twice the one before.
    lengths: NDArray[np.int64]
    #: int64[windows]: whole windows of a length.
    number: NDArray[np.int64]
    #: float64[windows, granularities]: mean distinct units stored to in a window.
    units: NDArray[np.float64]
    #: float64[windows, granularities]: their standard deviation.
    deviation: NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """What a stream of accesses has been seen to do."""

    accesses: int
    stores: int
    instructions: int
    #: By windows of so many stores.
    by_stores: Curve
    #: By windows of so many instructions.
    by_instructions: Curve

    @cached_property
    def loads_per_store(self) -> float:
        """Loads for each store."""
        return (self.accesses - self.stores) / self.stores


@compiled_in_place
def _count(
    block: NDArray[np.uint32],
    position: NDArray[np.int64],
    last: NDArray[np.int64],
    begins: NDArray[np.int64],
    shifts: NDArray[np.int64],
    counts: NDArray[np.uint32],
    starts: NDArray[np.int64],
    shortest: int,
) -> None:
    """Count the units that stores, each at a position, are the first to in their window, of each length.

    `last` has, from `begins` on for each granularity, 1 + the position of the last store to each unit. `counts` is
    uint32[granularities, windows of all lengths]; those of a length, twice the one before, are from `starts` on.
    """
    for index in range(block.size):
        for size in range(shifts.size):
            unit = begins[size] + (np.int64(block[index]) >> shifts[size])
            for length in range(starts.size):
                window = position[index] // (shortest << length)
                if last[unit] > window * (shortest << length):
                    break
                counts[size, starts[length] + window] += 1
            last[unit] = position[index] + 1


class Units:
    """Counts distinct units in windows of all lengths at once, since a window has whole shorter ones in it."""

    def __init__(self, memory_bytes: int, most: int) -> None:
        """Count units of a memory in windows up to the position `most`, which no store reaches."""
        numbers = [-(-memory_bytes // size) for size in GRANULARITIES]
        self._begins = np.cumsum([0, *numbers])
        self._last = np.zeros(self._begins[-1], np.int64)
        self._lengths = SHORTEST << np.arange(max(1, (most // SHORTEST).bit_length()))
        windows = most // self._lengths + 1
        self._starts = np.cumsum(windows) - windows
        self._counts = np.zeros((len(GRANULARITIES), windows.sum()), np.uint32)

    def take(self, block: NDArray[np.uint32], position: NDArray[np.int64]) -> None:
        """Count stores to blocks, int64[n] positions that do not fall."""
        _count(
            block, position, self._last, self._begins[:-1], _SHIFTS, self._counts, self._starts, SHORTEST
        )  # fmt: skip

    def curve(self, end: int) -> Curve:
        """Return what has been counted in the whole windows up to a position."""
        number = end // self._lengths
        kept = number > 0
        rows = [self._counts[:, s : s + n] for s, n in zip(self._starts[kept], number[kept], strict=True)]
        return Curve(
            self._lengths[kept],
            number[kept],
            np.array([row.mean(axis=1) for row in rows]).reshape(-1, len(GRANULARITIES)),
            np.array([row.std(axis=1) for row in rows]).reshape(-1, len(GRANULARITIES)),
        )


def observe(chunks: Iterable[AccessChunk], memory_bytes: int, accesses: int, instructions: int) -> Observation:
    """Look at a stream, of which `accesses` and `instructions` are the most that there are."""
    by_stores, by_instructions = Units(memory_bytes, accesses + 1), Units(memory_bytes, instructions + 1)
    executed = stored = accessed = 0
    for chunk in chunks:
        stores = chunk.write != 0
        clock = executed + np.cumsum(chunk.instructions, dtype=np.int64)
        ends = stored + np.cumsum(np.where(stores, chunk.count, 0), dtype=np.int64)
        by_stores.take(chunk.block[stores], (ends - chunk.count)[stores])
        by_instructions.take(chunk.block[stores], clock[stores])
        executed, stored = int(clock[-1]), int(ends[-1])
        accessed += int(chunk.count.sum(dtype=np.int64))
    return Observation(accessed, stored, executed, by_stores.curve(stored), by_instructions.curve(executed))
