"""Mirrored: the other host's memory follows the primary's, write-back by write-back, and has the undo log too."""

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.hardware.endpoint import Endpoint
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import CommitMarker, LineBatch, UndoBatch
from vmfailover.replication.packing import UnitPacking
from vmfailover.replication.protocols.undo_log.entries import UndoEntries
from vmfailover.replication.receiver import copying_ns
from vmfailover.scenario.sizes import ADDRESS_BYTES


class UndoPacking:
    """Sends the log's new entries before the lines that they could undo."""

    def __init__(self, context: ProtectionContext, undo: UndoEntries) -> None:
        """Pack lines with the entries that `undo` has got meanwhile."""
        self._lines = UnitPacking(context)
        self._entry_bytes = ADDRESS_BYTES + context.line_bytes
        self._message_ns = context.scenario.hypervisor.message
        self._undo = undo

    def pack(self, epoch: int, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> list[LineBatch]:
        """Return a message of log entries, if there are new ones, and those of the lines."""
        entries = [
            UndoBatch(epoch, *log, log[0].size * self._entry_bytes, preparation_ns=self._message_ns)
            for log in self._undo.take_all()
            if log[0].size
        ]
        return [*entries, *self._lines.pack(epoch, lines, versions)]


class Mirror:
    """Applies lines as they arrive, and can take them back until their epoch is committed."""

    def __init__(self, context: ProtectionContext, commit_point: CommitPoint) -> None:
        """Mirror on the secondary, and move `commit_point` with each epoch."""
        self._env = context.env
        self._host = context.secondary.host
        self._recorder = context.recorder
        self._commit_point = commit_point
        self._undo: list[LineBatch] = []
        self._arrived: dict[int, int] = {}
        #: Lines that have arrived, with repetitions.
        self.lines = 0
        #: Most bytes of the undo log at once.
        self.peak_bytes = 0
        self.endpoint = Endpoint(self._host)
        self.endpoint.on(UndoBatch, self._keep)
        self.endpoint.on(LineBatch, self._apply)
        self.endpoint.on(CommitMarker, self.mark)

    def start(self) -> None:
        """Do nothing yet: what arrives is applied."""

    def _keep(self, batch: UndoBatch) -> None:
        """Keep what lines held, lest they have to be put back."""
        self._undo.append(batch)
        self.peak_bytes = max(self.peak_bytes, self._undo_lines * self._host.memory.line_bytes)

    def _apply(self, batch: LineBatch) -> None:
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
        self._commit_point.commit(marker, marker.lines)
        self._recorder.applied(marker.epoch, marker.lines)

    def close(self) -> Generator[simpy.Event, Any, None]:
        """Roll back to the last committed checkpoint, line by line."""
        self.endpoint.close()
        yield self._env.timeout(copying_ns(self._host, self._undo_lines))
        self.settle()

    def settle(self) -> None:
        """Roll back at once, the newest entry first."""
        for batch in reversed(self._undo):
            self._host.memory.apply(batch.lines, batch.versions)
        self._undo.clear()

    @property
    def _undo_lines(self) -> int:
        return sum(batch.lines.size for batch in self._undo)
