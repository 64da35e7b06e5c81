"""Undo logs (ReVive, SafetyNet): the first store to a line in an interval logs what it overwrites.

Memory is updated in place, so recovery rolls it back to the last checkpoint. A checkpoint first writes every dirty line
back to memory. Mirrored, the other host's memory follows the primary's, write-back by write-back, and has the log too;
local, memory and log stay where they are and outlive their host.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Mode
from vmfailover.hardware.processor import Processor, Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.collectors import Copying, LineCollector
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import ADDRESS_BYTES, CommitMarker, LineBatch, Message, UndoBatch
from vmfailover.replication.modification_tracker import MakeRoom, Steps
from vmfailover.replication.packing import Packing, UnitPacking
from vmfailover.replication.protocols.cacheline_transfer.protection import TransferredLines
from vmfailover.replication.protocols.undo_log import UndoLogSettings
from vmfailover.replication.receiver import Receiver
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication

Lines = npt.NDArray[np.int64]
Versions = npt.NDArray[np.uint32]
#: Lines, int64[n], and what they held before an interval, uint32[n].
UndoEntries = tuple[Lines, Versions]


class UndoneLines(TransferredLines):
    """Finds what has been written back, and keeps what first stores have overwritten."""

    def __init__(self, context: ProtectionContext, hosted: HostedVm) -> None:
        """Track the VM of `hosted`."""
        super().__init__(context, hosted)
        self._taken = np.zeros(hosted.vm.image.lines, np.bool_)
        #: The logs of intervals that have ended, the oldest first, until somebody takes them.
        self.ended: deque[UndoEntries] = deque()

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Clean every dirty line, close the interval's log, and begin the next; the VM stands still."""
        yield from super().find_modified(make_room)
        self.ended.append(self.take_fresh())
        self._processor.begin_interval()
        self._taken[:] = False

    def note_device_write(self, lines: range) -> None:
        """Log lines in software, and what they are about to lose."""
        super().note_device_write(lines)
        self._processor.note_stores(np.arange(lines.start, lines.stop))

    def take_fresh(self) -> UndoEntries:
        """Return the entries that the log of this interval has got since the last call."""
        noted = self._processor.noted_units
        lines = noted[~self._taken[noted]]
        self._taken[lines] = True
        return lines, self._processor.state.undo[lines]


class UndoPacking:
    """Sends the log's new entries before the lines that they could undo."""

    def __init__(self, context: ProtectionContext, tracker: UndoneLines) -> None:
        """Pack what `tracker` finds."""
        self._lines = UnitPacking(context)
        self._entry_bytes = ADDRESS_BYTES + context.line_bytes
        self._message_ns = context.scenario.hypervisor.message
        self._tracker = tracker

    def pack(self, epoch: int, lines: Lines, versions: Versions) -> list[LineBatch]:
        """Return a message of log entries, if there are new ones, and those of the lines."""
        logs = [*self._tracker.ended, self._tracker.take_fresh()]
        self._tracker.ended.clear()
        entries = [
            UndoBatch(epoch, *log, log[0].size * self._entry_bytes, preparation_ns=self._message_ns)
            for log in logs
            if log[0].size
        ]
        return [*entries, *self._lines.pack(epoch, lines, versions)]


class Mirror(Receiver):
    """Applies lines as they arrive, and can take them back until their epoch is committed."""

    def __init__(self, *args: Any) -> None:
        """Mirror as a `Receiver` would receive."""
        super().__init__(*args)
        self._undo: list[LineBatch] = []
        self._arrived: dict[int, int] = {}

    def start(self) -> None:
        """There is nothing to wait for: what arrives is applied."""

    def receive(self, message: Message) -> None:
        """Log, apply or commit."""
        if self._closed:
            return
        if isinstance(message, CommitMarker):
            self.mark(message)
        elif isinstance(message, UndoBatch):
            self._undo.append(message)
            self.peak_bytes = max(self.peak_bytes, self._undo_lines * self._host.memory.line_bytes)
        elif isinstance(message, LineBatch):
            self.stage(message)

    def stage(self, batch: LineBatch) -> None:
        """Write lines to the image."""
        self.lines += batch.lines.size
        self._arrived[batch.epoch] = self._arrived.get(batch.epoch, 0) + batch.lines.size
        self._host.memory.apply(batch.lines, batch.versions)
        if batch.final:
            self._recorder.staged(batch.epoch)

    def mark(self, marker: CommitMarker) -> None:
        """Commit an epoch whose lines are all there: its log is not needed any more."""
        if self._arrived.pop(marker.epoch, 0) != marker.lines:
            return
        self._undo.clear()
        self._committed(marker.epoch, marker.state)
        self._recorder.committed(marker.epoch, marker.lines, self._host.out.spec.latency)
        self._recorder.applied(marker.epoch, marker.lines)
        self.acknowledge(marker.epoch)

    def close(self) -> Generator[simpy.Event, Any, None]:
        """Roll back to the last committed checkpoint, line by line."""
        self._closed = True
        yield self.env.timeout(self._apply_ns(self._undo_lines))
        self.settle()

    def settle(self) -> None:
        """Roll back at once, the newest entry first."""
        for batch in reversed(self._undo):
            self._host.memory.apply(batch.lines, batch.versions)
        self._undo.clear()

    @property
    def _undo_lines(self) -> int:
        return sum(batch.lines.size for batch in self._undo)


