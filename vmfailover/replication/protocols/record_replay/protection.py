"""Record and replay (VMware FT): what is not deterministic is logged, and the other host executes it again."""

from collections import deque
from collections.abc import Generator
from typing import Any, ClassVar

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.guest.access_buffer import accesses_of_one_core
from vmfailover.guest.answers import Answers
from vmfailover.guest.fidelity import new_replay
from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.server import Completion
from vmfailover.guest.visit_buffer import execute_at_once
from vmfailover.guest.workloads.hot_sets.units import UnitVisits
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.processor import FS_PER_NS
from vmfailover.records.events import Kind
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.messages import Acknowledgement, CommitMarker
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.protection import Protection
from vmfailover.replication.protocols.record_replay import RecordReplaySettings
from vmfailover.replication.sender import Sender
from vmfailover.traces.accesses import AccessChunk

#: A replica executes so much at once, femtoseconds: its clock, which begins anew each time, then never overflows.
_STRETCH_FS = 1 << 62


class Replica:
    """Executes on another host what the log says, on its processor and caches, up to exactly where it says."""

    def __init__(self, context: ProtectionContext, hosted: HostedVm) -> None:
        """Begin where the VM begins."""
        self._node = hosted
        self._replay = new_replay(context.workload, 0, context.start.positions[0])
        self.state = context.start

    def replay(self, to: GuestState) -> int:
        """Execute up to a state; return the time that takes, nanoseconds."""
        processor, logs = self._node.host.processor, self._node.vm.log.logs
        program_fs = sum(self._execute(chunk) for chunk in self._replay.up_to(to.positions[0]))
        guest = self._node.guest
        processor.write_around(guest.ring.written(self.state.device_writes, to.device_writes), logs)
        processor.write_around(guest.stores.written(self.state.request_stores, to.request_stores), logs)
        serving_ns = to.served_ns - self.state.served_ns
        self.state = to
        return -(-program_fs // FS_PER_NS) + serving_ns

    def _execute(self, chunk: AccessChunk | UnitVisits) -> int:
        """Execute a chunk, however long it takes; return that, femtoseconds."""
        if isinstance(chunk, UnitVisits):
            return execute_at_once(self._node.host.processor, chunk)
        processor, logs = self._node.host.processor, self._node.vm.log.logs
        accesses, start, taken_fs = accesses_of_one_core(chunk), np.zeros(1, np.int64), 0
        processor.set_parallelism(0, chunk.parallelism)
        while start[0] < chunk.records:
            processor.state.clock[0] = 0
            processor.advance(accesses, start, _STRETCH_FS, chunk.records + 1, logs)
            taken_fs += int(processor.state.clock[0])
        return taken_fs


class RecordReplay(Protection):
    """Ships a log of inputs and interrupts; an output waits until the log that led to it is on the other host.

    Each part of the log is an epoch: committed when the secondary has it, applied when the replica has executed it.
    """

    promises: ClassVar[tuple[str, ...]] = (
        "image",
        "output_commit",
        "one_active_vm",
        "dirty_lines_balance",
        "program",
    )

    def __init__(self, context: ProtectionContext) -> None:
        """Put recorder and replica in their places."""
        super().__init__(context)
        self._spec = RecordReplaySettings.of(context.scenario.replication).record_replay
        self.commit_point.acknowledgements.on(Acknowledgement, self._acknowledged)
        self._log = Endpoint(context.secondary.host)
        self._log.on(CommitMarker, self._arrive)
        self._sender = Sender(context.env, context.primary.host.out, self._log)
        self._outputs = OutputBuffer(context.outlet)
        self._replica = Replica(context, context.secondary)
        #: What the log has been taken up to.
        self._recorded = context.start
        #: Parts of the log that have arrived and that the replica has not begun to execute.
        self._received: deque[CommitMarker] = deque()
        self._more = context.env.event()
        self._behind = 0
        self._caught_up = context.env.event().succeed()
        self._progress = context.env.event()
        self._unsent_bytes = 0
        self._throttled_since: int | None = None
        self._throttled_ns = 0
        self._peak_unsent = 0

    def start(self) -> None:
        """Run the VM on the primary, and its replica behind it."""
        context, hosted = self.context, self.context.primary
        hosted.guest.has_room = self._has_room
        Answers(self.env, hosted.host, hosted.guest, self._output).start()
        hosted.host.run(self._sender.run())
        hosted.host.run(self._record_periodically())
        context.secondary.host.run(self._replay())
        hosted.vm.resume(int(self.env.now))

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Let the replica execute all of the log that has arrived."""
        self._log.close()
        yield self._caught_up
        return self.committed

    def settle(self) -> bool:
        """Execute at once all of the log that has arrived."""
        for marker in self._received:
            self._replica.replay(marker.state)
        return True

    @property
    def log_stall_ns(self) -> int:
        """Time for which the VM waited for the log to be sent or for the replica."""
        since = self._throttled_since
        return self._throttled_ns + (0 if since is None else int(self.env.now) - since)

    @property
    def memory_bytes(self) -> int:
        """The replica's memory, and the log that waited to be sent."""
        return self.context.scenario.vm.memory + self._peak_unsent

    @property
    def remarks(self) -> tuple[str, ...]:
        """Whether the VM was held up."""
        if not self._throttled_ns:
            return ()
        return (f"the VM waited {self._throttled_ns / 1e6:.3g} ms for its log to be sent or replayed",)

    # On the primary.

    def _output(self, completion: Completion) -> None:
        """An answer is ready, unless an earlier part of the log has it: send what led to it."""
        if any(waiting.request == completion.request for waiting in self.context.primary.guest.server.waiting[:1]):
            self._record()

    def _record_periodically(self) -> Steps:
        while True:
            yield self.env.timeout(self._spec.interval)
            if self.context.primary.vm.running:
                self._record()

    def _record(self) -> None:
        """Send the log up to now."""
        context, guest = self.context, self.context.primary.guest
        now = int(self.env.now)
        outputs, state = guest.server.take_completed(guest.vm.guest_ns(now)), guest.capture()
        epoch = context.recorder.began(now)
        epoch.shipped_bytes = self._log_bytes(len(outputs))
        context.recorder.sealed(epoch, state, outputs)
        self._recorded = state
        self._outputs.hold(epoch.number, epoch.outputs)
        self._send(epoch)
        context.primary.host.run(self._interrupt())

    def _has_room(self) -> bool:
        """Whether a request can be logged beside what waits; if nothing waits, any can."""
        clients = self.context.scenario.clients
        assert clients is not None
        waiting_bytes = self._unsent_bytes + self._spec.per_received_byte * self._received_bytes
        request_bytes = self._spec.per_received_byte * clients.request
        return waiting_bytes == 0 or waiting_bytes + request_bytes <= self._spec.buffer

    @property
    def _received_bytes(self) -> int:
        """Bytes received since the log was last taken."""
        writes = self.context.primary.guest.device_writes - self._recorded.device_writes
        return writes * self.context.scenario.hosts.primary.line

    def _log_bytes(self, outputs: int) -> int:
        """Return the bytes of log since it was last taken."""
        guest_ns = self.context.primary.vm.guest_ns(int(self.env.now))
        elapsed_bytes = self._spec.rate * (guest_ns - self._recorded.guest_ns) / 8e9
        clients = self.context.scenario.clients
        sent_bytes = outputs * clients.response if clients else 0
        logged = self._spec.per_received_byte * self._received_bytes + self._spec.per_sent_byte * sent_bytes
        return round(elapsed_bytes + logged)

    def _send(self, epoch: Epoch) -> None:
        assert epoch.state is not None
        marker = CommitMarker(epoch.number, 0, epoch.state, epoch.shipped_bytes)
        self._unsent_bytes += marker.payload_bytes
        self._peak_unsent = max(self._peak_unsent, self._unsent_bytes)
        left = self._sender.put(marker)
        assert left.callbacks is not None
        left.callbacks.append(lambda _: self._has_left(epoch, marker.payload_bytes))

    def _has_left(self, epoch: Epoch, payload_bytes: int) -> None:
        self.context.recorder.sent(epoch)
        self._unsent_bytes -= payload_bytes
        self._tell_progress()
        self.context.primary.guest.receive_held_back()

    def _interrupt(self) -> Steps:
        """Hold up the VM for taking a part of the log, and for as long as too much of it waits."""
        vm = self.context.primary.vm
        vm.pause(int(self.env.now))
        duration_ns = self.context.scenario.hypervisor.interrupt
        self.context.event_log.record(Kind.INTERRUPT, self.context.primary.host.name, duration_ns=duration_ns)
        yield self.env.timeout(duration_ns)
        if self._throttled_since is None:
            yield from self._throttle()
        vm.resume(int(self.env.now))

    def _throttle(self) -> Steps:
        self._throttled_since = int(self.env.now)
        while self._unsent_bytes > self._spec.buffer or self._lag_ns > self._spec.lag:
            yield self._progress
        self._throttled_ns, self._throttled_since = self.log_stall_ns, None

    @property
    def _lag_ns(self) -> int:
        vm = self.context.primary.vm
        return vm.guest_ns(int(self.env.now)) - self._replica.state.guest_ns

    def _tell_progress(self) -> None:
        progress, self._progress = self._progress, self.env.event()
        progress.succeed()

    def _acknowledged(self, message: Acknowledgement) -> None:
        self.context.recorder.acknowledged(self.epochs[message.epoch])
        self._outputs.release_through(message.epoch)

    # On the secondary.

    def _arrive(self, marker: CommitMarker) -> None:
        """Keep a part of the log, which is as good as executed, and acknowledge it."""
        self.commit_point.commit(marker)
        if self._behind == 0:
            self._caught_up = self.env.event()
        self._behind += 1
        self._received.append(marker)
        self._more.succeed()
        self._more = self.env.event()

    def _replay(self) -> Steps:
        while True:
            while not self._received:
                yield self._more
            marker = self._received.popleft()
            duration_ns = self._replica.replay(marker.state)
            yield self.env.timeout(round(duration_ns * (1 + self._spec.slowdown)))
            self.context.recorder.applied(marker.epoch)
            self._behind -= 1
            self._tell_progress()
            if self._behind == 0:
                self._caught_up.succeed()
