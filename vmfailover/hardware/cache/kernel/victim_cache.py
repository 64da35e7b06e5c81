"""The optional L3, a victim cache of the L2s."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_inline
from vmfailover.hardware.cache.state import INVALID


@compiled_inline
def _l3_way(l3: npt.NDArray[np.int32], line: int) -> int:
    """Return the way of L3 that holds a line, the number of ways if none does."""
    ways = l3.shape[1]
    for way in range(ways):
        if l3[line & (l3.shape[0] - 1), way] == line:
            return way
    return ways


@compiled_inline
def insert_in_l3(l3: npt.NDArray[np.int32], line: int) -> None:
    """Make a line the most recent of its L3 set; the least recent falls out if it was not there."""
    index = line & (l3.shape[0] - 1)
    for way in range(min(_l3_way(l3, line), l3.shape[1] - 1), 0, -1):
        l3[index, way] = l3[index, way - 1]
    l3[index, 0] = line


@compiled_inline
def take_from_l3(l3: npt.NDArray[np.int32], line: int) -> bool:
    """Remove a line from L3; say whether it was there."""
    ways = l3.shape[1]
    way = _l3_way(l3, line)
    if way == ways:
        return False
    index = line & (l3.shape[0] - 1)
    for later in range(way, ways - 1):
        l3[index, later] = l3[index, later + 1]
    l3[index, ways - 1] = INVALID
    return True
