"""How many distinct units of memory a stream of accesses stores to in windows of each length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["GRANULARITIES", "REGIONS", "SHORTEST", "Curve", "Observation", "Units", "observe"]

#: Bytes of the units that are counted.
GRANULARITIES = (64, 128, 4096)
#: Bytes of larger units, of several pages.
REGIONS = (64 << 10, 2 << 20)
#: Stores, and instructions, of the shortest window; each longer one is twice as long as the one before.
SHORTEST = 1_000


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
    #: By windows of so many stores, in units of the sizes of `REGIONS`.
    regions: Curve

    @cached_property
    def loads_per_store(self) -> float:
        """Loads for each store."""
        return (self.accesses - self.stores) / self.stores


@compiled_in_place
def _count(
    block: NDArray[np.int64],
    position: NDArray[np.int64],
    last: NDArray[np.int64],
    places: NDArray[np.int64],
    shifts: NDArray[np.int64],
    counts: NDArray[np.uint32],
    starts: NDArray[np.int64],
    shortest: int,
    row_blocks: int,
) -> None:
    """Count the units that stores, each at a position, are the first to in their window, of each length.

    `last` has in a row of so many blocks, from `places` on for each size, 1 + the position of the last store to each
    unit. `counts` is uint32[granularities, windows of all lengths]; those of a length, twice the one before, are from
    `starts` on.
    """
    for index in range(block.size):
        row, within = block[index] // row_blocks, block[index] % row_blocks
        for size in range(shifts.size):
            unit = places[size] + (within >> shifts[size])
            for length in range(starts.size):
                window = position[index] // (shortest << length)
                if last[row, unit] > window * (shortest << length):
                    break
                counts[size, starts[length] + window] += 1
            last[row, unit] = position[index] + 1


class Pages:
    """Numbers pages in the order in which they are first stored to, so that memory is spent on those alone."""

    def __init__(self, memory_bytes: int) -> None:
        """Number the pages of a memory."""
        self._number = np.zeros(-(-memory_bytes // PAGE_BYTES), np.uint32)
        #: Pages that have a number.
        self.known = 0

    def renumbered(self, block: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return blocks with the numbers of their pages, int64[n]."""
        page = block // PAGE_BLOCKS
        new = np.unique(page[self._number[page] == 0])
        self._number[new] = self.known + 1 + np.arange(new.size)
        self.known += new.size
        return (self._number[page].astype(np.int64) - 1) * PAGE_BLOCKS + block % PAGE_BLOCKS


class Units:
    """Counts distinct units in windows of all lengths at once, since a window has whole shorter ones in it."""

    def __init__(self, sizes: Sequence[int], row_bytes: int, most: int) -> None:
        """Count units of these bytes, of which a row is so many, in windows up to the position `most`."""
        self._row_blocks = row_bytes // BLOCK_BYTES
        self._shifts = np.array([(size // BLOCK_BYTES).bit_length() - 1 for size in sizes])
        #: Where the units of each size begin in a row, and the end of the row.
        self._places = np.cumsum([0, *(row_bytes // size for size in sizes)])
        self._last = np.zeros((0, self._places[-1]), np.int64)
        self._lengths = SHORTEST << np.arange(max(1, (most // SHORTEST).bit_length()))
        windows = most // self._lengths + 1
        self._starts = np.cumsum(windows) - windows
        self._counts = np.zeros((len(sizes), windows.sum()), np.uint32)

    def take(self, block: NDArray[np.int64], position: NDArray[np.int64], rows: int) -> None:
        """Count stores to blocks of so many rows, int64[n] positions that do not fall."""
        if rows > len(self._last):
            self._last = np.vstack([self._last, np.zeros((2 * rows - len(self._last), self._places[-1]), np.int64)])
        where = self._last, self._places[:-1], self._shifts
        _count(block, position, *where, self._counts, self._starts, SHORTEST, self._row_blocks)

    def curve(self, end: int) -> Curve:
        """Return what has been counted in the whole windows up to a position."""
        number = end // self._lengths
        kept = number > 0
        rows = [self._counts[:, s : s + n] for s, n in zip(self._starts[kept], number[kept], strict=True)]
        return Curve(
            self._lengths[kept],
            number[kept],
            np.array([row.mean(axis=1) for row in rows]).reshape(-1, len(self._shifts)),
            np.array([row.std(axis=1) for row in rows]).reshape(-1, len(self._shifts)),
        )


def observe(chunks: Iterable[AccessChunk], memory_bytes: int, accesses: int, instructions: int) -> Observation:
    """Look at a stream, of which `accesses` and `instructions` are the most that there are."""
    pages, by_stores = Pages(memory_bytes), Units(GRANULARITIES, PAGE_BYTES, accesses + 1)
    by_instructions = Units(GRANULARITIES, PAGE_BYTES, instructions + 1)
    regions, most = Units(REGIONS, REGIONS[-1], accesses + 1), -(-memory_bytes // REGIONS[-1])
    executed = stored = accessed = 0
    for chunk in chunks:
        stores = chunk.write != 0
        clock = executed + np.cumsum(chunk.instructions, dtype=np.int64)
        ends = stored + np.cumsum(np.where(stores, chunk.count, 0), dtype=np.int64)
        block = pages.renumbered(chunk.block[stores])
        by_stores.take(block, (ends - chunk.count)[stores], pages.known)
        by_instructions.take(block, clock[stores], pages.known)
        regions.take(chunk.block[stores].astype(np.int64), (ends - chunk.count)[stores], most)
        executed, stored = int(clock[-1]), int(ends[-1])
        accessed += int(chunk.count.sum(dtype=np.int64))
    curves = by_stores.curve(stored), by_instructions.curve(executed), regions.curve(stored)
    return Observation(accessed, stored, executed, *curves)
