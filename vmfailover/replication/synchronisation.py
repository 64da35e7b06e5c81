"""Full synchronisation: a running VM gets a second host, whatever that one's memory holds."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.records.events import Kind
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.distinct import distinct
from vmfailover.replication.messages import Acknowledgement, CommitMarker
from vmfailover.replication.precopy import Precopy, Units
from vmfailover.replication.standalone import StandaloneVm


class Synchronisation:
    """Copies the memory of the VM on a context's primary to its secondary while the log says what changes meanwhile.

    A VM that nothing tracks stands still for all of it.
    """

    def __init__(self, context: ProtectionContext, unprotected: StandaloneVm) -> None:
        """Copy nothing yet."""
        self.env = context.env
        self._context = context
        self._unprotected = unprotected
        self._precopy = Precopy(context, self._find, self._arrived)
        self._acknowledged = context.env.event()
        self._acknowledgements = Endpoint(context.primary.host)
        self._acknowledgements.on(Acknowledgement, self._note)
        #: Whether it is this that holds up the VM; what looks for modified memory holds it up for moments of its own.
        self._stopped = False

    def run(self) -> Generator[simpy.Event, Any, GuestState]:
        """Return the state of the VM, which then stands still, once the secondary's memory is known to be at it."""
        units = yield from self._precopy.run(go_on=self._go_on)
        self._stop()
        epoch = yield from self._precopy.finish(units)
        yield self._acknowledged
        assert epoch.state is not None
        self._context.recorder.synchronised(epoch)
        return epoch.state

    def abandon(self) -> None:
        """Let the VM go on without a second host."""
        self._precopy.abandon()
        if self._stopped:
            self._resume()

    def _find(self) -> Generator[simpy.Event, Any, Units]:
        """Stop the VM and take the units that have been modified since the last time."""
        context = self._context
        if not self._stopped:
            self._stop()
            context.event_log.record(Kind.PAUSE, context.primary.host.name)
        yield self.env.timeout(context.scenario.hypervisor.quiesce)
        yield from self._unprotected.find_modified()
        return distinct(self._unprotected.take_fresh() // (context.unit_lines * context.line_bytes))

    def _go_on(self) -> None:
        """Resume the VM, if somebody notes what it modifies."""
        if self._unprotected.tracked:
            self._context.event_log.record(Kind.RESUME, self._context.primary.host.name)
            self._resume()

    def _stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._context.primary.vm.pause(int(self.env.now))

    def _resume(self) -> None:
        self._stopped = False
        self._context.primary.vm.resume(int(self.env.now))

    def _arrived(self, marker: CommitMarker) -> None:
        host = self._context.secondary.host
        host.run(host.out.send(Acknowledgement(marker.epoch), self._acknowledgements))

    def _note(self, message: Acknowledgement) -> None:
        del message
        self._acknowledged.succeed()
