"""Output comparison (COLO, PLOVER): both hosts execute, and an output leaves once both have produced it.

Where they differ, because their locks or timers went another way, the primary's state is made the secondary's: both
stand still until it is there. With hashing, only pages that differ are sent.
"""

from collections.abc import Generator
from typing import Any, ClassVar

import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.server import Completion
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.protection import Protection
from vmfailover.replication.protocols.output_compare import OutputCompareSettings
from vmfailover.replication.protocols.output_compare.primary import PrimarySide
from vmfailover.replication.protocols.output_compare.secondary import SecondarySide
from vmfailover.replication.protocols.page_write_protect.protection import faults
from vmfailover.replication.standalone import StandaloneVm
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


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
        self.primary_side = PrimarySide(context)
        self.secondary_side = SecondarySide(context, self.primary_side.endpoint, self.commit_point)
        #: Whether the state in which the secondary was has been taken for the one to go on from.
        self._adopted = False

    def start(self) -> None:
        """Run the VM on both hosts."""
        context, now = self.context, int(self.env.now)
        context.secondary.guest.start(context.workload, context.start)
        for hosted in (context.primary, context.secondary):
            self.note_device_writes(hosted, self._new_tracker(hosted))
        self.primary_side.answer()
        self.secondary_side.answer()
        self.primary_side.start(self.secondary_side.endpoint)
        context.primary.vm.resume(now)
        context.secondary.vm.resume(now)

    def _new_tracker(self, hosted: HostedVm) -> FirstStores:
        costs = OutputCompareSettings.of(self.context.scenario.replication).page_tracking
        return FirstStores(self.context, hosted, lambda pages: pages.size * costs.page + costs.flush)

    def abandon(self) -> None:
        """Go on without the secondary, whose answers are not compared any more."""
        self.primary_side.endpoint.close()
        super().abandon()

    def outputs_held(self) -> list[Completion]:
        """Return those that wait to be compared, or for a synchronisation."""
        return [*super().outputs_held(), *self.primary_side.outputs.held]

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Go on from where the secondary is; a synchronisation that has not arrived whole is forgotten."""
        yield from self.secondary_side.close()
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
        self.secondary_side.commit(epoch.number, state)
        return state

    def activate(self, state: GuestState) -> None:
        """Let the secondary, which is running, answer, beginning with what clients may still wait for."""
        del state
        self.unprotected = StandaloneVm(self.env, self.context.secondary, None)
        self.secondary_side.go_live()

    @property
    def activation_ns(self) -> int:
        """Time until the network knows."""
        return self.context.scenario.hypervisor.redirect

    @property
    def lines_received(self) -> int:
        """Lines that have arrived, with repetitions."""
        return self.secondary_side.lines

    @property
    def memory_bytes(self) -> int:
        """The other VM's memory, and what was staged beside it."""
        return self.context.scenario.vm.memory + self.secondary_side.peak_bytes

    @property
    def remarks(self) -> tuple[str, ...]:
        """How often the hosts differed."""
        outputs = self.primary_side.outputs
        return (f"{outputs.differed} of {outputs.compared} outputs compared differed",)
