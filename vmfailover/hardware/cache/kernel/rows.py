"""Rows of one line: where they are, how they leave, and how one is filled."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_inline
from vmfailover.hardware.cache.kernel.constants import L1_WAY, L2_WAY, L2_WAY_SHIFT, WRITEBACKS
from vmfailover.hardware.cache.state import (
    INVALID,
    INVALID_ROW,
    TAG_SHIFT,
    VERSION_MASK,
    VERSION_SHIFT,
    CacheState,
)


@compiled_inline
def l2_row(l2: npt.NDArray[np.int64], place: npt.NDArray[np.uint16], core: int, line: int) -> np.int64:
    """Return a core's L2 row of a line, `INVALID_ROW` if it has none."""
    return l2[core, line & (l2.shape[1] - 1), place[core, line] >> L2_WAY_SHIFT]


@compiled_inline
def write_back(memory: npt.NDArray[np.uint32], counters: npt.NDArray[np.int64], row: int) -> None:
    """Write a dirty row's data to memory."""
    memory[row >> TAG_SHIFT] = (row & VERSION_MASK) >> VERSION_SHIFT
    counters[WRITEBACKS] += 1


@compiled_inline
def drop(state: CacheState, core: int, line: int) -> None:
    """Invalidate a core's rows of a line in L2 and, if it is there too, in L1."""
    place = state.place[core, line]
    index = line & (state.l2.shape[1] - 1)
    state.l2[core, index, place >> L2_WAY_SHIFT] = INVALID_ROW
    state.l2_used[core, index, place >> L2_WAY_SHIFT] = 0
    index = line & (state.l1.shape[1] - 1)
    state.l1[core, index, place & L1_WAY] = INVALID
    state.l1_used[core, index, place & L1_WAY] = 0
    state.place[core, line] = 0


@compiled_inline
def least_recent(used: npt.NDArray[np.int64], index: int) -> int:
    """Return the way of a set that was used least recently, the first one of several."""
    way = 1
    for other in range(2, used.shape[1]):
        if used[index, other] < used[index, way]:
            way = other
    return way


@compiled_inline
def fill_l1(
    l1: npt.NDArray[np.int32], l1_used: npt.NDArray[np.int64], place: npt.NDArray[np.uint16], line: int, tick: int
) -> None:
    """Put a line into a core's L1 in place of the least recently used one, which falls out silently."""
    index = line & (l1.shape[0] - 1)
    way = least_recent(l1_used, index)
    fallen = l1[index, way]
    if fallen >= 0:
        place[fallen] &= L2_WAY
    l1[index, way] = line
    l1_used[index, way] = tick
    place[line] |= way


@compiled_inline
def after_stores(row: int, times: int, written: int) -> int:
    """Return a row after `times` stores."""
    return (row & ~VERSION_MASK) | ((row + (times << VERSION_SHIFT)) & VERSION_MASK) | written
