"""The secondary's side of output comparison: it executes too, and becomes what the primary was when it is told to."""

import simpy

from vmfailover.engine.steps import Steps
from vmfailover.guest.answers import Answers
from vmfailover.guest.guest import GuestState
from vmfailover.guest.server import Completion
from vmfailover.hardware.endpoint import Destination, Endpoint, Message
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import Acknowledgement, CommitMarker, LineBatch
from vmfailover.replication.protocols.output_compare.messages import (
    AcceptedRequest,
    ModifiedUnits,
    SecondaryOutput,
    StopOrder,
)
from vmfailover.replication.receiver import copying_ns


class SecondarySide:
    """Tells the primary what it produces, until it takes over and answers by itself."""

    def __init__(self, context: ProtectionContext, primary: Destination, commit_point: CommitPoint) -> None:
        """Prepare the secondary, which tells `primary` what it does, and moves `commit_point`."""
        self.env = context.env
        self._context = context
        self._hosted = context.secondary
        self._primary = primary
        self._commit_point = commit_point
        #: Answers since the last synchronisation, of which clients may have none.
        self.produced: list[Completion] = []
        #: Happens when the secondary is not, or no longer, about to become what the primary was.
        self.load_done: simpy.Event = context.env.event().succeed()
        self._live = False
        self._generation = 0
        self._staged: list[LineBatch] = []
        #: Lines that have arrived, with repetitions.
        self.lines = 0
        #: Most bytes that were staged at once.
        self.peak_bytes = 0
        self._answers = Answers(context.env, self._hosted.host, self._hosted.guest, self._produce)
        self.endpoint = Endpoint(self._hosted.host)
        self.endpoint.on(AcceptedRequest, self._receive)
        self.endpoint.on(StopOrder, self._stop)
        self.endpoint.on(LineBatch, self._stage)
        self.endpoint.on(CommitMarker, self._become)

    def answer(self) -> None:
        """Tell the primary of the guest's answers as they become ready."""
        self._answers.start()

    def close(self) -> Steps:
        """Go on without the primary; a synchronisation that has not arrived whole is forgotten."""
        self.endpoint.close()
        yield self.load_done
        if not self._hosted.vm.running:
            self._hosted.vm.resume(int(self.env.now))
        self._staged.clear()

    def go_live(self) -> None:
        """Answer clients, beginning with what they may still wait for."""
        self._live = True
        for completion in self.produced:
            self._context.outlet.respond(completion)

    def _receive(self, message: AcceptedRequest) -> None:
        self._hosted.guest.receive(message.request)

    def _produce(self, completion: Completion) -> None:
        self._hosted.guest.server.take_completed(completion.guest_ns)
        if self._live:
            self._context.outlet.respond(completion)
            return
        self.produced.append(completion)
        clients = self._context.scenario.clients
        assert clients is not None
        self._tell(SecondaryOutput(completion.request, self._generation, clients.response))

    def commit(self, epoch: int, state: GuestState) -> None:
        """Take the end of an epoch, which is the state of the guest here, for committed."""
        self._commit_point.move(epoch, state)
        self._context.recorder.committed(epoch)
        self._context.recorder.applied(epoch)

    # Synchronisation.

    def _stop(self, order: StopOrder) -> None:
        """Stand still, and tell the primary what has been modified here."""
        del order
        vm = self._hosted.vm
        vm.pause(int(self.env.now))
        units = vm.processor.noted_units
        vm.processor.begin_interval()
        self._tell(ModifiedUnits(units))

    def _stage(self, batch: LineBatch) -> None:
        self.lines += batch.lines.size
        self._staged.append(batch)
        staged_bytes = sum(staged.lines.size for staged in self._staged) * self._context.line_bytes
        self.peak_bytes = max(self.peak_bytes, staged_bytes)

    def _become(self, marker: CommitMarker) -> None:
        self._hosted.host.run(self._load(marker))

    def _load(self, marker: CommitMarker) -> Steps:
        """Become what the primary was when it stopped, and go on with it."""
        guest, processor = self._hosted.guest, self._hosted.host.processor
        self.load_done = self.env.event()
        for batch in self._staged:
            processor.overwrite(batch.lines, batch.versions)
        self._staged.clear()
        guest.start(self._context.workload, marker.state)
        self.produced.clear()
        self._generation += 1
        self.commit(marker.epoch, marker.state)
        yield self.env.timeout(self.load_ns(marker.lines))
        guest.vm.resume(int(self.env.now))
        self.load_done.succeed()
        self._answers.expect_waiting()
        self._tell(Acknowledgement(marker.epoch))

    def load_ns(self, lines: int) -> int:
        """Return how long it takes to copy so many lines into memory, and to set the state of each vCPU."""
        state_ns = self._context.scenario.hypervisor.vcpu_capture * self._hosted.vm.vcpus
        return copying_ns(self._hosted.host, lines) + state_ns

    def _tell(self, message: Message) -> None:
        self._hosted.host.run(self._hosted.host.out.send(message, self._primary))
