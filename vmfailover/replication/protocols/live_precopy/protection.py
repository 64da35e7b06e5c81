"""Live pre-copy (Clark et al., NSDI 2005): a planned evacuation while the VM runs, and the stop at its end.

It protects from failures that are foreseen. One that comes before the end of the evacuation takes the VM with it.
"""

from collections.abc import Generator
from typing import Any, ClassVar

import simpy

from vmfailover.engine.steps import Steps
from vmfailover.guest.answers import Answers
from vmfailover.guest.guest import GuestState
from vmfailover.hardware.processor import Tracking
from vmfailover.records.events import Kind
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.messages import CommitMarker
from vmfailover.replication.precopy import Precopy, Units
from vmfailover.replication.protection import Protection
from vmfailover.replication.protocols.live_precopy import LivePrecopySettings
from vmfailover.replication.protocols.live_precopy.paced import PacedPrecopy
from vmfailover.replication.protocols.page_write_protect.protection import faults
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


class LivePrecopy(Protection):
    """Runs the VM unobserved until it is ordered to leave, and then copies it away."""

    promises: ClassVar[tuple[str, ...]] = ("image", "one_active_vm", "dirty_lines_balance", "program")

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """During the evacuation, the first store to a page in a round faults."""
        return faults(replication, host)

    def __init__(self, context: ProtectionContext) -> None:
        """Prepare to evacuate the primary."""
        super().__init__(context)
        self._tracker = FirstStores(context, context.primary, lambda _: 0)
        migration = LivePrecopySettings.of(context.scenario.replication).migration
        self._precopy = (
            Precopy(context, self._find, self._arrived)
            if migration is None
            else PacedPrecopy(context, self._find, self._arrived, migration)
        )
        self._evacuated = self._abandoned = False

    def start(self) -> None:
        """Run the VM unobserved, and evacuate it when the time has come."""
        context, node = self.context, self.context.primary
        self._observe(False)
        Answers(self.env, node.host, node.guest, context.outlet.release).start()
        node.host.run(self._evacuate())
        node.vm.resume(int(self.env.now))

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Give the VM up: its memory is on the secondary only in part."""
        yield from ()
        return None

    def settle(self) -> bool:
        """An image that is not complete is none."""
        return self._evacuated

    @property
    def needs_takeover(self) -> bool:
        """Whether the VM is still on the primary."""
        return not self._evacuated

    @property
    def lines_received(self) -> int:
        """Lines that have arrived, with repetitions."""
        return self._precopy.lines_received

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the evacuation went."""
        count = self._precopy.rounds
        if not count:
            return ("the run ended before the evacuation began",)
        rounds = f"{count} round{'s' * (count > 1)}"
        if self._abandoned:
            return (f"the migration was abandoned after {rounds}: it took longer than its timeout",)
        if not self._evacuated:
            return (f"the evacuation was not complete, after {rounds}, when the primary failed or the run ended",)
        why = "" if self._precopy.converged else ": it did not converge, memory was modified as fast as it was sent"
        return (f"{rounds}, {self._precopy.left} pages left for the last, with the VM stopped{why}",)

    def _evacuate(self) -> Steps:
        context, scenario = self.context, self.context.scenario
        planned = [failure.at for failure in scenario.failures if failure.at is not None]
        yield self.env.timeout(max(0, min(planned, default=scenario.duration) - scenario.replication.precopy.lead))
        self._observe(True)
        units = yield from self._precopy.run(go_on=lambda: None)
        if not self._precopy.stops:
            self._stay()
            return
        context.primary.vm.pause(int(self.env.now))
        context.event_log.record(Kind.SWITCHOVER, context.primary.host.name)
        yield from self._precopy.finish(units)

    def _stay(self) -> None:
        """Give the migration up."""
        self._abandoned = True
        self._observe(False)
        self.context.event_log.record(Kind.MIGRATION_ABANDONED, self.context.primary.host.name)

    def _find(self) -> Generator[simpy.Event, Any, Units]:
        """Take the units of this round, and begin the next, while the VM runs."""
        processor = self.context.primary.host.processor
        units = processor.noted_units
        processor.begin_interval()
        yield from ()
        return units

    def _observe(self, on: bool) -> None:
        self.context.primary.vm.set_first_mode(on)
        if on:
            self.note_device_writes(self.context.primary, self._tracker)

    def _arrived(self, marker: CommitMarker) -> None:
        self._evacuated = True
        self.commit_point.move(marker.epoch, marker.state)
        self.context.secondary.host.run(self._go_on_here(marker.state))

    def _go_on_here(self, state: GuestState) -> Steps:
        yield from self.hand_over(state)
        self.context.recorder.resumed_there(self.epochs[-1])
