"""Operations become accesses to blocks of 64 bytes, of vCPUs, with the instructions that each has executed before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
from vmfailover.traces.convert.operations import NO_ACCESS, STORE, Operations, chosen_of
from vmfailover.traces.convert.reading import Reading

__all__ = ["BlockAccesses", "Splitter"]

#: Block accesses of a piece, at most.
CAPACITY = 1 << 18
#: 64-byte blocks and 4-KiB pages, as shifts of an address.
BLOCK_SHIFT, PAGE_SHIFT = 6, 12
#: Positions in the state of the compiled splitter.
AT, BLOCK, BEGUN, SKIP, LEFT, STRADDLE_LINE, STRADDLE_PAGE, EMPTY, WRAPPED, STATES = range(10)
#: Columns of the counts of a thread.
LOADS, STORES, INSTRUCTIONS, BLOCK_LOADS, BLOCK_STORES, COUNTS = range(6)
#: No limit.
_ALL = (1 << 63) - 1


class BlockAccesses(NamedTuple):
    """Consecutive accesses to one block each: arrays of equal length."""

    #: int64[n]: index of the thread, in the order of appearance.
    thread: NDArray[np.int64]
    #: uint64[n]: address // 64, as it was recorded.
    block: NDArray[np.uint64]
    #: uint8[n]: 1 for a store.
    write: NDArray[np.uint8]
    #: int64[n]: instructions since the thread's previous access.
    instructions: NDArray[np.int64]
    #: int64[n]: time that the thread was idle since then, nanoseconds.
    idle_ns: NDArray[np.int64]


def _room() -> BlockAccesses:
    kinds: tuple[Any, ...] = (np.int64, np.uint64, np.uint8, np.int64, np.int64)
    return BlockAccesses(*(np.empty(CAPACITY, kind) for kind in kinds))


class Splitter:
    """Splits operations at blocks, leaves out what is not wanted, and counts what it lets pass."""

    def __init__(self, reading: Reading, skip: int, limit: int | None, only: int | None, apart: bool) -> None:
        """Let pass the `limit` accesses to blocks after the first `skip`, of the thread `only` if one is given.

        Whether threads run `apart` says whose access tells of instructions and idle time that no access has told of:
        the next one of the same thread, or of any.
        """
        self._reading, self._only, self._skip, self._apart = reading, only, skip, apart
        self._state = np.zeros(STATES, np.int64)
        self._state[[SKIP, LEFT]] = skip, _ALL if limit is None else limit
        #: The threads in the order of their appearance.
        self.threads: list[int] = []
        self._counts = np.zeros((0, COUNTS), np.int64)
        self._pending = np.zeros((0, 2), np.int64)
        self._first_time, self._last_time = np.inf, -np.inf
        #: The highest address accessed, -1 before any access.
        self.max_address = -1

    def split(self, pieces: Iterator[Operations]) -> Iterator[BlockAccesses]:
        """Yield the accesses to blocks, in pieces of a limited size."""
        for piece in pieces:
            yield from self._split(self._wanted(piece))
            if self._state[LEFT] == 0:
                break
        self._reading.leave_out("accesses that were skipped", self._skip - int(self._state[SKIP]))
        self._reading.leave_out("accesses of no bytes", int(self._state[EMPTY]))

    def count(self, what: int) -> int:
        """Return a count (LOADS to BLOCK_STORES) over all threads."""
        return int(self._counts[:, what].sum())

    def count_by_thread(self) -> dict[str, dict[str, int]]:
        """Return instructions, loads and stores of each thread."""
        names = {"instructions": INSTRUCTIONS, "loads": LOADS, "stores": STORES}
        rows = zip(self.threads, self._counts.tolist(), strict=True)
        return {str(thread): {name: row[what] for name, what in names.items()} for thread, row in rows}

    @property
    def straddles(self) -> tuple[int, int]:
        """Accesses that reach into another block, and into another page of 4 KiB."""
        return int(self._state[STRADDLE_LINE]), int(self._state[STRADDLE_PAGE])

    @property
    def duration_ns(self) -> int | None:
        """Time from the first to the last access, None where none is told."""
        known = np.isfinite(self._last_time)
        return int(min(self._last_time - self._first_time, 2.0**62)) if known else None

    def _wanted(self, piece: Operations) -> Operations:
        if self._only is None:
            return piece
        mine = piece.thread == self._only
        self._reading.leave_out("accesses of other threads", int(np.count_nonzero(~mine & (piece.kind != NO_ACCESS))))
        return chosen_of(piece, mine)

    def _split(self, piece: Operations) -> Iterator[BlockAccesses]:
        thread = self._indices(piece.thread)
        self._note_time(piece)
        self._state[[AT, BLOCK, BEGUN]] = 0
        while self._state[AT] < len(thread) and self._state[LEFT]:
            out = _room()
            columns: Any = out
            n, highest = _split(piece, thread, self._apart, self._pending, self._counts, self._state, out)
            self._check_wrapped(piece)
            if n:
                self.max_address = max(self.max_address, int(highest))
                yield BlockAccesses(*(column[:n] for column in columns))

    def _check_wrapped(self, piece: Operations) -> None:
        if self._state[WRAPPED]:
            self._state[WRAPPED] = 0
            at = int(self._state[AT]) - 1
            found = f"an access of {piece.size[at]} bytes to {int(piece.address[at]):#x} ends beyond 64 bits"
            self._reading.reject("error", found, "accesses beyond the last address")

    def _indices(self, thread: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of each operation's thread, numbering new ones."""
        if not len(thread):
            return thread
        if (thread == thread[0]).all():
            return np.full(len(thread), self._index(int(thread[0])))
        different, first, inverse = np.unique(thread, return_index=True, return_inverse=True)
        indices = np.zeros(len(different), np.int64)
        for position in np.argsort(first):
            indices[position] = self._index(int(different[position]))
        return indices[inverse]

    def _index(self, thread: int) -> int:
        if thread not in self.threads:
            self.threads.append(thread)
            self._counts = np.concatenate((self._counts, np.zeros((1, COUNTS), np.int64)))
            self._pending = np.concatenate((self._pending, np.zeros((1, 2), np.int64)))
        return self.threads.index(thread)

    def _note_time(self, piece: Operations) -> None:
        times = piece.time[~np.isnan(piece.time)]
        if len(times):
            self._first_time = min(self._first_time, float(times.min()))
            self._last_time = max(self._last_time, float(times.max()))


