"""What finds modified memory, as those see it who ship it."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.engine.steps import Steps

MakeRoom = Callable[[], Steps]


class ModificationTracker(Protocol):
    """Finds the modified memory of one VM."""

    @property
    def find_ns(self) -> int:
        """Time that `find_modified` would take now, nanoseconds."""

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        """Make what is modified readable every `interval_ns`, as far as the hardware can, and call `after`."""

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Make everything modified in this interval readable, and begin the next one; the VM stands still.

        Whenever there is no room to write it down, `make_room` is to make some.
        """

    def read(self) -> npt.NDArray[np.int64]:
        """Return addresses in the units found modified since the last call, int64[n], perhaps with repetitions."""

    def outstanding(self) -> npt.NDArray[np.int64]:
        """Return a line, or more, of each unit that is modified but not readable yet, int64[n]."""

    def note_device_write(self, lines: range) -> None:
        """Take notice of lines that a device is about to write."""

    @property
    def needs_room(self) -> bool:
        """Whether there is so little room left to write addresses down that the VM must not go on."""

    @property
    def position(self) -> int:
        """What to `release` when everything read so far is no longer needed."""

    def release(self, position: int) -> None:
        """Make room: what was read before a position is no longer needed."""


def lines_of(units: npt.NDArray[np.int64], unit_lines: int, memory_lines: int) -> npt.NDArray[np.int64]:
    """Return the lines of units, int64[n], in order, as far as memory goes."""
    if unit_lines == 1:
        return units
    lines: npt.NDArray[np.int64] = (units[:, np.newaxis] * unit_lines + np.arange(unit_lines)).ravel()
    return lines[lines < memory_lines] if memory_lines % unit_lines else lines
