"""Takeover: from the verdict of the detector to the VM running on the secondary."""

import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.engine.steps import Steps
from vmfailover.failover.fencing.fencing import Fencing
from vmfailover.failover.quorum import Quorum
from vmfailover.hardware.host import Host
from vmfailover.records.events import Kind
from vmfailover.replication.protection import Protection


class Takeover:
    """Fences the primary, lets the protocol complete the image, and activates the VM on the secondary."""

    def __init__(
        self,
        protection: Protection,
        fencing: Fencing,
        quorum: Quorum,
        event_log: EventLog,
        secondary: Host,
        priority_delay_ns: int = 0,
    ) -> None:
        """Prepare to take over on `secondary`, which needs `quorum` and waits `priority_delay_ns` before it fences."""
        self._env = protection.env
        self._priority_delay_ns = priority_delay_ns
        self._protection = protection
        self._fencing = fencing
        self._quorum = quorum
        self._event_log = event_log
        self._secondary = secondary

    def run(self, declared: simpy.Event, primary: Host) -> Steps:
        """Wait for the verdict, then take over, unless that is not allowed or the VM is on its way already."""
        yield declared
        if not self._protection.needs_takeover:
            return
        self._event_log.record(Kind.DETECT, self._secondary.name, detail=primary.name)
        if not (yield from self._quorum.vote(self._secondary)):
            self._event_log.record(Kind.NO_QUORUM, self._secondary.name, detail=primary.name)
            return
        yield self._env.timeout(self._priority_delay_ns)
        if not (yield from self._fencing.fence(primary, self._secondary)):
            self._event_log.record(Kind.FENCING_FAILED, self._secondary.name, detail=primary.name)
            return
        self._event_log.record(Kind.FENCE, self._secondary.name)
        if not self._protection.needs_takeover:
            return
        state = yield from self._protection.complete()
        if state is None:
            self._event_log.record(Kind.LOST, self._secondary.name)
        else:
            yield from self._protection.hand_over(state)
