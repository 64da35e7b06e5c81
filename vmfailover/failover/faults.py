"""The injector: makes go wrong what a scenario says, when it says."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.hardware.host import Host
from vmfailover.journal import Event, Journal
from vmfailover.scenario.failover import Failure

#: The journal's event with which each phase begins. The fault strikes half-way through what the event announces.
PHASES = {
    "mid-scan": "final-scan",
    "mid-harvest": "harvest",
    "mid-transfer": "transfer",
    "after-staging": "lines-sent",
    "between-commit-and-ack": "commit",
}


class Injector:
    """Injects one failure into a host."""

    def __init__(self, env: simpy.Environment, journal: Journal, failure: Failure, host: Host) -> None:
        """Arm the failure."""
        self.env = env
        self._journal = journal
        self._failure = failure
        self._host = host
        if failure.at_phase is None:
            env.process(self._strike(failure.at or 0))
        else:
            journal.on(PHASES[failure.at_phase], self._on_phase)

    def _on_phase(self, event: Event) -> None:
        if event.epoch == self._failure.epoch:
            self.env.process(self._strike(event.duration_ns // 2))

    def _strike(self, delay_ns: int) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(delay_ns)
        if self._host.up:
            self._journal.record("failure", self._host.name)
            self._host.crash()
