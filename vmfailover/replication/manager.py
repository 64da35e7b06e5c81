"""The replication manager: epochs and checkpoints on the host that runs the VM."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.guest.guest import Guest
from vmfailover.hardware.host import Host
from vmfailover.hardware.processor import Held
from vmfailover.replication.collectors import LineCollector, copy_ns
from vmfailover.replication.distinct import distinct
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.epoch_recorder import EpochRecorder
from vmfailover.replication.messages import CommitMarker, LineBatch
from vmfailover.replication.modification_tracker import ModificationTracker, lines_of
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.sender import Sender
from vmfailover.scenario.replication import Hypervisor, Replication


@dataclass(frozen=True, slots=True)
class ManagerParts:
    """The parts that a manager works with."""

    guest: Guest
    tracker: ModificationTracker
    collector: LineCollector
    sender: Sender
    outputs: OutputBuffer


class ReplicationManager:
    """Ends an epoch every interval with a checkpoint, and ships early what is found modified in between.

    Only one of checkpoint, streaming and draining is at work at a time.
    """

    def __init__(
        self,
        env: simpy.Environment,
        parts: ManagerParts,
        replication: Replication,
        hypervisor: Hypervisor,
        recorder: EpochRecorder,
        host: Host,
    ) -> None:
        """Manage the VM of `parts.guest`, and have its epochs recorded; no process runs yet."""
        self.env = env
        self.parts = parts
        self.replication = replication
        self.hypervisor = hypervisor
        self.epochs = recorder.epochs
        self.interrupts = 0
        self._log_stall_ns = 0
        self._relieving_since: int | None = None
        self._recorder = recorder
        self._host = host
        self._vm = parts.guest.vm
        self._line_bytes = host.memory.line_bytes
        self._unit_lines = replication.unit_bytes(self._line_bytes) // self._line_bytes
        self._at_work = simpy.Resource(env)
        self._addresses_ready = env.event()
        self._checkpoint_wanted = env.event()
        self._acknowledgement = env.event()
        #: The first epoch whose part of the log is still in use.
        self._unreleased = len(self.epochs)
        self._vm.on_log_limit = self._on_log_limit

    def __repr__(self) -> str:
        """Return how many epochs have begun."""
        return f"<ReplicationManager: {len(self.epochs)} epochs begun>"

    @property
    def log_stall_ns(self) -> int:
        """Time for which the VM has waited for room in the log by now, nanoseconds."""
        since = self._relieving_since
        return self._log_stall_ns + (0 if since is None else int(self.env.now) - since)

    @property
    def epoch(self) -> Epoch:
        """The epoch in progress."""
        return self.epochs[-1]

    def run(self) -> Steps:
        """Start the VM, the log being defined, and end epochs for ever.

        The period is the interval, or what an epoch takes to send if that is longer; if the scenario says so, what it
        takes to be acknowledged.
        """
        if self.replication.scan_interval is not None:
            self._host.run(self.stream())
            self._host.run(
                self.parts.tracker.check_periodically(
                    self.replication.scan_interval, self._make_room, self._after_check
                )
            )
        self._recorder.began(int(self.env.now))
        self._vm.resume(int(self.env.now))
        while True:
            due = self.epoch.started_ns + self.replication.checkpoint_interval + self.hypervisor.wake_up
            yield self.env.timeout(max(0, due - int(self.env.now))) | self._checkpoint_wanted
            forced = self._checkpoint_wanted.triggered
            self._checkpoint_wanted = self.env.event()
            with self._at_work.request() as turn:
                yield turn
                epoch, sent = self.epoch, (yield from self._checkpoint(forced))
            yield sent
            self._recorder.sent(epoch)
            if self.replication.next_checkpoint == "acknowledged":
                yield from self._await_acknowledgement(epoch)

    def stream(self) -> Steps:
        """Whenever a check has logged addresses, ship their lines early, unless earlier ones have not left yet."""
        while True:
            yield self._addresses_ready
            self._addresses_ready = self.env.event()
            with self._at_work.request() as turn:
                yield turn
                if self.parts.sender.idle:
                    yield from self._ship_early(vm_stopped=False)

    def last_checkpoint(self) -> Generator[simpy.Event, Any, Epoch]:
        """Stop the VM with a checkpoint, after which nothing follows; return its epoch once that is acknowledged."""
        yield self._at_work.request()
        self._vm.pause(int(self.env.now))
        epoch = self.epoch
        yield from self._checkpoint(forced=True)
        yield from self._await_acknowledgement(epoch)
        return epoch

    def _await_acknowledgement(self, epoch: Epoch) -> Steps:
        while epoch.acknowledged_ns is None:
            yield self._acknowledgement

    def acknowledged(self, number: int) -> None:
        """Release what waited for an epoch's commit: its outputs, and its part of the log."""
        epoch = self.epochs[number]
        self._recorder.acknowledged(epoch)
        self.parts.outputs.release_through(number)
        if number >= self._unreleased:
            self.parts.tracker.release(epoch.log_position)
            self._unreleased = number + 1
        self._acknowledgement.succeed()
        self._acknowledgement = self.env.event()

    # A checkpoint, step by step.

    def _checkpoint(self, forced: bool) -> Generator[simpy.Event, Any, simpy.Event]:
        """End the epoch; the answer happens when all of it has left."""
        epoch = self.epoch
        epoch.forced = forced
        self._vm.pause(int(self.env.now))
        yield from self._quiesce(epoch)
        yield from self._find_residue(epoch)
        yield from self._capture(epoch)
        batches = yield from self._harvest(epoch)
        yield from self._resume(epoch)
        return self._ship(epoch, batches)

    def _quiesce(self, epoch: Epoch) -> Steps:
        self._recorder.paused(epoch, self.hypervisor.quiesce)
        yield self.env.timeout(self.hypervisor.quiesce)
        self._recorder.quiesced(epoch)

    def _find_residue(self, epoch: Epoch) -> Steps:
        self._recorder.final_scan(epoch, self.parts.tracker.find_ns)
        with self._recorder.scanned(epoch):
            yield from self.parts.tracker.find_modified(self._drain)

    def _capture(self, epoch: Epoch) -> Steps:
        guest = self.parts.guest
        capture_ns = self.hypervisor.vcpu_capture * self._vm.vcpus
        outputs = guest.server.take_completed(self._vm.guest_ns(int(self.env.now)))
        self._recorder.captured(epoch, guest.capture(), outputs, capture_ns)
        yield self.env.timeout(capture_ns)

    def _harvest(self, epoch: Epoch) -> Generator[simpy.Event, Any, list[LineBatch]]:
        lines, epoch.deduplication_ns = self._read_log()
        yield self.env.timeout(epoch.deduplication_ns)
        epoch.log_position = self.parts.tracker.position
        least_ns = copy_ns(self._vm.processor, lines.size, Held(lines.size, 0))
        with self._recorder.harvested(epoch, lines.size, least_ns):
            return (yield from self.parts.collector.copy(lines, before_ns=0, vm_stopped=True))

    def _resume(self, epoch: Epoch) -> Steps:
        yield self.env.timeout(self.hypervisor.resume)
        self._recorder.resumed(epoch)
        assert epoch.paused_ns is not None
        self._recorder.began(epoch.paused_ns)
        self._vm.resume(int(self.env.now))
        if self.parts.tracker.needs_room:
            self._on_log_limit()

    def _ship(self, epoch: Epoch, batches: list[LineBatch]) -> simpy.Event:
        assert epoch.state is not None
        state_bytes = self.hypervisor.vcpu_state * self._vm.vcpus
        marker = CommitMarker(epoch.number, epoch.lines, epoch.state, state_bytes)
        nothing = np.zeros(0, np.int64)
        batches.append(LineBatch(epoch.number, nothing, nothing.astype(np.uint32), 0, final=True))
        self._recorder.shipped(epoch, self.parts.sender.transmission_ns([*batches, marker]))
        self.parts.outputs.hold(epoch.number, epoch.outputs)
        for batch in batches:
            lines_sent = self.parts.sender.put(batch)
        lines_sent.callbacks.append(lambda _: self._lines_sent(epoch, marker))
        return self.parts.sender.put(marker)

    def _lines_sent(self, epoch: Epoch, marker: CommitMarker) -> None:
        self._recorder.lines_sent(epoch, self.parts.sender.transmission_ns([marker]))

    # Modified lines on their way.

    def _read_log(self) -> tuple[npt.NDArray[np.int64], int]:
        """Take what the log has to tell: the lines of the distinct units, in order, and the time to find them."""
        addresses = self.parts.tracker.read()
        unit_bytes = self._line_bytes * self._unit_lines
        units = distinct(addresses // unit_bytes)
        lines = lines_of(units, self._unit_lines, self._vm.image.lines)
        self.epoch.entries += addresses.size
        self.epoch.logged.add(units * unit_bytes)
        self.epoch.duplicates += addresses.size - units.size
        return lines, addresses.size * self.hypervisor.deduplication

    def _ship_early(self, *, vm_stopped: bool) -> Steps:
        lines, deduplication_ns = self._read_log()
        if lines.size == 0:
            return
        before_ns = self.hypervisor.interrupt + deduplication_ns
        batches = yield from self.parts.collector.copy(lines, before_ns=before_ns, vm_stopped=vm_stopped)
        for batch in batches:
            self.parts.sender.put(batch)

    # The log is short of room.

    def _after_check(self) -> None:
        if self.parts.tracker.needs_room:
            self._on_log_limit()
        elif not self._addresses_ready.triggered:
            self._addresses_ready.succeed()

    def _on_log_limit(self) -> None:
        if self._relieving_since is not None:
            return
        self._relieving_since = int(self.env.now)
        self.interrupts += 1
        self._recorder.log_limit(self.epoch)
        self._vm.pause(int(self.env.now))
        self._host.run(self._relieve())

    def _relieve(self) -> Steps:
        """Make room while the VM stands still."""
        if self.replication.log.when_full == "checkpoint":
            yield from self._commit_early()
        else:
            yield from self._make_room()
        self._log_stall_ns, self._relieving_since = self.log_stall_ns, None
        self._vm.resume(int(self.env.now))

    def _commit_early(self) -> Steps:
        """Wait for the room that an epoch on its way will give back; if there is none, end this epoch."""
        sealed = self.epoch.number
        while self.parts.tracker.needs_room and self._unreleased < self.epoch.number:
            yield self._acknowledgement
        if self.parts.tracker.needs_room and self.epoch.number == sealed:
            self._want_checkpoint()
            yield self._acknowledgement

    def _want_checkpoint(self) -> None:
        if not self._checkpoint_wanted.triggered:
            self._checkpoint_wanted.succeed()

    def _make_room(self) -> Steps:
        with self._at_work.request() as turn:
            yield turn
            yield from self._drain()

    def _drain(self) -> Steps:
        """Consume the log and ship its lines early, so that all of it can be used again."""
        yield from self._ship_early(vm_stopped=True)
        self.parts.tracker.release(self.parts.tracker.position)
        self._unreleased = self.epoch.number
