"""What every protocol of protection is to the rest of the simulation."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar

import simpy

from vmfailover.engine.steps import Steps
from vmfailover.errors import InputError
from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.server import Completion
from vmfailover.hardware.cache.state import Mode
from vmfailover.hardware.processor import Tracking
from vmfailover.records.events import Kind
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.modification_tracker import ModificationTracker
from vmfailover.replication.standalone import StandaloneVm
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.kinds import code_of
from vmfailover.scenario.replication import Replication


class Protection(ABC):
    """One way to protect a VM, from the start of a run to the VM's life on the secondary.

    What it has secured it tells as epochs: an event `commit` of the log of events with an epoch's number says that the
    secondary can go on from that epoch's `state`, an event `apply` that its image is at that state.
    """

    #: Names of the invariants that hold in every run, as `vmfailover.audit.invariants` checks them.
    promises: ClassVar[tuple[str, ...]]

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """Return what the processors of both hosts have to note of the VM's stores: nothing, if not said otherwise."""
        del replication, host
        return Tracking(Mode.UNTRACKED)

    def __init__(self, context: ProtectionContext) -> None:
        """Build what the protocol needs; nothing runs yet."""
        self.context = context
        self.env = context.env
        #: All epochs of the VM; those of this protection begin with number `first_epoch`.
        self.epochs = context.recorder.epochs
        self.first_epoch = len(self.epochs)
        #: What the secondary can go on from.
        self.commit_point = CommitPoint(context)
        #: Whether the VM is on its way to the secondary as planned, which can go on without the primary.
        self.handing_over = False
        #: The VM on the secondary, once it runs there.
        self.unprotected: StandaloneVm | None = None
        #: The VM on the primary, once it goes on without a secondary.
        self.alone: StandaloneVm | None = None

    def __repr__(self) -> str:
        """Return the epoch from which the secondary can go on."""
        return f"<{type(self).__name__}: committed epoch {self.committed_epoch}>"

    @abstractmethod
    def start(self) -> None:
        """Let the VM on the primary, which stands still in the state `context.start`, run, and protect it."""

    @abstractmethod
    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Bring the secondary's image to a state from which the VM can run, the primary being fenced.

        Returns that state, None if there is none and the VM is lost.
        """

    @abstractmethod
    def settle(self) -> bool:
        """Bring the secondary's image to `committed` at once, the run having ended without a takeover.

        Returns whether there is such an image.
        """

    def tracker_after_takeover(self) -> ModificationTracker | None:
        """Return what finds modified memory of the VM once it runs on the secondary; None if nothing does."""
        return None

    @property
    def committed(self) -> GuestState:
        """The state that the secondary can go on from; at the start the one before the first epoch."""
        return self.commit_point.state

    @property
    def committed_epoch(self) -> int:
        """The epoch at whose end that was."""
        return self.commit_point.epoch

    @property
    def interrupts(self) -> int:
        """Interrupts at the address log's guard band."""
        return 0

    @property
    def log_stall_ns(self) -> int:
        """Time for which the VM waited for room in a log, nanoseconds."""
        return 0

    @property
    def lines_received(self) -> int:
        """Lines that have arrived at the secondary, with repetitions."""
        return 0

    @property
    def activation_ns(self) -> int:
        """Time from the image being complete to the VM running and the network knowing it, nanoseconds."""
        hypervisor = self.context.scenario.hypervisor
        return hypervisor.restore + hypervisor.redirect

    @property
    def on_primary(self) -> bool:
        """Whether the VM is where it began."""
        return self.unprotected is None

    @property
    def going_on(self) -> HostedVm:
        """The host whose VM is the newest of those that `committed` is a state of: where it goes on, or would."""
        return self.context.primary if self.on_primary else self.context.secondary

    @property
    def needs_takeover(self) -> bool:
        """Whether the VM would be gone without the primary."""
        return not self.handing_over

    @property
    def memory_bytes(self) -> int:
        """Memory that the protection has taken on both hosts, at most, beside the VM's own on the primary."""
        return self.context.scenario.vm.memory

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the results should know of this run, a sentence each."""
        return ()

    def hand_over(self, state: GuestState) -> Steps:
        """Run the VM on the secondary from a state that its image is at."""
        context, host = self.context, self.context.secondary.host.name
        context.event_log.record(Kind.IMAGE_COMPLETE, host, epoch=self.committed_epoch)
        yield self.env.timeout(self.activation_ns)
        self.activate(state)
        context.outlet.redirect(context.secondary.guest)
        context.event_log.record(Kind.TAKEOVER, host, epoch=self.committed_epoch)

    def activate(self, state: GuestState) -> None:
        """Start the VM on the secondary; its answers leave at once, since no further host has to know them first."""
        hosted, replication = self.context.secondary, self.context.scenario.replication
        hosted.guest.start(self.context.workload, state)
        self.unprotected = StandaloneVm(self.env, hosted, self.tracker_after_takeover())
        interval = replication.scan_interval or replication.checkpoint_interval
        self.unprotected.run(interval, self.context.outlet.respond)

    def abandon(self) -> None:
        """Go on without the secondary, which is dead: what waited for it leaves, and nothing waits any more."""
        context, hosted = self.context, self.context.primary
        self.commit_point.acknowledgements.close()
        hosted.host.end_processes()
        hosted.vm.hold(int(self.env.now))
        hosted.guest.unprotect()
        tracker = self.tracker_after_loss()
        if tracker is not None:
            self.note_device_writes(hosted, tracker)
        for output in self.outputs_held():
            context.outlet.respond_alone(output)
        self.alone = StandaloneVm(self.env, hosted, tracker)
        replication = context.scenario.replication
        self.alone.run(replication.scan_interval or replication.checkpoint_interval, context.outlet.respond_alone)

    def outputs_held(self) -> list[Completion]:
        """Return the outputs that have not left, in order, perhaps with some that have."""
        own = self.epochs[self.first_epoch :]
        return [output for epoch in own if epoch.acknowledged_ns is None for output in epoch.outputs]

    def tracker_after_loss(self) -> ModificationTracker | None:
        """Return what finds modified memory of the VM on the primary once there is no secondary; None if nothing."""
        return None

    def note_device_writes(self, hosted: HostedVm, tracker: ModificationTracker) -> None:
        """Let the hypervisor of a host tell the tracker what devices write, unless the scenario has it forget."""
        if self.context.scenario.replication.hypervisor_writes == "logged":
            hosted.guest.on_device_write = tracker.note_device_write


def protection_class(replication: Replication) -> type[Protection]:
    """Return the code of a scenario's protocol, imported; raise InputError if it cannot be, or is no protection."""
    found = code_of(replication)
    if not (isinstance(found, type) and issubclass(found, Protection)):
        raise InputError(f"{replication.protocol}: {replication.code!r} is not a subclass of Protection")
    return found
