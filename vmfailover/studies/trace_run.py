"""Runs records of accesses through the caches of one core alone: first operating mode, no timing."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled
from vmfailover.guest.access_buffer import accesses_of_one_core
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.kernel.execution import run_core
from vmfailover.hardware.cache.state import Accesses, CacheState, Cost, Counter, LogState, Why, new_cache
from vmfailover.hardware.memory import MemoryRange
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.sizes import ADDRESS_BYTES
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["LARGEST_CHUNK", "TraceRun"]

#: Records that a run executes at once, at most.
LARGEST_CHUNK = 1 << 20
#: More instructions, and more records, than any trace has.
_NEVER = 1 << 62
#: A plain integer, as compiled functions need it.
_DEADLINE = int(Why.DEADLINE)


class TraceRun:
    """One core with empty caches and a log, which executes records in the first operating mode."""

    def __init__(self, memory_bytes: int, host: HostSpec, scan_instructions: int | None = None) -> None:
        """Use the geometry of `host` over a memory of its own; None for `scan_instructions` never checks the flags.

        A check follows the record with which the instructions since the last one, or since the start, reach
        `scan_instructions`.
        """
        self.state = _first_mode_core(memory_bytes, host)
        #: Time spent in the kernel.
        self.seconds = 0.0
        #: Records executed.
        self.records = 0
        self._interval = scan_instructions or _NEVER
        #: The instruction count at which the next check is due, and the checks done.
        self._progress = np.array([self._interval, 0], np.int64)
        entries = LARGEST_CHUNK + host.l2.size // host.line
        self._log = AddressLog.of_only_vm(kernel, MemoryRange(0, entries * ADDRESS_BYTES // host.line + 2), host.line)

    @property
    def scans(self) -> int:
        """Checks of the flags so far."""
        return int(self._progress[1])

    def execute(self, chunk: AccessChunk) -> NDArray[np.int64]:
        """Execute a chunk of at most `LARGEST_CHUNK` records; return the addresses logged, int64[n], in order.

        An address is logged only for a flag that a store has set: no more than a chunk's records and the rows that
        were flagged before, which the log has room for.
        """
        accesses, start = accesses_of_one_core(chunk), np.zeros(1, np.int64)
        self._log.set_limit()
        began = time.perf_counter()
        _execute(self.state, accesses, start, self._interval, self._progress, self._log.logs)
        self.seconds += time.perf_counter() - began
        addresses = self._log.read()
        self._log.release(self._log.next)
        self.records += chunk.records
        return addresses

    def count(self, counter: Counter) -> int:
        """Return how often something has happened."""
        return int(self.state.counters[counter])


@compiled
def _execute(
    state: CacheState,
    accesses: Accesses,
    start: NDArray[np.int64],
    interval: int,
    progress: NDArray[np.int64],
    log: LogState,
) -> None:
    """Execute all accesses and the checks that fall due; the core's clock counts instructions.

    `progress` is the clock at which the next check is due and the number of checks done, int64[2].
    """
    while run_core(state, accesses, start, 0, progress[0], _NEVER, log) == _DEADLINE:
        kernel.scan(state, 0, log, 0)
        progress[0] = state.clock[0] + interval
        progress[1] += 1


def _first_mode_core(memory_bytes: int, host: HostSpec) -> CacheState:
    state = new_cache(
        cores=1,
        l1=(host.l1.sets(host.line), host.l1.ways),
        l2=(host.l2.sets(host.line), host.l2.ways),
        l3=(host.l3.sets(host.line), host.l3.ways) if host.l3 else (0, 0),
        memory=np.zeros(-(-memory_bytes // host.line), np.uint32),
        line_shift=(host.line // BLOCK_BYTES).bit_length() - 1,
    )
    state.mode[0] = 1
    state.costs[0, Cost.INSTRUCTION] = 1
    return state
