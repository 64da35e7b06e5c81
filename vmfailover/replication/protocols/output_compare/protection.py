"""Output comparison (COLO, PLOVER): both hosts execute, and an output leaves once both have produced it.

Where they differ, because their locks or timers went another way, the primary's state is made the secondary's: both
stand still until it is there. With hashing, only pages that differ are sent.
"""

from collections.abc import Generator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.engine.streams import generator
from vmfailover.guest.answers import Answers
from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.server import Completion
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.collectors import copy_ns
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.messages import HEADER_BYTES, CommitMarker, LineBatch, Message, Notice
from vmfailover.replication.modification_tracker import lines_of
from vmfailover.replication.packing import UnitPacking
from vmfailover.replication.protection import Protection
from vmfailover.replication.protocols.output_compare import OutputCompareSettings
from vmfailover.replication.protocols.page_write_protect.protection import faults
from vmfailover.replication.sender import Sender
from vmfailover.replication.standalone import StandaloneVm
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.sizes import ADDRESS_BYTES, PAGE_BYTES, transfer_ns

Units = npt.NDArray[np.int64]
#: Bytes of a page's hash: 64 bits.
HASH_BYTES = 8


class OutputCompare(Protection):
    """Compares outputs on the primary, and synchronises where they differ; each synchronisation is an epoch."""

    promises: ClassVar[tuple[str, ...]] = (
        "image",
        "output_commit",
        "one_active_vm",
        "dirty_lines_balance",
        "program",
    )

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """The first store to a page since the last synchronisation faults, on both hosts."""
        return faults(replication, host)

    def __init__(self, context: ProtectionContext) -> None:
        """Prepare both hosts."""
        super().__init__(context)
        self._settings = OutputCompareSettings.of(context.scenario.replication)
        self._spec = self._settings.output_compare
        self._random = generator(context.scenario.seed, "output-compare")
        self._packing = UnitPacking(context)
        self._sender = Sender(context.env, context.primary.host.out, self._arrive)
        #: Outputs of the primary that are not compared yet, and requests that the secondary alone has answered.
        self._ours: dict[int, Completion] = {}
        self._theirs: set[int] = set()
        #: Outputs that differ, which leave with the next synchronisation.
        self._diverged: list[Completion] = []
        #: Answers of the secondary since its last synchronisation, of which clients may have none.
        self._produced: list[Completion] = []
        self._generation = 0
        self._wanted = context.env.event()
        self._loaded = context.env.event()
        #: Happens when the secondary is not, or no longer, about to become what the primary was.
        self._load_done = context.env.event().succeed()
        self._closed = False
        #: When both hosts were alike last, nanoseconds.
        self._synchronised_ns = int(context.env.now)
        #: Whether the state in which the secondary was has been taken for the one to go on from.
        self._adopted = False
        self._their_units = context.env.event()
        self._staged: list[LineBatch] = []
        self._compared = 0
        self._differed = 0
        self._lines = 0
        self._peak_bytes = 0

    def start(self) -> None:
        """Run the VM on both hosts."""
        context, now = self.context, int(self.env.now)
        context.secondary.guest.start(context.workload, context.start)
        self._answers = [
            self._begin(context.primary, self._produce_here),
            self._begin(context.secondary, self._produce_there),
        ]
        context.primary.guest.on_accept.append(self._forward)
        context.primary.host.run(self._sender.run())
        context.primary.host.run(self._synchronise_when_wanted())
        context.primary.vm.resume(now)
        context.secondary.vm.resume(now)

    def _begin(self, hosted: HostedVm, produce: Any) -> Answers:
        costs = self._settings.page_tracking
        tracker = FirstStores(self.context, hosted, lambda pages: pages * costs.page + costs.flush)
        self.note_device_writes(hosted, tracker)
        answers = Answers(self.env, hosted.host, hosted.guest, produce)
        answers.start()
        return answers

    def outputs_held(self) -> list[Completion]:
        """Return those that wait to be compared, or for a synchronisation."""
        return [*super().outputs_held(), *self._diverged, *self._ours.values()]

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Go on from where the secondary is; a synchronisation that has not arrived whole is forgotten."""
        self._closed = True
        yield self._load_done
        vm = self.context.secondary.vm
        if not vm.running:
            vm.resume(int(self.env.now))
        self._staged.clear()
        return self._adopt()

    @property
    def going_on(self) -> HostedVm:
        """The secondary since the primary is given up for it: it may be ahead of where the primary stopped."""
        return self.context.secondary if self._adopted else super().going_on

    def settle(self) -> bool:
        """The secondary has gone on from what was committed."""
        return False

    def _adopt(self) -> GuestState:
        """Take the state in which the secondary is for the one to go on from."""
        state = self.context.secondary.guest.capture()
        epoch = self.context.recorder.adopted(state)
        self._adopted = True
        self._commit(epoch.number, state)
        return state

    def activate(self, state: GuestState) -> None:
        """Let the secondary, which is running, answer, beginning with what clients may still wait for."""
        del state
        self.unprotected = StandaloneVm(self.env, self.context.secondary, None)
        for completion in self._produced:
            self.context.respond(completion)

    @property
    def activation_ns(self) -> int:
        """Time until the network knows."""
        return self.context.scenario.hypervisor.redirect

    @property
    def lines_received(self) -> int:
        """Lines that have arrived, with repetitions."""
        return self._lines

    @property
    def memory_bytes(self) -> int:
        """The other VM's memory, and what was staged beside it."""
        return self.context.scenario.vm.memory + self._peak_bytes

    @property
    def remarks(self) -> tuple[str, ...]:
        """How often the hosts differed."""
        return (f"{self._differed} of {self._compared} outputs compared differed",)

    # Outputs.

    def _forward(self, completion: Completion) -> None:
        """Let the secondary have a request that the primary has accepted."""
        clients = self.context.scenario.clients
        assert clients is not None
        request = completion.request
        self._sender.put(Notice(HEADER_BYTES + clients.request, lambda: self.context.secondary.guest.receive(request)))

    def _produce_here(self, completion: Completion) -> None:
        self.context.primary.guest.server.take_completed(completion.guest_ns)
        self._ours[completion.request] = completion
        self._compare(completion.request)

    def _produce_there(self, completion: Completion) -> None:
        context = self.context
        context.secondary.guest.server.take_completed(completion.guest_ns)
        if self.unprotected is not None:
            context.respond(completion)
            return
        self._produced.append(completion)
        clients, generation = context.scenario.clients, self._generation
        assert clients is not None

        def arrive() -> None:
            if generation == self._generation:
                self._theirs.add(completion.request)
                self._compare(completion.request)

        context.secondary.host.run(context.secondary.host.out.send(HEADER_BYTES + clients.response, arrive))

    def _compare(self, request: int) -> None:
        """Compare two outputs once both are there."""
        if request in self._ours and request in self._theirs:
            self._theirs.discard(request)
            self.context.primary.host.run(self._judge(self._ours.pop(request)))

    def _judge(self, output: Completion) -> Steps:
        yield self.env.timeout(self._spec.compare)
        self._compared += 1
        if self._random.random() >= self._spec.divergence:
            self.context.release(output)
            return
        self._differed += 1
        self._diverged.append(output)
        if not self._wanted.triggered:
            self._wanted.succeed()

    # Synchronisation, on the primary.

    def _synchronise_when_wanted(self) -> Steps:
        while True:
            yield self._wanted | self.env.timeout(self._spec.longest_interval)
            self._wanted = self.env.event()
            yield from self._synchronise()

    def _synchronise(self) -> Steps:
        context, vm, recorder = self.context, self.context.primary.vm, self.context.recorder
        epoch = recorder.began(self._synchronised_ns)
        self._synchronised_ns = int(self.env.now)
        vm.pause(self._synchronised_ns)
        recorder.paused(epoch, context.scenario.hypervisor.quiesce)
        self._sender.put(Notice(HEADER_BYTES, self._stop_secondary))
        yield self.env.timeout(context.scenario.hypervisor.quiesce)
        recorder.quiesced(epoch)
        their_units = yield self._their_units
        self._their_units = self.env.event()
        units = np.union1d(vm.processor.noted_units, their_units)
        vm.processor.begin_interval()
        yield from self._capture(epoch)
        with recorder.scanned(epoch):
            differing = yield from self._differing(units)
        yield from self._ship(epoch, differing)
        yield self._loaded
        self._loaded = self.env.event()
        recorder.acknowledged(epoch)
        recorder.resumed(epoch)
        for output in epoch.outputs:
            context.release(output)
        vm.resume(int(self.env.now))

    def _capture(self, epoch: Epoch) -> Steps:
        guest, outputs = self.context.primary.guest, [*self._diverged, *self._ours.values()]
        capture_ns = self.context.scenario.hypervisor.vcpu_capture * guest.vm.processor.cores
        self._generation += 1
        self._diverged, self._ours = [], {}
        self._theirs.clear()
        self.context.recorder.captured(epoch, guest.capture(), outputs, capture_ns)
        yield self.env.timeout(capture_ns)

    def _differing(self, units: Units) -> Generator[simpy.Event, Any, Units]:
        """Return the units to send: all, or with hashing those that differ, in the time that it takes to know."""
        costs = self._settings.page_tracking
        yield self.env.timeout(units.size * costs.page + costs.flush)
        if not self._spec.hashing:
            return units
        pages = units.size * self.context.unit_lines * self.context.line_bytes // PAGE_BYTES
        hashing_ns = pages * self._spec.hash // self._spec.hash_threads + pages * self._spec.compare_hashes
        exchange_ns = self.context.primary.host.out.serialisation_ns(pages * HASH_BYTES)
        yield self.env.timeout(hashing_ns + exchange_ns + self.context.scenario.link.latency)
        return units[self._differ(units) | (self._random.random(units.size) >= self._spec.same)]

    def _differ(self, units: Units) -> npt.NDArray[np.bool_]:
        """Return which units do not have the same contents on both hosts, bool[n]."""
        lines = (units[:, np.newaxis] * self.context.unit_lines + np.arange(self.context.unit_lines)).ravel()
        lines = np.minimum(lines, self.context.primary.host.memory.versions.size - 1)
        ours, _ = self.context.primary.host.processor.fetch(lines)
        theirs, _ = self.context.secondary.host.processor.fetch(lines)
        differ: npt.NDArray[np.bool_] = (ours != theirs).reshape(-1, self.context.unit_lines).any(axis=1)
        return differ

    def _ship(self, epoch: Epoch, units: Units) -> Steps:
        context, processor, hypervisor = (
            self.context,
            self.context.primary.host.processor,
            self.context.scenario.hypervisor,
        )
        lines = lines_of(units, context.unit_lines, processor.memory.versions.size)
        versions, cached = processor.fetch(lines)
        epoch.lines = lines.size
        harvest_ns = copy_ns(processor, lines.size, cached)
        with context.recorder.harvested(epoch, lines.size, harvest_ns):
            yield self.env.timeout(harvest_ns)
        messages: list[Message] = [*self._packing.pack(epoch.number, lines, versions)]
        assert epoch.state is not None
        state_bytes = hypervisor.vcpu_state * processor.cores
        messages.append(CommitMarker(epoch.number, lines.size, epoch.state, state_bytes))
        epoch.shipped_bytes = sum(message.payload_bytes for message in messages)
        context.recorder.shipped(epoch, self._sender.transmission_ns(messages))
        for message in messages:
            left = self._sender.put(message)
        yield left
        context.recorder.sent(epoch)
        context.recorder.lines_sent(epoch)

    # Synchronisation, on the secondary.

    def _stop_secondary(self) -> None:
        """Stand still, and tell the primary what has been modified here."""
        host, vm = self.context.secondary.host, self.context.secondary.vm
        vm.pause(int(self.env.now))
        units = vm.processor.noted_units
        vm.processor.begin_interval()

        def arrive() -> None:
            self._their_units.succeed(units)

        host.run(host.out.send(HEADER_BYTES + units.size * ADDRESS_BYTES, arrive))

    def _arrive(self, message: Message) -> None:
        """Take a message of the primary, unless the secondary goes on without it."""
        if self._closed:
            return
        if isinstance(message, Notice):
            message.tell()
        elif isinstance(message, LineBatch):
            self._stage(message)
        else:
            self.context.secondary.host.run(self._load(message))

    def _stage(self, batch: LineBatch) -> None:
        self._lines += batch.lines.size
        self._staged.append(batch)
        staged_bytes = sum(staged.lines.size for staged in self._staged) * self.context.line_bytes
        self._peak_bytes = max(self._peak_bytes, staged_bytes)

    def _load(self, marker: CommitMarker) -> Steps:
        """Become what the primary was when it stopped, and go on with it."""
        context, guest, processor = self.context, self.context.secondary.guest, self.context.secondary.host.processor
        self._load_done = self.env.event()
        for batch in self._staged:
            processor.overwrite(batch.lines, batch.versions)
        self._staged.clear()
        guest.start(context.workload, marker.state)
        self._produced.clear()
        self._commit(marker.epoch, marker.state)
        yield self.env.timeout(self._load_ns(marker.lines))
        guest.vm.resume(int(self.env.now))
        self._load_done.succeed()
        self._answers[1].expect_waiting()

        def arrive() -> None:
            self._loaded.succeed()

        context.secondary.host.run(context.secondary.host.out.send(HEADER_BYTES, arrive))

    def _load_ns(self, lines: int) -> int:
        spec = self.context.secondary.host.processor.spec
        copying_ns = transfer_ns(2 * lines * spec.line, spec.memory.bandwidth)
        return copying_ns + self.context.scenario.hypervisor.vcpu_capture * self.context.secondary.vm.processor.cores

    def _commit(self, epoch: int, state: GuestState) -> None:
        self.committed, self.committed_epoch = state, epoch
        self.context.recorder.committed(epoch)
        self.context.recorder.applied(epoch)
