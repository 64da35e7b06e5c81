"""Several cores: what becomes of a line's rows in the other caches, as in MESI.

Functions take `CacheState.several` by itself: where that is None, the compiler stops reading at the first line.
"""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

from vmfailover.engine.compilation import compiled_inline
from vmfailover.hardware.cache.kernel.constants import CARRY, L2_WAY_SHIFT, LEAVING, LOG, LOG_TRANSFER, TRANSFERS
from vmfailover.hardware.cache.kernel.log import charge_log_write, log_line
from vmfailover.hardware.cache.kernel.rows import drop, l2_row, write_back
from vmfailover.hardware.cache.state import DIRTY, FLAG, INVALID_ROW, CacheState, LogState

#: What `ask_other_cores` takes off a row that it writes back.
WRITTEN = DIRTY | FLAG


@compiled_inline
def flags_elsewhere(several: bool | None, state: CacheState, core: int, line: int, is_store: bool) -> int:
    """Count the addresses that other cores' rows of a line will log when this core asks for it."""
    if several is None:
        return 0
    flags = 0
    for other in range(state.l2.shape[0]):
        if other != core and state.policy[LEAVING] == LOG:
            row = l2_row(state.l2, state.place, other, line)
            if row & FLAG and (is_store or row & DIRTY):
                flags += 1
    return flags


@compiled_inline
def ask_other_cores(
    several: bool | None, state: CacheState, log: LogState, core: int, line: int, is_store: bool
) -> int:
    """Deal with the rows of a line in other cores' L2 before a load or store of this core.

    Returns what moves to this core: the dirty row that another core held, a flag that is carried along, `INVALID_ROW`
    in place of a row that was not dirty. The dirty bit is gone where the data has been written back.
    """
    if several is None:
        return INVALID_ROW
    moved = INVALID_ROW
    carried = 0
    for other in range(state.l2.shape[0]):
        row = l2_row(state.l2, state.place, other, line)
        if other == core or row < 0 or not (is_store or row & DIRTY):
            continue
        if row & DIRTY:
            state.counters[TRANSFERS] += 1
            moved = row & ~FLAG
        if is_store:
            drop(state, other, line)
        else:
            write_back(state.memory, state.counters, row)
            moved = row & ~WRITTEN
            way = state.place[other, line] >> L2_WAY_SHIFT
            state.l2[other, line & (state.l2.shape[1] - 1), way] = moved
        if row & FLAG:
            if state.policy[LEAVING] == CARRY:
                carried = FLAG
            elif state.policy[LEAVING] == LOG and log_line(
                state.counters, state.policy, log, state.owner[other], line, LOG_TRANSFER
            ):
                charge_log_write(state.clock, state.behind, state.costs, state.counters, core)
    return moved | carried
