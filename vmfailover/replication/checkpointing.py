"""Protection by checkpoints that are shipped to the secondary: what the protocols that do so have in common."""

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.replication.collectors import HelperThread, LineCollector, RemotePull, VmCore
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.line_reader import LineReader
from vmfailover.replication.manager import ManagerParts, ReplicationManager
from vmfailover.replication.messages import Acknowledgement
from vmfailover.replication.modification_tracker import ModificationTracker
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.packing import UnitPacking
from vmfailover.replication.protection import Protection
from vmfailover.replication.receiver import ImageReceiver, Receiver
from vmfailover.replication.sender import Sender


@dataclass(frozen=True, slots=True)
class CheckpointingParts:
    """What one protocol has of its own: how it finds lines, copies them, and keeps them on the secondary."""

    tracker: ModificationTracker
    collector: LineCollector
    receiver: ImageReceiver


def new_collector(context: ProtectionContext, reader: LineReader, staging: Endpoint) -> LineCollector:
    """Return who copies lines, as the scenario says; what the other host pulls goes to `staging` there."""
    env, vm, scenario = context.env, context.primary.vm, context.scenario
    if scenario.replication.copier == "other-host":
        hosts = context.primary.host, context.secondary.host
        return RemotePull(env, vm, reader.read, *hosts, staging, scenario.hypervisor.message)
    if scenario.replication.copier == "helper-thread":
        return HelperThread(env, vm, reader.read)
    return VmCore(env, vm, reader.read, reader.note_early_copy)


class Checkpointing(Protection):
    """A manager on the primary ends epochs, a receiver on the secondary commits them; outputs wait for the commit."""

    promises: ClassVar[tuple[str, ...]] = (
        "image",
        "output_commit",
        "one_active_vm",
        "nothing_lost_in_log",
        "dirty_lines_balance",
        "program",
    )

    def __init__(self, context: ProtectionContext) -> None:
        """Put manager, sender and receiver in their places."""
        super().__init__(context)
        scenario, primary, parts = context.scenario, context.primary, self.new_parts()
        self.tracker, self.receiver = parts.tracker, parts.receiver
        self.note_device_writes(primary, parts.tracker)
        self.commit_point.acknowledgements.on(Acknowledgement, self.acknowledged)
        self.sender = Sender(self.env, primary.host.out, parts.receiver.endpoint)
        outputs = OutputBuffer(context.outlet)
        self.manager = ReplicationManager(
            self.env,
            ManagerParts(primary.guest, parts.tracker, parts.collector, self.sender, outputs),
            scenario.replication,
            scenario.hypervisor,
            context.recorder,
            primary.host,
        )

    @abstractmethod
    def new_tracker(self, hosted: HostedVm) -> ModificationTracker:
        """Return what finds the modified memory of a host's VM."""

    def new_parts(self) -> CheckpointingParts:
        """Return the parts: if not said otherwise, lines are staged until their epoch is whole."""
        context = self.context
        reader = LineReader(context.primary.vm.processor, UnitPacking(context), context.recorder)
        receiver = Receiver(context, self.commit_point)
        collector = new_collector(context, reader, receiver.endpoint)
        return CheckpointingParts(self.new_tracker(context.primary), collector, receiver)

    def start(self) -> None:
        """Run the VM on the primary, and checkpoint it."""
        primary = self.context.primary
        self.receiver.start()
        primary.host.run(self.sender.run())
        primary.host.run(self.manager.run())

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Discard what is staged but not committed, and finish applying what is."""
        yield from self.receiver.close()
        return self.committed

    def settle(self) -> bool:
        """Apply at once what is committed."""
        self.receiver.settle()
        return True

    def tracker_after_takeover(self) -> ModificationTracker | None:
        """Return one of the same kind for the secondary's VM, which runs in the first mode with its own log."""
        tracker = self.new_tracker(self.context.secondary)
        self.note_device_writes(self.context.secondary, tracker)
        return tracker

    def tracker_after_loss(self) -> ModificationTracker | None:
        """Return the one that there is."""
        return self.tracker

    @property
    def interrupts(self) -> int:
        """Interrupts at the guard band."""
        return self.manager.interrupts

    @property
    def log_stall_ns(self) -> int:
        """Time for which the VM waited for room in the log, nanoseconds."""
        return self.manager.log_stall_ns

    @property
    def lines_received(self) -> int:
        """Lines that have arrived, with repetitions."""
        return self.receiver.lines

    @property
    def memory_bytes(self) -> int:
        """The image, what was staged beside it, the address log, and a bit for each unit."""
        scenario = self.context.scenario
        log_bytes = self.context.primary.vm.log.size
        bitmap_bytes = scenario.vm.memory // (self.context.unit_lines * self.context.line_bytes * 8)
        return scenario.vm.memory + self.receiver.peak_bytes + log_bytes + bitmap_bytes

    def acknowledged(self, message: Acknowledgement) -> None:
        """Let the primary know that an epoch is committed."""
        self.manager.acknowledged(message.epoch)
