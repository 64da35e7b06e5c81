"""The hot loop."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_inline
from vmfailover.hardware.cache.kernel.constants import L1_WAY, L2_WAY_SHIFT
from vmfailover.hardware.cache.kernel.rows import after_stores, fill_l1
from vmfailover.hardware.cache.state import DIRTY

Column = npt.NDArray[np.uint32]
Writes = npt.NDArray[np.uint8]
Place = npt.NDArray[np.uint16]
Lines = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
Ticks = npt.NDArray[np.int64]


@compiled_inline
def run_hits(
    accesses: tuple[Column, Writes, Column, Column],
    rows: tuple[Place, Lines, Ticks, Rows, Ticks],
    shift: int,
    costs: tuple[int, int],
    written: int,
    required: int,
    span: tuple[int, int, int, int],
    clock: int,
) -> tuple[int, int, int, int, int, int, int]:
    """Execute records that find their line in L2, or for a load in L1, until one does not.

    `accesses` are block, write, count, instructions of one core; `rows` its place, l1, l1_used, l2 and l2_used;
    `costs` those of an instruction and of L2. A store needs a row with all bits of `required`. `span` is the tick of
    record 0, the first record, the end and the clock's bound. Returns the next record, the clock, and what has
    happened: instructions, accesses, stores, loads that missed L1, rows that turned dirty.
    """
    block, write, count, instructions = accesses
    place, l1, l1_used, l2, l2_used = rows
    instruction_cost, l2_cost = costs
    tick, here, end, bound = span
    l1_mask = np.uint64(l1_used.shape[0] - 1)
    l2_mask = np.uint64(l2.shape[0] - 1)
    executed = np.int64(0)
    performed = np.int64(0)
    stored = np.int64(0)
    load_misses = np.int64(0)
    dirtied = np.int64(0)
    left = bound - clock
    while executed * instruction_cost < left and here < end:
        record = np.uint64(here)  # an index known not to be negative
        now = tick + here
        line = np.int64(block[record]) >> shift
        times = np.int64(count[record])
        ways = place[line]
        way = np.uint64(ways >> L2_WAY_SHIFT)
        index = np.uint64(line) & l2_mask
        l1_used[np.uint64(line) & l1_mask, ways & L1_WAY] = now
        if write[record]:
            row = l2[index, way]
            if way == 0 or row & required != required:
                break
            dirtied += (row & DIRTY) ^ DIRTY
            l2[index, way] = after_stores(row, times, written)
            l2_used[index, way] = now
            stored += times
        elif ways & L1_WAY == 0:
            if way == 0:
                break
            l2_used[index, way] = now
            fill_l1(l1, l1_used, place, line, now)
            load_misses += 1
            left -= l2_cost
        executed += np.int64(instructions[record])
        performed += times
        here += 1
    clock += executed * instruction_cost + load_misses * l2_cost
    return here, clock, executed, performed, stored, load_misses, dirtied
