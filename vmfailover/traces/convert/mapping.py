"""Where the pages that a recording accesses lie in the memory of the guest."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vmfailover.errors import ParameterError
from vmfailover.traces.convert.pages import PageNumbers
from vmfailover.traces.convert.splitting import BLOCK_SHIFT
from vmfailover.traces.metadata import MAXIMUM_MEMORY_BYTES

__all__ = ["FIRST_TOUCH", "IDENTITY", "MAPPINGS", "RANDOM", "Mapping", "mapping_of"]

FIRST_TOUCH, RANDOM, IDENTITY = "first-touch", "random", "identity"
MAPPINGS = (FIRST_TOUCH, RANDOM, IDENTITY)
#: Memory that is not given is rounded up to this many bytes.
_MEBIBYTE = 1 << 20
_ROUNDS = 4
_LARGER = f"make it larger (up to {MAXIMUM_MEMORY_BYTES >> 30} GiB)"


class Mapping(Protocol):
    """Gives blocks of 64 bytes their place in the guest's memory."""

    def place(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Return guest-physical address // 64 for each address // 64; raise ParameterError where there is no room."""
        ...

    def memory_bytes(self) -> int:
        """Return the bytes of the guest's memory that all placed blocks need, or that were given."""
        ...


def mapping_of(
    name: str, page_bytes: int, memory_bytes: int | None, seed: int, pages: PageNumbers | None = None
) -> Mapping:
    """Return the mapping of that name; raise ParameterError for one that needs to know the memory.

    `pages` numbers pages of that size, if something else does so already.
    """
    if name == IDENTITY:
        return _Identity(memory_bytes)
    if name == RANDOM and memory_bytes is None:
        raise ParameterError(
            "memory_bytes", "is needed to spread pages over the guest's memory at random", remedy="give it"
        )
    return _ByPages(page_bytes, memory_bytes, seed if name == RANDOM else None, pages or PageNumbers())


class _Identity:
    """Addresses stay."""

    def __init__(self, memory_bytes: int | None) -> None:
        self._given = memory_bytes
        self._limit = (memory_bytes or MAXIMUM_MEMORY_BYTES) >> BLOCK_SHIFT
        self._most = 0

    def place(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint32]:
        highest = int(blocks.max(initial=0))
        if highest >= self._limit:
            address, size = highest << BLOCK_SHIFT, self._limit << BLOCK_SHIFT
            problem = f"the address {address:#x} lies beyond the guest's memory of {size:,} bytes"
            raise ParameterError("memory_bytes", problem, remedy=f"{_LARGER}, or take first-touch for {{mapping}}")
        self._most = max(self._most, highest)
        return blocks.astype(np.uint32)

    def memory_bytes(self) -> int:
        return self._given or _rounded_up((self._most + 1) << BLOCK_SHIFT)


class _ByPages:
    """Pages lie in frames in the order of first use, or, with a seed, at random."""

    def __init__(self, page_bytes: int, memory_bytes: int | None, seed: int | None, pages: PageNumbers) -> None:
        self._shift = page_bytes.bit_length() - 1 - BLOCK_SHIFT
        self._page_bytes, self._given, self._seed = page_bytes, memory_bytes, seed
        self._frames = (memory_bytes or MAXIMUM_MEMORY_BYTES) // page_bytes
        self._pages = pages
        self._frame_of = np.zeros(0, np.uint64)

    def place(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint32]:
        numbers = self._pages.of(blocks >> np.uint64(self._shift))
        if self._pages.used > self._frames:
            pages = f"more pages of {self._page_bytes:,} bytes are accessed"
            problem = f"{pages} than the {self._frames:,} of the guest's memory"
            raise ParameterError("memory_bytes", problem, remedy=f"{_LARGER}, or convert fewer accesses with {{limit}}")
        within = blocks & np.uint64((1 << self._shift) - 1)
        return ((self._in_frames(numbers) << np.uint64(self._shift)) | within).astype(np.uint32)

    def memory_bytes(self) -> int:
        return self._given or _rounded_up(self._pages.used * self._page_bytes)

    def _in_frames(self, numbers: NDArray[np.uint32]) -> NDArray[np.uint64]:
        if self._seed is None:
            return numbers.astype(np.uint64)
        if self._pages.used > len(self._frame_of):
            new = np.arange(len(self._frame_of), max(self._pages.used, 2 * len(self._frame_of)), dtype=np.uint64)
            shuffled = _shuffled(new[new < self._frames], self._frames, self._seed)
            self._frame_of = np.concatenate((self._frame_of, shuffled))
        return self._frame_of[numbers]


def _rounded_up(size: int) -> int:
    return -(-size // _MEBIBYTE) * _MEBIBYTE


def _shuffled(numbers: NDArray[np.uint64], below: int, seed: int) -> NDArray[np.uint64]:
    """Return where a permutation of the numbers below a bound, keyed by a seed, takes these.

    It is a Feistel network on a power of four that is no smaller, walked until the result is below the bound.
    """
    half = max(1, (max(below - 1, 1).bit_length() + 1) // 2)
    result = _round_trip(numbers, half, seed)
    while (outside := result >= below).any():
        result[outside] = _round_trip(result[outside], half, seed)
    return result


def _round_trip(numbers: NDArray[np.uint64], half: int, seed: int) -> NDArray[np.uint64]:
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = numbers >> shift, numbers & mask
    for key in np.random.SeedSequence(seed).generate_state(_ROUNDS, np.uint64):
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return (left << shift) | right


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return well-mixed bits of each value (the finalizer of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
