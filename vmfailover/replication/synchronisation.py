"""Full synchronisation: a running VM gets a second host, whatever that one's memory holds."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.replication.distinct import distinct
from vmfailover.replication.messages import HEADER_BYTES, CommitMarker
from vmfailover.replication.precopy import Precopy, Units
from vmfailover.replication.site import Site
from vmfailover.replication.unprotected import UnprotectedVm

Steps = Generator[simpy.Event, Any, None]


class Synchronisation:
    """Copies the memory of the VM on a site's primary to its secondary while the log says what changes meanwhile.

    A VM that nothing tracks stands still for all of it.
    """

    def __init__(self, site: Site, unprotected: UnprotectedVm) -> None:
        """Copy nothing yet."""
        self.env = site.env
        self._site = site
        self._unprotected = unprotected
        self._precopy = Precopy(site, self._find, self._arrived)
        self._acknowledged = site.env.event()

    def run(self) -> Generator[simpy.Event, Any, GuestState]:
        """Return the state of the VM, which then stands still, once the secondary's memory is known to be at it."""
        vm = self._site.primary.vm
        units = yield from self._precopy.run(go_on=self._go_on)
        if vm.running:
            vm.pause(int(self.env.now))
        epoch = yield from self._precopy.finish(units)
        yield self._acknowledged
        assert epoch.state is not None
        epoch.acknowledged_ns = epoch.resumed_ns = int(self.env.now)
        return epoch.state

    def abandon(self) -> None:
        """Let the VM go on without a second host."""
        vm = self._site.primary.vm
        vm.hold(int(self.env.now))
        vm.resume(int(self.env.now))

    def _find(self) -> Generator[simpy.Event, Any, Units]:
        """Stop the VM and take the units that have been modified since the last time."""
        site, now = self._site, int(self.env.now)
        if site.primary.vm.running:
            site.primary.vm.pause(now)
            site.journal.record("pause", site.primary.host.name)
        yield self.env.timeout(site.scenario.hypervisor.quiesce)
        yield from self._unprotected.find_modified()
        return distinct(self._unprotected.take_fresh() // (site.unit_lines * site.line_bytes))

    def _go_on(self) -> None:
        """Resume the VM, if somebody notes what it modifies."""
        if self._unprotected.tracked:
            self._site.journal.record("resume", self._site.primary.host.name)
            self._site.primary.vm.resume(int(self.env.now))

    def _arrived(self, marker: CommitMarker) -> None:
        del marker
        out = self._site.secondary.host.out

        def arrive() -> None:
            self._acknowledged.succeed()

        self._site.secondary.host.run(out.send(HEADER_BYTES, arrive))