class Pool(Receiver):
    """Learns only of commits: memory and log are where both hosts reach them, and outlive the primary."""

    def __init__(self, processor: Processor, tracker: UndoneLines, *args: Any) -> None:
        """Take over the memory and the log of the primary, its `processor` and `tracker`, if need be."""
        super().__init__(*args)
        self._processor = processor
        self._tracker = tracker

    def start(self) -> None:
        """There is nothing to apply."""

    def stage(self, batch: LineBatch) -> None:
        """Take note of the epoch's end."""
        if batch.final and not self._closed:
            self._recorder.staged(batch.epoch)

    def mark(self, marker: CommitMarker) -> None:
        """Commit an epoch: its log, the oldest, is not needed any more."""
        if self._closed:
            return
        self._tracker.ended.popleft()
        self._committed(marker.epoch, marker.state)
        self._recorder.committed(marker.epoch, latency_ns=self._host.out.spec.latency)
        self.acknowledge(marker.epoch)

    def close(self) -> Generator[simpy.Event, Any, None]:
        """Roll back to the last committed checkpoint, line by line."""
        self._closed = True
        undo = self._undo()
        yield self.env.timeout(self._apply_ns(sum(lines.size for lines, _ in undo)))
        self._roll_back(undo)

    def settle(self) -> None:
        """Roll back at once."""
        self._roll_back(self._undo())

    def _undo(self) -> list[UndoEntries]:
        """Return the logs to roll back, the newest first."""
        return [self._tracker.take_fresh(), *reversed(self._tracker.ended)]

    def _roll_back(self, undo: list[UndoEntries]) -> None:
        """Take memory as the primary left it, whose caches are lost, and undo what no checkpoint covers."""
        self._host.memory.versions[:] = self._processor.memory.versions
        for lines, versions in undo:
            self._host.memory.apply(lines, versions)


class UndoLog(Checkpointing):
    """Checkpoints that write back all dirty lines, with the means to return to the last one."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """A first store reads the old line and writes it to the log; write-backs are logged."""
        del replication
        copy_fs = 2 * host.line * 10**15 // host.memory.bandwidth
        return Tracking(Mode.FIRST_STORES, first_store_fs=copy_fs, keep_undo=True)

    @property
    def _local(self) -> bool:
        return UndoLogSettings.of(self.context.scenario.replication).undo_log.placement == "local"

    def new_tracker(self, hosted: HostedVm) -> UndoneLines:
        """Return what keeps the undo log of a host's VM."""
        return UndoneLines(self.context, hosted)

    def new_receiver(self) -> Receiver:
        """Return a mirror, or what both hosts reach."""
        arguments = (self.env, self.context.secondary.host, self.context.recorder, self.acknowledged, self.commit)
        if not self._local:
            return Mirror(*arguments)
        assert isinstance(self.tracker, UndoneLines)
        return Pool(self.context.primary.host.processor, self.tracker, *arguments)

    def new_packing(self) -> Packing:
        """Return what sends the log before the lines."""
        assert isinstance(self.tracker, UndoneLines)
        return UndoPacking(self.context, self.tracker)

    def new_copier(self) -> LineCollector:
        """Return who copies lines, which nobody needs to where both hosts reach them."""
        return InPlace() if self._local else super().new_copier()


class InPlace:
    """Leaves lines where they are."""

    def copy(self, lines: Lines, *, before_ns: int, vm_stopped: bool) -> Copying:
        """Send nothing."""
        del lines, before_ns, vm_stopped
        return []
        yield