@compiled_in_place
def _split(piece: Any, thread: Any, apart: Any, pending: Any, counts: Any, state: Any, out: Any) -> tuple[Any, Any]:
    """Split from the state's position on until `out` is full, all is done, or an access is too many or impossible."""
    n, highest = 0, np.uint64(0)
    while state[AT] < len(thread) and state[LEFT] > 0:
        i = state[AT]
        executor = thread[i] if apart else 0
        if not state[BEGUN]:
            pending[executor, 0] += piece.instructions[i]
            pending[executor, 1] += piece.idle_ns[i]
            counts[thread[i], INSTRUCTIONS] += piece.instructions[i] if state[SKIP] == 0 else 0
            state[BEGUN] = 1
        last = piece.address[i] + np.uint64(max(piece.size[i], 1) - 1)
        if piece.kind[i] == NO_ACCESS or piece.size[i] == 0 or last < piece.address[i]:
            state[EMPTY] += piece.kind[i] != NO_ACCESS and piece.size[i] == 0
            state[WRAPPED] = piece.kind[i] != NO_ACCESS and last < piece.address[i]
            _go_on(state)
            if state[WRAPPED]:
                return n, highest
            continue
        block = (piece.address[i] >> np.uint64(BLOCK_SHIFT)) + np.uint64(state[BLOCK])
        if state[SKIP] > 0:
            state[SKIP] -= 1
            _forget(pending, executor)
        elif n == len(out.block):
            return n, highest
        else:
            is_store = np.int64(piece.kind[i] == STORE)
            _count(piece.address[i], last, is_store, counts[thread[i]], state)
            highest = max(highest, piece.address[i])
            out.thread[n], out.block[n], out.write[n] = thread[i], block, is_store
            out.instructions[n], out.idle_ns[n] = pending[executor, 0], pending[executor, 1]
            _forget(pending, executor)
            n += 1
        state[BLOCK] += 1
        if block == last >> np.uint64(BLOCK_SHIFT):
            _go_on(state)
    return n, highest


@compiled_inline
def _forget(pending: Any, executor: Any) -> None:
    """Forget the instructions and the idle time before the access that has been told of them, or was skipped."""
    pending[executor, 0] = 0
    pending[executor, 1] = 0


@compiled_inline
def _go_on(state: Any) -> None:
    """Go to the next operation."""
    state[AT] += 1
    state[BLOCK] = 0
    state[BEGUN] = 0


@compiled_inline
def _count(address: Any, last: Any, is_store: Any, counts: Any, state: Any) -> None:
    """Count an access to a block, and at its first block the operation."""
    if state[BLOCK] == 0:
        counts[LOADS + is_store] += 1
        state[STRADDLE_LINE] += (address ^ last) >> np.uint64(BLOCK_SHIFT) != 0
        state[STRADDLE_PAGE] += (address ^ last) >> np.uint64(PAGE_SHIFT) != 0
    counts[BLOCK_LOADS + is_store] += 1
    state[LEFT] -= 1
