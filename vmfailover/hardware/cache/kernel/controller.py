"""What the cache controller (122) and the hypervisor do to all rows, or to some lines."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
from vmfailover.hardware.cache.kernel.constants import FORGET, LEAVING, LIMIT, LOG_SCAN, LOG_TRANSFER
from vmfailover.hardware.cache.kernel.log import log_line
from vmfailover.hardware.cache.kernel.rows import Rows, drop, l2_row, write_back
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


def scan(state: CacheState, core: int, log: LogState, first_set: int) -> int:
    """Walk a core's L2 from a set on, most recent rows first: log every flagged row and clear its flag.

    Returns the set at which the log's limit stopped it, or the number of sets when all are done.
    """
    rows = state.l2[core], state.l2_used[core]
    done: int = walk_flags(*rows, state.counters, state.policy, log, state.owner[core], first_set)
    return done


@compiled_in_place
def walk_flags(
    rows: npt.NDArray[np.int64],
    used: npt.NDArray[np.int64],
    counters: npt.NDArray[np.int64],
    policy: npt.NDArray[np.int64],
    log: LogState,
    vm: int,
    first_set: int,
) -> int:
    """Do what `scan` says with one core's L2, int64[sets, 1 + ways], whose VM's number is `vm`."""
    for index in range(first_set, rows.shape[0]):
        flags = 0
        for way in range(1, rows.shape[1]):
            flags |= rows[index, way]
        while flags & FLAG:
            latest, flags = _latest_flagged(rows, used, index)
            if log.registers[vm, LIMIT] < 1:
                return index
            log_line(counters, policy, log, vm, rows[index, latest] >> TAG_SHIFT, LOG_SCAN)
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


def write_around(state: CacheState, lines: npt.NDArray[np.int64], log: LogState) -> None:
    """Write lines by DMA or from the hypervisor: coherent, and no flag is set.

    Every cached copy leaves the caches: a dirty one is written back, a flagged one is logged
    unless flags are forgotten.
    """
    rows = state.place, state.l1, state.l1_used, state.l2, state.l2_used
    _write_around(rows, state.l3, state.memory, state.owner, state.counters, state.policy, lines, log)


@compiled_in_place
def _write_around(
    rows: Rows,
    l3: npt.NDArray[np.int32],
    memory: npt.NDArray[np.uint32],
    owner: npt.NDArray[np.int64],
    counters: npt.NDArray[np.int64],
    policy: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    log: LogState,
) -> None:
    place, l2 = rows[0], rows[3]
    for position in range(lines.size):
        line = lines[position]
        for core in range(l2.shape[0]):
            row = l2_row(l2, place, core, line)
            if row < 0:
                continue
            drop(rows, core, line)
            if row & DIRTY:
                write_back(memory, counters, row)
            if row & FLAG and policy[LEAVING] != FORGET:
                log_line(counters, policy, log, owner[core], line, LOG_TRANSFER)
        if l3.size > 0:
            take_from_l3(l3, line)
        memory[line] = (memory[line] + 1) % VERSION_MODULUS
