"""What the cache controller (122) and the hypervisor do to all rows, or to some lines."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
from vmfailover.hardware.cache.kernel.constants import FORGET, LEAVING, LIMIT, LOG_SCAN, LOG_TRANSFER
from vmfailover.hardware.cache.kernel.log import log_line
from vmfailover.hardware.cache.kernel.rows import drop, l2_row, write_back
from vmfailover.hardware.cache.kernel.victim_cache import take_from_l3
from vmfailover.hardware.cache.state import (
    DIRTY,
    FLAG,
    TAG_SHIFT,
    VERSION_MASK,
    VERSION_MODULUS,
    VERSION_SHIFT,
    CacheState,
    LogState,
)


@compiled_in_place
def scan(state: CacheState, core: int, log: LogState, first_set: int) -> int:
    """Walk a core's L2 from a set on, most recent rows first: log every flagged row and clear its flag.

    Returns the set at which the log's limit stopped it, or the number of sets when all are done.
    """
    rows = state.l2[core]
    vm = state.owner[core]
    for index in range(first_set, rows.shape[0]):
        flags = 0
        for way in range(1, rows.shape[1]):
            flags |= rows[index, way]
        while flags & FLAG:
            latest, flags = _latest_flagged(rows, state.l2_used[core], index)
            if log.registers[vm, LIMIT] < 1:
                return index
            log_line(state.counters, state.policy, log, vm, rows[index, latest] >> TAG_SHIFT, LOG_SCAN)
            rows[index, latest] &= ~FLAG
    return rows.shape[0]


@compiled_inline
def _latest_flagged(rows: npt.NDArray[np.int64], used: npt.NDArray[np.int64], index: int) -> tuple[int, int]:
    """Return the way of the flagged row of a set that was used last, and `FLAG` if the set has another, else 0."""
    latest = 0
    others = 0
    for way in range(1, rows.shape[1]):
        if rows[index, way] & FLAG:
            if latest:
                others = FLAG
            if latest == 0 or used[index, way] > used[index, latest]:
                latest = way
    return latest, others


def fetch(state: CacheState, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> tuple[int, int]:
    """Read lines coherently: `versions[i]` becomes the newest version of line `lines[i]`.

    Returns how many of the lines the first core's L2 held, and how many only those of other cores did.
    """
    held: tuple[int, int] = _fetch(state.memory, state.l2, state.place, lines, versions)
    return held


@compiled_in_place
def _fetch(
    memory: npt.NDArray[np.uint32],
    l2: npt.NDArray[np.int64],
    place: npt.NDArray[np.uint16],
    lines: npt.NDArray[np.int64],
    versions: npt.NDArray[np.uint32],
) -> tuple[int, int]:
    first = 0
    others = 0
    for position in range(lines.size):
        version = np.int64(memory[lines[position]])
        holder = -1
        for core in range(l2.shape[0]):
            row = l2_row(l2, place, core, lines[position])
            if row >= 0:
                holder = core if holder < 0 else holder
                if row & DIRTY:
                    version = (row & VERSION_MASK) >> VERSION_SHIFT
        versions[position] = version
        first += holder == 0
        others += holder > 0
    return first, others


@compiled_in_place
def write_around(state: CacheState, lines: npt.NDArray[np.int64], log: LogState) -> None:
    """Write lines by DMA or from the hypervisor: coherent, and no flag is set.

    Every cached copy leaves the caches: a dirty one is written back, a flagged one is logged
    unless flags are forgotten.
    """
    for position in range(lines.size):
        line = lines[position]
        for core in range(state.l2.shape[0]):
            row = l2_row(state.l2, state.place, core, line)
            if row < 0:
                continue
            drop(state, core, line)
            if row & DIRTY:
                write_back(state.memory, state.counters, row)
            if row & FLAG and state.policy[LEAVING] != FORGET:
                log_line(state.counters, state.policy, log, state.owner[core], line, LOG_TRANSFER)
        if state.l3.size > 0:
            take_from_l3(state.l3, line)
        state.memory[line] = (state.memory[line] + 1) % VERSION_MODULUS
