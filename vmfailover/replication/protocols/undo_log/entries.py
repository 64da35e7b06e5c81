"""The undo log on the host that runs the VM, and what finds modified lines beside it."""

from collections import deque

import numpy as np
import numpy.typing as npt

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.processor import Processor
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.modification_tracker import MakeRoom
from vmfailover.replication.protocols.cacheline_transfer.protection import TransferredLines

#: Lines, int64[n], and what they held before an interval, uint32[n].
UndoLines = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]


class UndoEntries:
    """What first stores have overwritten, interval by interval, on the host that runs the VM."""

    def __init__(self, processor: Processor) -> None:
        """Keep what the processor notes of its VM."""
        self._processor = processor
        self._taken = np.zeros(processor.memory.versions.size, np.bool_)
        #: The logs of intervals that have ended, the oldest first, until somebody takes them.
        self.ended: deque[UndoLines] = deque()

    def take_fresh(self) -> UndoLines:
        """Return the entries that the log of this interval has got since the last call."""
        noted = self._processor.noted_units
        lines = noted[~self._taken[noted]]
        self._taken[lines] = True
        return lines, self._processor.state.undo[lines]

    def end_interval(self) -> None:
        """Close the interval's log, and begin the next."""
        self.ended.append(self.take_fresh())
        self._taken[self._processor.noted_units] = False
        self._processor.begin_interval()

    def take_all(self) -> list[UndoLines]:
        """Return all that nobody has taken, by intervals, the oldest first; nothing of it is kept."""
        logs = [*self.ended, self.take_fresh()]
        self.ended.clear()
        return logs


class UndoneLines(TransferredLines):
    """Finds what has been written back, and keeps what first stores have overwritten."""

    def __init__(self, context: ProtectionContext, hosted: HostedVm) -> None:
        """Track the VM of `hosted`."""
        super().__init__(context, hosted)
        self.undo = UndoEntries(hosted.host.processor)

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Clean every dirty line, close the interval's log, and begin the next; the VM stands still."""
        yield from super().find_modified(make_room)
        self.undo.end_interval()

    def note_device_write(self, lines: range) -> None:
        """Log lines in software, and what they are about to lose."""
        super().note_device_write(lines)
        self._processor.note_stores(np.arange(lines.start, lines.stop))
