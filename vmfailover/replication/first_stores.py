"""Modified memory found by the first store to each unit in an interval."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.modification_tracker import MakeRoom

#: Time of a checkpoint's work on modified units, int64[n] in order, nanoseconds.
Work = Callable[[npt.NDArray[np.int64]], int]


class FirstStores:
    """Knows at a checkpoint, and not before, which units have been stored to in the interval."""

    def __init__(self, context: ProtectionContext, hosted: HostedVm, work: Work) -> None:
        """Track the VM of `hosted`; `work` is what a checkpoint has to do before it can copy."""
        self._env = context.env
        self._processor = hosted.host.processor
        self._unit_bytes = self._processor.tracking.unit_lines * self._processor.memory.line_bytes
        self._work = work
        self._found: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    @property
    def find_ns(self) -> int:
        """Time of a checkpoint's work now, nanoseconds."""
        return self._work(self._processor.noted_units)

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        """Do nothing: an interval is not looked into before its end."""
        del interval_ns, make_room, after
        yield from ()

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Take the units of this interval, and begin the next one; the VM stands still."""
        del make_room
        units = self._processor.noted_units
        yield self._env.timeout(self._work(units))
        self._processor.begin_interval()
        self._found = units

    def read(self) -> npt.NDArray[np.int64]:
        """Return the first address of each unit found and not read yet, int64[n]."""
        found, self._found = self._found, self._found[:0]
        return found * self._unit_bytes

    def outstanding(self) -> npt.NDArray[np.int64]:
        """Return the first line of each unit stored to in this interval, int64[n]."""
        return self._processor.noted_units * self._processor.tracking.unit_lines

    def note_device_write(self, lines: range) -> None:
        """Mark lines in software."""
        self._processor.note_stores(np.arange(lines.start, lines.stop))

    @property
    def needs_room(self) -> bool:
        """Never: there is a place for each unit."""
        return False

    @property
    def position(self) -> int:
        """No place in particular."""
        return 0

    def release(self, position: int) -> None:
        """There is nothing to release."""
