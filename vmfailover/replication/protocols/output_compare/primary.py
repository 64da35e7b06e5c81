"""The primary's side of output comparison: it holds its outputs, and makes the secondary like itself."""

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.engine.streams import generator
from vmfailover.guest.answers import Answers
from vmfailover.guest.server import Completion
from vmfailover.hardware.endpoint import Destination, Endpoint
from vmfailover.replication.collectors import copy_ns
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.messages import Acknowledgement, CommitMarker, Message
from vmfailover.replication.modification_tracker import lines_of
from vmfailover.replication.packing import UnitPacking
from vmfailover.replication.protocols.output_compare.comparison import MemoryComparison, OutputComparison, Units
from vmfailover.replication.protocols.output_compare.messages import (
    AcceptedRequest,
    ModifiedUnits,
    SecondaryOutput,
    StopOrder,
)
from vmfailover.replication.sender import Sender


class PrimarySide:
    """Lets outputs be compared, and synchronises both hosts where they differ; each synchronisation is an epoch."""

    def __init__(self, context: ProtectionContext) -> None:
        """Prepare the primary."""
        self.env = context.env
        self._context = context
        self._hosted = context.primary
        random = generator(context.scenario.seed, "output-compare")
        self.outputs = OutputComparison(context, random)
        self.memory = MemoryComparison(context, random)
        self._packing = UnitPacking(context)
        #: When both hosts were alike last, nanoseconds.
        self._synchronised_ns = int(context.env.now)
        self._their_units = context.env.event()
        self._loaded = context.env.event()
        self.endpoint = Endpoint(self._hosted.host)
        self.endpoint.on(SecondaryOutput, self.outputs.produced_there)
        self.endpoint.on(ModifiedUnits, self._take_units)
        self.endpoint.on(Acknowledgement, self._take_acknowledgement)

    def answer(self) -> None:
        """Hold the answers of the guest as they become ready."""
        Answers(self.env, self._hosted.host, self._hosted.guest, self._produce).start()

    def start(self, secondary: Destination) -> None:
        """Let the secondary have every request, and synchronise with it."""
        self._sender = Sender(self.env, self._hosted.host.out, secondary)
        self._hosted.guest.on_accept.append(self._forward)
        self._hosted.host.run(self._sender.run())
        self._hosted.host.run(self._synchronise_when_wanted())

    def _forward(self, completion: Completion) -> None:
        """Let the secondary have a request that has been accepted here."""
        clients = self._context.scenario.clients
        assert clients is not None
        self._sender.put(AcceptedRequest(completion.request, clients.request))

    def _produce(self, completion: Completion) -> None:
        self._hosted.guest.server.take_completed(completion.guest_ns)
        self.outputs.produced_here(completion)

    def _take_units(self, message: ModifiedUnits) -> None:
        self._their_units.succeed(message.units)

    def _take_acknowledgement(self, message: Acknowledgement) -> None:
        del message
        self._loaded.succeed()

    # Synchronisation.

    def _synchronise_when_wanted(self) -> Steps:
        while True:
            yield from self.outputs.wait_for_difference()
            yield from self._synchronise()

    def _synchronise(self) -> Steps:
        context, vm, recorder = self._context, self._hosted.vm, self._context.recorder
        epoch = recorder.began(self._synchronised_ns)
        self._synchronised_ns = int(self.env.now)
        yield from self._stop(epoch)
        their_units = yield self._their_units
        self._their_units = self.env.event()
        units = np.union1d(vm.processor.noted_units, their_units)
        vm.processor.begin_interval()
        yield from self._capture(epoch)
        with recorder.scanned(epoch):
            differing = yield from self.memory.differing(units)
        yield from self._ship(epoch, differing)
        yield self._loaded
        self._loaded = self.env.event()
        recorder.acknowledged(epoch)
        recorder.resumed(epoch)
        for output in epoch.outputs:
            context.outlet.release(output)
        vm.resume(int(self.env.now))

    def _stop(self, epoch: Epoch) -> Steps:
        """Let the VM stand still on both hosts."""
        quiesce_ns = self._context.scenario.hypervisor.quiesce
        self._hosted.vm.pause(self._synchronised_ns)
        self._context.recorder.paused(epoch, quiesce_ns)
        self._sender.put(StopOrder())
        yield self.env.timeout(quiesce_ns)
        self._context.recorder.quiesced(epoch)

    def _capture(self, epoch: Epoch) -> Steps:
        guest, outputs = self._hosted.guest, self.outputs.held
        capture_ns = self._context.scenario.hypervisor.vcpu_capture * guest.vm.vcpus
        self.outputs.begin_anew()
        self._context.recorder.captured(epoch, guest.capture(), outputs, capture_ns)
        yield self.env.timeout(capture_ns)

    def _ship(self, epoch: Epoch, units: Units) -> Steps:
        recorder, processor = self._context.recorder, self._hosted.host.processor
        lines = lines_of(units, self._context.unit_lines, self._hosted.vm.image.lines)
        versions, cached = processor.fetch(lines)
        epoch.lines = lines.size
        harvest_ns = copy_ns(processor, lines.size, cached)
        with recorder.harvested(epoch, lines.size, harvest_ns):
            yield self.env.timeout(harvest_ns)
        yield self._send(epoch, [*self._packing.pack(epoch.number, lines, versions), self._marker(epoch)])
        recorder.sent(epoch)
        recorder.lines_sent(epoch)

    def _send(self, epoch: Epoch, messages: list[Message]) -> simpy.Event:
        """Send all of an epoch; the answer happens when the last bit has left."""
        epoch.shipped_bytes = sum(message.payload_bytes for message in messages)
        self._context.recorder.shipped(epoch, self._sender.transmission_ns(messages))
        return [self._sender.put(message) for message in messages][-1]

    def _marker(self, epoch: Epoch) -> CommitMarker:
        assert epoch.state is not None
        state_bytes = self._context.scenario.hypervisor.vcpu_state * self._hosted.vm.vcpus
        return CommitMarker(epoch.number, epoch.lines, epoch.state, state_bytes)
