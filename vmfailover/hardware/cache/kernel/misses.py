"""Records that need a row which their core does not have, or not for itself."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np

from vmfailover.engine.compilation import compiled_inline
from vmfailover.hardware.cache.kernel.constants import (
    ACCESSES,
    DIRTIED,
    FIRST_STORES_MODE,
    FORGET,
    L1_LOAD_MISSES,
    L1_WAY,
    L2_MISSES,
    L2_WAY_SHIFT,
    L3,
    L3_HITS,
    LEAVING,
    LIMIT,
    LOG_CASTOUT,
    MEMORY,
    STORES,
    TRANSFER,
)
from vmfailover.hardware.cache.kernel.log import charge_log_write, log_line
from vmfailover.hardware.cache.kernel.rows import after_stores, drop, fill_l1, least_recent, write_back
from vmfailover.hardware.cache.kernel.sharing import ask_other_cores, flags_elsewhere
from vmfailover.hardware.cache.kernel.tracking import track_store
from vmfailover.hardware.cache.kernel.victim_cache import insert_in_l3, take_from_l3
from vmfailover.hardware.cache.state import (
    DIRTY,
    FLAG,
    TAG_SHIFT,
    VERSION_MASK,
    VERSION_SHIFT,
    CacheState,
    LogState,
)

#: The bits of a row that move along with its data.
WRITTEN = DIRTY | FLAG


@compiled_inline
def run_miss(
    state: CacheState, log: LogState, core: int, line: int, is_store: bool, times: int, written: int, now: int
) -> bool:
    """Execute a record that needs a row it does not have, or not for itself; say whether the log had room for it."""
    index = line & (state.l2.shape[1] - 1)
    way = np.int64(state.place[core, line] >> L2_WAY_SHIFT)
    row = state.l2[core, index, way]
    if way == 0:
        way = np.int64(_allocate(state, log, core, line, is_store))
        row = state.l2[core, index, way]
    elif flags_elsewhere(state.several, state, core, line, True) > max(
        np.int64(0), log.registers[state.owner[core], LIMIT]
    ):
        way = np.int64(0)
    else:
        row |= ask_other_cores(state.several, state, log, core, line, True) & FLAG
    if way == 0:
        return False
    state.l2_used[core, index, way] = now
    state.counters[ACCESSES] += times
    if is_store:
        state.counters[DIRTIED] += (row & DIRTY) ^ DIRTY
        state.counters[STORES] += times
        if state.mode[core] == FIRST_STORES_MODE and row & FLAG == 0:
            track_store(state, core, line, (row & VERSION_MASK) >> VERSION_SHIFT)
        state.l2[core, index, way] = after_stores(row, times, written)
        state.l1_used[core, line & (state.l1.shape[1] - 1), state.place[core, line] & L1_WAY] = now
    else:
        state.counters[L1_LOAD_MISSES] += 1
        fill_l1(state.l1[core], state.l1_used[core], state.place[core], line, now)
    return True


@compiled_inline
def _allocate(state: CacheState, log: LogState, core: int, line: int, is_store: bool) -> int:
    """Bring a line that missed into L2, at its cost; return its way, 0 if the log has no room for what that logs."""
    index = line & (state.l2.shape[1] - 1)
    way = least_recent(state.l2_used[core], index)
    victim = state.l2[core, index, way]
    needed = 1 if victim & FLAG and state.policy[LEAVING] != FORGET else 0
    needed += flags_elsewhere(state.several, state, core, line, is_store)
    if needed and needed > log.registers[state.owner[core], LIMIT]:
        return 0
    moved = ask_other_cores(state.several, state, log, core, line, is_store)
    if moved >= 0:
        state.clock[core] += state.costs[core, TRANSFER]
    elif state.l3.size > 0 and take_from_l3(state.l3, line):
        state.clock[core] += state.costs[core, L3]
        state.counters[L3_HITS] += 1
    else:
        state.clock[core] += state.costs[core, MEMORY]
    if victim >= 0:
        _evict(state, log, core, victim)
    state.counters[L2_MISSES] += 1
    version = moved & VERSION_MASK if moved >= 0 else np.int64(state.memory[line]) << VERSION_SHIFT
    state.l2[core, index, way] = line << TAG_SHIFT | version | moved & WRITTEN
    state.place[core, line] = way << L2_WAY_SHIFT
    return way


@compiled_inline
def _evict(state: CacheState, log: LogState, core: int, row: int) -> None:
    """Cast a row out of a core's L2: write back, log, drop from L1, move on to L3."""
    line = row >> TAG_SHIFT
    if row & DIRTY:
        write_back(state.memory, state.counters, row)
    if (
        row & FLAG
        and state.policy[LEAVING] != FORGET
        and log_line(state.counters, state.policy, log, state.owner[core], line, LOG_CASTOUT)
    ):
        charge_log_write(state.clock, state.behind, state.costs, state.counters, core)
    drop(state, core, line)
    if state.l3.size > 0:
        insert_in_l3(state.l3, line)
