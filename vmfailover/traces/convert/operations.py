"""What all formats are read to: operations on memory, in the order in which they were recorded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled_inline

__all__ = ["LOAD", "NO_ACCESS", "STORE", "Operations", "chosen_of", "cut", "put_access", "put_instructions", "room_for"]

#: Kinds of operation: `NO_ACCESS` stands for instructions that access no memory.
LOAD, STORE, NO_ACCESS = 0, 1, 2


class Operations(NamedTuple):
    """Consecutive operations: arrays of equal length, in the order of the recording."""

    #: int64[n]: who executes it, as the format numbers threads or vCPUs.
    thread: NDArray[np.int64]
    #: uint64[n]: address of the first byte.
    address: NDArray[np.uint64]
    #: uint32[n]: bytes accessed; an access of none is none.
    size: NDArray[np.uint32]
    #: uint8[n]: LOAD, STORE or NO_ACCESS.
    kind: NDArray[np.uint8]
    #: int64[n]: instructions executed since the thread's previous operation, with the one that accesses.
    instructions: NDArray[np.int64]
    #: float64[n]: time of the operation, nanoseconds from any start; nan where the format does not tell.
    time: NDArray[np.float64]
    #: int64[n]: time that the thread was idle since its previous operation, nanoseconds; 0 where nobody tells.
    idle_ns: NDArray[np.int64]


def room_for(operations: int) -> Operations:
    """Return arrays for so many operations, with nothing in them yet."""
    kinds: tuple[Any, ...] = (np.int64, np.uint64, np.uint32, np.uint8, np.int64, np.float64, np.int64)
    return Operations(*(np.empty(operations, kind) for kind in kinds))


def cut(operations: Operations, stop: int, start: int = 0) -> Operations:
    """Return the operations from `start` to before `stop`, sharing memory."""
    columns: Any = operations
    return Operations(*(column[start:stop] for column in columns))


def chosen_of(operations: Operations, mask: NDArray[np.bool_]) -> Operations:
    """Return the operations where the mask is set."""
    columns: Any = operations
    return Operations(*(column[mask] for column in columns))


@compiled_inline
def put_instructions(rows: Any, n: Any, thread: Any, number: Any) -> Any:
    """Add instructions of a thread behind the first `n` operations; return how many operations there are now."""
    if n > 0 and rows.kind[n - 1] == NO_ACCESS and rows.thread[n - 1] == thread:
        rows.instructions[n - 1] += number
        return n
    rows.thread[n] = thread
    rows.address[n] = 0
    rows.size[n] = 0
    rows.kind[n] = NO_ACCESS
    rows.instructions[n] = number
    rows.time[n] = np.nan
    rows.idle_ns[n] = 0
    return n + 1


@compiled_inline
def put_access(rows: Any, n: Any, thread: Any, address: Any, size: Any, kind: Any, time: Any) -> Any:
    """Add an access behind the first `n` operations; return how many operations there are now."""
    instructions = 0
    if n > 0 and rows.kind[n - 1] == NO_ACCESS and rows.thread[n - 1] == thread:
        n -= 1
        instructions = rows.instructions[n]
    rows.thread[n] = thread
    rows.address[n] = address
    rows.size[n] = size
    rows.kind[n] = kind
    rows.instructions[n] = instructions
    rows.time[n] = time
    rows.idle_ns[n] = 0
    return n + 1
