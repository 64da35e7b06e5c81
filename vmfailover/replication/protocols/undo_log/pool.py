"""Local: memory and undo log stay where they are, which both hosts reach, and outlive the primary."""

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.hardware.endpoint import Endpoint
from vmfailover.replication.collectors import Copying
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import CommitMarker, LineBatch
from vmfailover.replication.protocols.undo_log.entries import UndoEntries, UndoLines
from vmfailover.replication.receiver import copying_ns


class Pool:
    """Learns only of commits: memory and log are where both hosts reach them, and outlive the primary."""

    #: No line has to be sent, and nothing is kept beside the image and the log.
    lines = peak_bytes = 0

    def __init__(self, context: ProtectionContext, commit_point: CommitPoint, undo: UndoEntries) -> None:
        """Take over the memory of the primary, and its log, `undo`, if need be; move `commit_point` with each epoch."""
        self._env = context.env
        self._host = context.secondary.host
        self._left = context.primary.host.memory
        self._recorder = context.recorder
        self._commit_point = commit_point
        self._undo = undo
        #: Entries of the interval in which the primary went down, the newest first.
        self._cut_off: list[UndoLines] = []
        self.endpoint = Endpoint(self._host)
        self.endpoint.on(LineBatch, self._note_end)
        self.endpoint.on(CommitMarker, self.mark)

    def start(self) -> None:
        """Do nothing yet: there is nothing to apply."""

    def _note_end(self, batch: LineBatch) -> None:
        """Take note of an epoch's end."""
        if batch.final:
            self._recorder.staged(batch.epoch)

    def mark(self, marker: CommitMarker) -> None:
        """Commit an epoch: its log, the oldest, is not needed any more."""
        self._undo.ended.popleft()
        self._commit_point.commit(marker)

    def close(self) -> Generator[simpy.Event, Any, None]:
        """Roll back to the last committed checkpoint, line by line."""
        self.endpoint.close()
        undo = self._uncommitted()
        yield self._env.timeout(copying_ns(self._host, sum(lines.size for lines, _ in undo)))
        self._roll_back(undo)

    def settle(self) -> None:
        """Roll back at once."""
        self._roll_back(self._uncommitted())

    def _uncommitted(self) -> list[UndoLines]:
        """Return the logs to roll back, the newest first; a host that goes down meanwhile leaves all of it to do."""
        self._cut_off.insert(0, self._undo.take_fresh())
        return [*self._cut_off, *reversed(self._undo.ended)]

    def _roll_back(self, undo: list[UndoLines]) -> None:
        """Take memory as the primary left it, whose caches are lost, and undo what no checkpoint covers."""
        self._host.memory.versions[:] = self._left.versions
        for lines, versions in undo:
            self._host.memory.apply(lines, versions)


class InPlace:
    """Leaves lines where they are."""

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Send nothing."""
        del lines, before_ns, vm_stopped
        yield from ()
        return []
