"""What a host that runs the VM does when the other one is gone: it goes on alone."""

import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.engine.steps import Steps
from vmfailover.failover.fencing.fencing import Fencing
from vmfailover.failover.quorum import Quorum
from vmfailover.hardware.host import Host
from vmfailover.records.events import Kind
from vmfailover.replication.protection import Protection


class LossOfSecondary:
    """Makes sure that the secondary is gone, and lets the VM go on unprotected."""

    def __init__(
        self, protection: Protection, fencing: Fencing, quorum: Quorum, event_log: EventLog, primary: Host
    ) -> None:
        """Prepare to go on alone on `primary`, which needs `quorum`."""
        self._protection = protection
        self._fencing = fencing
        self._quorum = quorum
        self._event_log = event_log
        self._primary = primary

    def run(self, declared: simpy.Event, secondary: Host) -> Steps:
        """Wait for the verdict, then go on alone, unless the VM is with the secondary by then.

        If the secondary cannot be fenced, the VM goes on waiting for it: it may be about to take over. Without quorum
        it does so too, or ends.
        """
        yield declared
        if not self._protection.on_primary:
            return
        self._event_log.record(Kind.DETECT_LOSS, self._primary.name, detail=secondary.name)
        if not (yield from self._quorum.vote(self._primary)):
            self._event_log.record(Kind.NO_QUORUM, self._primary.name, detail=secondary.name)
            yield from self._quorum.respond(self._primary, secondary)
            return
        safe = yield from self._fencing.fence(secondary, self._primary)
        if safe and self._protection.on_primary:
            self._event_log.record(Kind.ALONE, self._primary.name)
            self._protection.abandon()
        elif not safe and self._primary.up:
            self._event_log.record(Kind.FENCING_FAILED, self._primary.name, detail=secondary.name)
