"""Protection by checkpoints that are shipped to the secondary: what the protocols that do so have in common."""

from abc import abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar

import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.replication.collectors import HelperThread, LineCollector, RemotePull, VmCore
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.manager import ManagerParts, ReplicationManager
from vmfailover.replication.messages import Acknowledgement
from vmfailover.replication.modification_tracker import ModificationTracker
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.packing import Packing, UnitPacking
from vmfailover.replication.protection import Protection
from vmfailover.replication.receiver import Receiver
from vmfailover.replication.sender import Sender


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
        scenario, primary = context.scenario, context.primary
        self.tracker = self.new_tracker(primary)
        self.acknowledgements = Endpoint(primary.host)
        self.acknowledgements.on(Acknowledgement, self.acknowledged)
        self.receiver = self.new_receiver()
        self.note_device_writes(primary, self.tracker)
        self.sender = Sender(self.env, primary.host.out, self.receiver.endpoint)
        parts = ManagerParts(
            primary.guest,
            self.tracker,
            self.new_packing(),
            self.new_copier(),
            self.sender,
            OutputBuffer(context.outlet),
        )
        self.manager = ReplicationManager(
            self.env, parts, scenario.replication, scenario.hypervisor, context.recorder, primary.host
        )

    @abstractmethod
    def new_tracker(self, hosted: HostedVm) -> ModificationTracker:
        """Return what finds the modified memory of a host's VM."""

    def new_receiver(self) -> Receiver:
        """Return what the secondary does with the messages."""
        host, recorder = self.context.secondary.host, self.context.recorder
        return Receiver(self.env, host, recorder, self.acknowledgements, self.commit)

    def new_packing(self) -> Packing:
        """Return what makes messages of lines."""
        return UnitPacking(self.context)

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

    def new_copier(self) -> LineCollector:
        """Return who copies modified lines."""
        vm, hosts = self.context.primary.vm, (self.context.primary.host, self.context.secondary.host)
        kind = self.context.scenario.replication.copier
        if kind == "other-host":
            message_ns = self.context.scenario.hypervisor.message
            return RemotePull(self.env, vm, self._read_lines, *hosts, self.receiver.endpoint, message_ns)
        if kind == "helper-thread":
            return HelperThread(self.env, vm, self._read_lines)
        return VmCore(self.env, vm, self._read_lines, self._note_early_copy)

    def commit(self, epoch: int, state: GuestState) -> None:
        """Take an epoch, whose state is given, for committed."""
        self.committed, self.committed_epoch = state, epoch

    def acknowledged(self, message: Acknowledgement) -> None:
        """Let the primary know that an epoch is committed."""
        self.manager.acknowledged(message.epoch)

    def _read_lines(self, lines: Any) -> Any:
        return self.manager.read_lines(lines)

    def _note_early_copy(self, lines: int, duration_ns: int) -> None:
        self.manager.note_early_copy(lines, duration_ns)
