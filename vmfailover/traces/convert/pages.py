"""Pages of any address, numbered in the order of their first use, and what is known of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
from vmfailover.traces.convert.splitting import BLOCK_SHIFT, PAGE_SHIFT

__all__ = ["PAGE_BYTES", "LineCounts", "PageNumbers"]

#: Bytes of the pages in which lines are counted.
PAGE_BYTES = 1 << PAGE_SHIFT
#: Blocks of such a page, as a shift; their marks fit a word.
BLOCKS_SHIFT = PAGE_SHIFT - BLOCK_SHIFT
#: A table of pages is never fuller than three quarters, and has at first so many places.
_FIRST_PLACES = 1 << 12
#: Positions in the counts of lines.
LINES_TOUCHED, LINES_WRITTEN, PAGES_WRITTEN = range(3)


class PageNumbers:
    """A hash table from pages to numbers: 0 for the page that was used first, and so on."""

    def __init__(self) -> None:
        self._keys = np.zeros(_FIRST_PLACES, np.uint64)
        self._numbers = np.zeros(_FIRST_PLACES, np.uint32)
        #: Pages that have a number.
        self.used = 0

    def of(self, pages: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Return the numbers of pages (all below 2**58), giving one to those that have none."""
        numbers = np.empty(len(pages), np.uint32)
        at = 0
        while True:
            most = len(self._keys) // 4 * 3
            at, self.used = _number(pages, at, self._keys, self._numbers, self.used, most, numbers)
            if at == len(pages):
                return numbers
            self._grow()

    def _grow(self) -> None:
        keys, numbers = self._keys, self._numbers
        self._keys = np.zeros(2 * len(keys), np.uint64)
        self._numbers = np.zeros(2 * len(keys), np.uint32)
        _insert(keys, numbers, self._keys, self._numbers)


class LineCounts:
    """Counts the distinct 64-byte lines and 4-KiB pages that are accessed, and stored to."""

    def __init__(self) -> None:
        #: The pages of 4 KiB that were accessed.
        self.pages = PageNumbers()
        self._touched = np.zeros(_FIRST_PLACES, np.uint64)
        self._written = np.zeros(_FIRST_PLACES, np.uint64)
        self._counts = np.zeros(3, np.int64)

    def add(self, blocks: NDArray[np.uint64], write: NDArray[np.uint8]) -> None:
        """Count accesses."""
        numbers = self.pages.of(blocks >> np.uint64(BLOCKS_SHIFT))
        if self.pages.used > len(self._touched):
            more = np.zeros(max(self.pages.used - len(self._touched), len(self._touched) // 2), np.uint64)
            self._touched, self._written = (np.concatenate((old, more)) for old in (self._touched, self._written))
        _mark(blocks, write, numbers, self._touched, self._written, self._counts)

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            "lines_touched": int(self._counts[LINES_TOUCHED]),
            "pages_touched": self.pages.used,
            "lines_written": int(self._counts[LINES_WRITTEN]),
            "pages_written": int(self._counts[PAGES_WRITTEN]),
        }


@compiled_in_place
def _number(pages: Any, at: int, keys: Any, numbers: Any, used: int, most: int, out: Any) -> tuple[int, int]:
    """Number pages from `at` on until `most` are in the table; return how far that went, and how many are."""
    previous, number = np.uint64(0), np.uint32(0)
    mask = np.uint64(len(keys) - 1)
    while at < len(pages):
        key = pages[at] + np.uint64(1)
        if key != previous:
            place = _place(key, mask)
            while keys[place] != 0 and keys[place] != key:
                place = (place + np.uint64(1)) & mask
            if keys[place] == 0:
                if used >= most:
                    return at, used
                keys[place], numbers[place] = key, used
                used += 1
            previous, number = key, numbers[place]
        out[at] = number
        at += 1
    return at, used


@compiled_in_place
def _insert(keys: Any, numbers: Any, into_keys: Any, into_numbers: Any) -> None:
    mask = np.uint64(len(into_keys) - 1)
    for i in range(len(keys)):
        if keys[i] != 0:
            place = _place(keys[i], mask)
            while into_keys[place] != 0:
                place = (place + np.uint64(1)) & mask
            into_keys[place], into_numbers[place] = keys[i], numbers[i]


@compiled_inline
def _place(key: Any, mask: Any) -> Any:
    """Return where to look for a key first: its bits mixed, so that strides spread."""
    mixed = (key ^ (key >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed ^ (mixed >> np.uint64(32))) & mask


@compiled_in_place
def _mark(blocks: Any, write: Any, numbers: Any, touched: Any, written: Any, counts: Any) -> None:
    for i in range(len(blocks)):
        number = numbers[i]
        bit = np.uint64(1) << (blocks[i] & np.uint64((1 << BLOCKS_SHIFT) - 1))
        counts[LINES_TOUCHED] += touched[number] & bit == 0
        touched[number] |= bit
        if write[i]:
            counts[PAGES_WRITTEN] += written[number] == 0
            counts[LINES_WRITTEN] += written[number] & bit == 0
            written[number] |= bit
