"""The secondary's side: staging, commit, and the image."""

from collections import deque
from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.distinct import SPARE
from vmfailover.replication.messages import CommitMarker, LineBatch
from vmfailover.scenario.sizes import transfer_ns


class ImageReceiver(Protocol):
    """The secondary's side of checkpoints: what it does with lines and commit markers."""

    #: Takes what the primary sends.
    endpoint: Endpoint
    #: Lines that have arrived, with repetitions.
    lines: int
    #: Most bytes that were kept beside the image at once.
    peak_bytes: int

    def start(self) -> None:
        """Begin to do what takes time."""

    def close(self) -> Generator[simpy.Event, Any, None]:
        """Take nothing more, and bring the image to the last commit."""

    def settle(self) -> None:
        """Bring the image to the last commit at once: the simulation has ended."""


def copying_ns(host: Host, lines: int) -> int:
    """Return how long it takes to copy so many lines within a host's memory."""
    return transfer_ns(2 * lines * host.memory.line_bytes, host.processor.spec.memory.bandwidth)


class StagedEpoch:
    """What has arrived of one epoch, in as much of our memory as its distinct lines take."""

    def __init__(self, seen: npt.NDArray[np.bool_]) -> None:
        """Nothing has arrived; lines that do are noted in `seen`, bool[lines], until `end` is called."""
        #: Lines staged so far, with repetitions.
        self.lines = 0
        #: What is kept of it, in order: of a line that came again, perhaps only the last version.
        self.batches: list[LineBatch] = []
        self._seen = seen
        self._held = 0
        self._repeated = 0

    def add(self, batch: LineBatch) -> None:
        """Stage lines that have arrived."""
        self.lines += batch.lines.size
        self._held += batch.lines.size
        self.batches.append(batch)
        self._repeated += int(np.count_nonzero(self._seen[batch.lines]))
        self._seen[batch.lines] = True
        if 2 * self._repeated > self._held + SPARE:
            self._merge(batch.epoch)

    def end(self) -> None:
        """Let another epoch be noted: of this one everything is there."""
        for batch in self.batches:
            self._seen[batch.lines] = False

    def _merge(self, epoch: int) -> None:
        """Keep nothing but the last version of each line."""
        newest_first = self.batches[::-1]
        versions = np.concatenate([batch.versions[::-1] for batch in newest_first])
        lines, newest = np.unique(np.concatenate([batch.lines[::-1] for batch in newest_first]), return_index=True)
        self.batches = [LineBatch(epoch, lines, versions[newest], 0)]
        self._held, self._repeated = lines.size, 0


class Receiver:
    """Stages what arrives; an epoch is committed once whole and applied to the image as a whole.

    It is acknowledged before it is applied or after, as the scenario says.
    """

    def __init__(self, context: ProtectionContext, commit_point: CommitPoint) -> None:
        """Receive on the secondary, and move `commit_point` with each epoch."""
        self.env = env = context.env
        self._host = context.secondary.host
        self._recorder = context.recorder
        self._commit_point = commit_point
        self._at_once = context.scenario.replication.acknowledge == "staged"
        self._staged: dict[int, StagedEpoch] = {}
        #: Epochs that are committed and not in the image yet, in order.
        self._to_apply: deque[tuple[int, StagedEpoch]] = deque()
        self._more = env.event()
        self._all_applied = env.event().succeed()
        #: Lines that have arrived, with repetitions.
        self.lines = 0
        #: Most bytes that were staged or waited to be applied at once.
        self.peak_bytes = 0
        self._held_bytes = 0
        self._seen = np.zeros(self._host.memory.versions.size, np.bool_)
        self.endpoint = Endpoint(self._host)
        self.endpoint.on(LineBatch, self.stage)
        self.endpoint.on(CommitMarker, self.mark)

    def start(self) -> None:
        """Apply what is committed, as it comes."""
        self._host.run(self.apply_committed())

    def stage(self, batch: LineBatch) -> None:
        """Keep lines of an epoch until it is whole."""
        self.lines += batch.lines.size
        self._held_bytes += batch.lines.size * self._host.memory.line_bytes
        self.peak_bytes = max(self.peak_bytes, self._held_bytes)
        self._stage_of(batch.epoch).add(batch)
        if batch.final:
            self._recorder.staged(batch.epoch)

    def mark(self, marker: CommitMarker) -> None:
        """Take the end of an epoch: it is whole if every line that the marker counts is staged."""
        staged = self._stage_of(marker.epoch)
        if staged.lines == marker.lines:
            self.commit(staged, marker)

    def commit(self, staged: StagedEpoch, marker: CommitMarker) -> None:
        """Commit an epoch that is whole, and let it be applied."""
        del self._staged[marker.epoch]
        staged.end()
        self._commit_point.seal(marker, staged.lines)
        if self._at_once:
            self._commit_point.acknowledge(marker.epoch)
        if not self._to_apply:
            self._all_applied = self.env.event()
        self._to_apply.append((marker.epoch, staged))
        self._more.succeed()
        self._more = self.env.event()

    def _stage_of(self, epoch: int) -> StagedEpoch:
        if epoch not in self._staged:
            self._staged[epoch] = StagedEpoch(self._seen)
        return self._staged[epoch]

    def apply_committed(self) -> Generator[simpy.Event, Any, None]:
        """Apply committed epochs to the image, in order, for ever; each takes time and then is there as a whole."""
        while True:
            while not self._to_apply:
                yield self._more
            epoch, staged = self._to_apply[0]
            yield self.env.timeout(copying_ns(self._host, staged.lines))
            self._apply_next()
            if not self._at_once:
                self._commit_point.acknowledge(epoch)

    def _apply_next(self) -> None:
        self.apply(*self._to_apply.popleft())
        if not self._to_apply:
            self._all_applied.succeed()

    def apply(self, epoch: int, staged: StagedEpoch) -> None:
        """Put an epoch's lines into the image, the later ones of a line over the earlier ones."""
        for batch in staged.batches:
            self._host.memory.apply(batch.lines, batch.versions)
        self._held_bytes -= staged.lines * self._host.memory.line_bytes
        self._recorder.applied(epoch, staged.lines)

    def close(self) -> Generator[simpy.Event, Any, None]:
        """Take nothing more, discard what is staged but not committed, and finish applying what is."""
        self.endpoint.close()
        self._staged.clear()
        yield self._all_applied

    def settle(self) -> None:
        """Apply at once every committed epoch that is not applied yet: the simulation has ended."""
        while self._to_apply:
            self._apply_next()
