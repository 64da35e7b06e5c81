"""Writing the address log (200)."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
from vmfailover.hardware.cache.kernel.constants import (
    COLLECTED,
    INITIAL,
    LIMIT,
    LINE_SHIFT,
    LOG_WRITE,
    LOG_WRITE_FS,
    NEXT,
    WRAP,
)
from vmfailover.hardware.cache.state import PADDING, LogState
from vmfailover.scenario.sizes import ADDRESS_BYTES


@compiled_in_place
def flush(log: LogState, vm: int) -> bool:
    """Pad a VM's collecting line and write it out to its log; say whether it held anything."""
    registers = log.registers[vm]
    collecting = log.collecting[vm]
    if registers[COLLECTED] == 0:
        return False
    slot = (registers[NEXT] - registers[INITIAL]) // ADDRESS_BYTES
    for entry in range(collecting.size):
        log.ring[vm, slot + entry] = collecting[entry]
        collecting[entry] = PADDING
    registers[COLLECTED] = 0
    registers[NEXT] += collecting.size * 8
    if registers[NEXT] == registers[WRAP]:
        registers[NEXT] = registers[INITIAL]
    return True


@compiled_in_place
def log_address(log: LogState, vm: int, line_address: int) -> bool:
    """Append one line's real address to a VM's log; say whether that wrote the collecting line out."""
    registers = log.registers[vm]
    collecting = log.collecting[vm]
    collecting[registers[COLLECTED]] = line_address
    registers[COLLECTED] += 1
    registers[LIMIT] -= 1
    return registers[COLLECTED] == collecting.size and flush(log, vm)


@compiled_inline
def log_line(
    counters: npt.NDArray[np.int64], policy: npt.NDArray[np.int64], log: LogState, vm: int, line: int, cause: int
) -> bool:
    """Log a line in a VM's log and count the cause; say whether that wrote the collecting line out."""
    counters[cause] += 1
    return log_address(log, vm, line << (6 + policy[LINE_SHIFT]))


@compiled_inline
def charge_log_write(
    clock: npt.NDArray[np.int64],
    behind: npt.NDArray[np.int64],
    costs: npt.NDArray[np.int64],
    counters: npt.NDArray[np.int64],
    core: int,
) -> None:
    """Let a core wait for the collecting line to be written out."""
    clock[core] += costs[core, LOG_WRITE]
    behind[core] += costs[core, LOG_WRITE]
    counters[LOG_WRITE_FS] += costs[core, LOG_WRITE]
