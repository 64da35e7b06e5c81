"""The secondary's side: staging, commit, and the image."""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.hardware.host import Host
from vmfailover.replication.distinct import SPARE
from vmfailover.replication.epoch_recorder import EpochRecorder
from vmfailover.replication.messages import HEADER_BYTES, CommitMarker, LineBatch, Message
from vmfailover.scenario.sizes import transfer_ns

#: Called on the primary when it learns that an epoch is committed.
Acknowledge = Callable[[int], None]
#: Called on the secondary when an epoch is committed, with its number and state.
Committed = Callable[[int, GuestState], None]


class StagedEpoch:
    """What has arrived of one epoch, in as much of our memory as its distinct lines take."""

    def __init__(self, memory_lines: int) -> None:
        """Nothing has arrived of a memory of so many lines."""
        #: Lines staged so far, with repetitions.
        self.lines = 0
        #: What is kept of it, in order: of a line that came again, perhaps only the last version.
        self.batches: list[LineBatch] = []
        self._seen = np.zeros(memory_lines, np.bool_)
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

    def _merge(self, epoch: int) -> None:
        """Keep nothing but the last version of each line."""
        versions = np.zeros(self._seen.size, np.uint32)
        for batch in self.batches:
            versions[batch.lines] = batch.versions
        lines = np.flatnonzero(self._seen)
        self.batches = [LineBatch(epoch, lines, versions[lines], 0)]
        self._held, self._repeated = lines.size, 0


class Receiver:
    """Stages what arrives; an epoch is committed once whole, acknowledged, and then applied to the image at once."""

    def __init__(
        self,
        env: simpy.Environment,
        host: Host,
        recorder: EpochRecorder,
        acknowledge: Acknowledge,
        committed: Committed,
    ) -> None:
        """Receive on `host`; `acknowledge` and `committed` are told of each epoch."""
        self.env = env
        self._host = host
        self._recorder = recorder
        self._acknowledge = acknowledge
        self._committed = committed
        self._staged: dict[int, StagedEpoch] = {}
        #: Epochs that are committed and not in the image yet, in order.
        self._to_apply: deque[tuple[int, StagedEpoch]] = deque()
        self._more = env.event()
        self._all_applied = env.event().succeed()
        self._closed = False
        #: Lines that have arrived, with repetitions.
        self.lines = 0
        #: Most bytes that were staged or waited to be applied at once.
        self.peak_bytes = 0
        self._held_bytes = 0

    def start(self) -> None:
        """Apply what is committed, as it comes."""
        self._host.run(self.apply_committed())

    def receive(self, message: Message) -> None:
        """Take a message as it arrives."""
        if isinstance(message, LineBatch):
            self.stage(message)
        elif isinstance(message, CommitMarker):
            self.mark(message)

    def stage(self, batch: LineBatch) -> None:
        """Keep lines of an epoch until it is whole."""
        if self._closed:
            return
        self.lines += batch.lines.size
        self._held_bytes += batch.lines.size * self._host.memory.line_bytes
        self.peak_bytes = max(self.peak_bytes, self._held_bytes)
        self._stage_of(batch.epoch).add(batch)
        if batch.final:
            self._recorder.staged(batch.epoch)

    def mark(self, marker: CommitMarker) -> None:
        """Take the end of an epoch: it is whole if every line that the marker counts is staged."""
        if self._closed:
            return
        staged = self._stage_of(marker.epoch)
        if staged.lines == marker.lines:
            self.commit(staged, marker)

    def commit(self, staged: StagedEpoch, marker: CommitMarker) -> None:
        """Commit an epoch that is whole: acknowledge it and let it be applied."""
        del self._staged[marker.epoch]
        self._committed(marker.epoch, marker.state)
        self._recorder.committed(marker.epoch, staged.lines, self._host.out.spec.latency)
        self.acknowledge(marker.epoch)
        if not self._to_apply:
            self._all_applied = self.env.event()
        self._to_apply.append((marker.epoch, staged))
        self._more.succeed()
        self._more = self.env.event()

    def _stage_of(self, epoch: int) -> StagedEpoch:
        if epoch not in self._staged:
            self._staged[epoch] = StagedEpoch(self._host.memory.versions.size)
        return self._staged[epoch]

    def acknowledge(self, epoch: int) -> None:
        """Tell the primary that an epoch is committed."""
        self._host.run(self._host.out.send(HEADER_BYTES, lambda: self._acknowledge(epoch)))

    def apply_committed(self) -> Generator[simpy.Event, Any, None]:
        """Apply committed epochs to the image, in order, for ever; each takes time and then is there as a whole."""
        while True:
            while not self._to_apply:
                yield self._more
            _, staged = self._to_apply[0]
            yield self.env.timeout(self._apply_ns(staged.lines))
            self._apply_next()

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
        self._closed = True
        self._staged.clear()
        yield self._all_applied

    def settle(self) -> None:
        """Apply at once every committed epoch that is not applied yet: the simulation has ended."""
        while self._to_apply:
            self._apply_next()

    def _apply_ns(self, lines: int) -> int:
        spec = self._host.processor.spec
        return transfer_ns(2 * lines * spec.line, spec.memory.bandwidth)
