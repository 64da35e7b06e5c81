"""Takeover: from the verdict of the detector to the VM running on the secondary."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.engine.steps import Steps
from vmfailover.failover.chance import drawn_ns
from vmfailover.failover.fencing.fencing import Fencing
from vmfailover.failover.quorum import Quorum
from vmfailover.hardware.host import Host
from vmfailover.records.events import Kind
from vmfailover.replication.protection import Protection
from vmfailover.scenario.takeover import TakeoverSteps


@dataclass(frozen=True, slots=True)
class Waits:
    """How long one takeover waits for its election and its promotion, nanoseconds."""

    election_ns: int = 0
    promotion_ns: int = 0

    @classmethod
    def drawn(cls, steps: TakeoverSteps, random: np.random.Generator) -> Self:
        """Return what chance makes of the steps that a scenario says."""
        return cls(drawn_ns(steps.election, random), drawn_ns(steps.promotion, random))


class Takeover:
    """Fences the primary, lets the protocol complete the image, and activates the VM on the secondary."""

    def __init__(
        self,
        protection: Protection,
        fencing: Fencing,
        quorum: Quorum,
        event_log: EventLog,
        secondary: Host,
        waits: Waits,
        priority_delay_ns: int = 0,
    ) -> None:
        """Prepare to take over on `secondary`, which needs `quorum` and waits `priority_delay_ns` before it fences."""
        self._waits = waits
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
        if self._waits.election_ns:
            yield self._env.timeout(self._waits.election_ns)
            self._event_log.record(Kind.ELECTED, self._secondary.name, detail=primary.name)
        yield self._env.timeout(self._priority_delay_ns)
        if not (yield from self._fencing.fence(primary, self._secondary)):
            self._event_log.record(Kind.FENCING_FAILED, self._secondary.name, detail=primary.name)
            return
        self._event_log.record(Kind.FENCE, self._secondary.name)
        if not self._protection.needs_takeover:
            return
        if self._waits.promotion_ns:
            yield self._env.timeout(self._waits.promotion_ns)
            self._event_log.record(Kind.PROMOTED, self._secondary.name)
        state = yield from self._protection.complete()
        if state is None:
            self._event_log.record(Kind.LOST, self._secondary.name)
        else:
            yield from self._protection.hand_over(state)
