"""How many distinct units of memory a stream of accesses stores to in windows of each length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["GRANULARITIES", "SHORTEST", "Curve", "Observation", "Units", "observe"]

#: Bytes of the units that are counted.
GRANULARITIES = (64, 128, 4096)
#: Stores, and instructions, of the shortest window; each longer one is twice as long as the one before.
SHORTEST = 1_000
_SHIFTS = np.array([(size // BLOCK_BYTES).bit_length() - 1 for size in GRANULARITIES])
#: Where the units of each granularity begin in the row of a page, and the end of the row.
_PLACES = np.cumsum([0, *(PAGE_BYTES // size for size in GRANULARITIES)])


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
    block: NDArray[np.int64],
    position: NDArray[np.int64],
    last: NDArray[np.int64],
    places: NDArray[np.int64],
    shifts: NDArray[np.int64],
    counts: NDArray[np.uint32],
    starts: NDArray[np.int64],
    shortest: int,
) -> None:
    """Count the units that stores, each at a position, are the first to in their window, of each length.

    `last` has in the row of a page, from `places` on for each granularity, 1 + the position of the last store to each
    unit. `counts` is uint32[granularities, windows of all lengths]; those of a length, twice the one before, are from
    `starts` on.
    """
    for index in range(block.size):
        page, within = block[index] // PAGE_BLOCKS, block[index] % PAGE_BLOCKS
        for size in range(shifts.size):
            unit = places[size] + (within >> shifts[size])
            for length in range(starts.size):
                window = position[index] // (shortest << length)
                if last[page, unit] > window * (shortest << length):
                    break
                counts[size, starts[length] + window] += 1
            last[page, unit] = position[index] + 1


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

    def __init__(self, most: int) -> None:
        """Count units in windows up to the position `most`, which no store reaches."""
        self._last = np.zeros((0, _PLACES[-1]), np.int64)
        self._lengths = SHORTEST << np.arange(max(1, (most // SHORTEST).bit_length()))
        windows = most // self._lengths + 1
        self._starts = np.cumsum(windows) - windows
        self._counts = np.zeros((len(GRANULARITIES), windows.sum()), np.uint32)

    def take(self, block: NDArray[np.int64], position: NDArray[np.int64], pages: int) -> None:
        """Count stores to blocks of so many pages, int64[n] positions that do not fall."""
        if pages > len(self._last):
            self._last = np.vstack([self._last, np.zeros((2 * pages - len(self._last), _PLACES[-1]), np.int64)])
        _count(block, position, self._last, _PLACES[:-1], _SHIFTS, self._counts, self._starts, SHORTEST)

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
    pages, by_stores, by_instructions = Pages(memory_bytes), Units(accesses + 1), Units(instructions + 1)
    executed = stored = accessed = 0
    for chunk in chunks:
        stores = chunk.write != 0
        clock = executed + np.cumsum(chunk.instructions, dtype=np.int64)
        ends = stored + np.cumsum(np.where(stores, chunk.count, 0), dtype=np.int64)
        block = pages.renumbered(chunk.block[stores])
        by_stores.take(block, (ends - chunk.count)[stores], pages.known)
        by_instructions.take(block, clock[stores], pages.known)
        executed, stored = int(clock[-1]), int(ends[-1])
        accessed += int(chunk.count.sum(dtype=np.int64))
    return Observation(accessed, stored, executed, by_stores.curve(stored), by_instructions.curve(executed))
