"""The first store to a unit of memory in an interval."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

from vmfailover.engine.compilation import compiled_inline
from vmfailover.hardware.cache.kernel.constants import (
    BUFFER,
    EXIT,
    EXITS,
    FIRST_STORE,
    FIRST_STORES,
    TRACKING_FS,
    UNIT_SHIFT,
)
from vmfailover.hardware.cache.state import CacheState


@compiled_inline
def track_store(state: CacheState, core: int, line: int, version: int) -> None:
    """Note a store by a core to a line that has this version; the first to its unit costs time."""
    unit = line >> state.policy[UNIT_SHIFT]
    if state.tracked[unit]:
        return
    state.tracked[unit] = 1
    if state.undo.size > 0:
        state.undo[line] = version
    cost = state.costs[core, FIRST_STORE]
    state.counters[FIRST_STORES] += 1
    state.buffered[core] += 1
    if state.buffered[core] == state.policy[BUFFER]:
        state.buffered[core] = 0
        state.counters[EXITS] += 1
        cost += state.costs[core, EXIT]
    state.clock[core] += cost
    state.behind[core] += cost
    state.counters[TRACKING_FS] += cost
