"""The injector: makes go wrong what a scenario says, when it says."""

from collections.abc import Iterator, Mapping
from math import gamma
from typing import Protocol

import numpy as np
import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.engine.steps import Steps
from vmfailover.failover.faults.acting import ActingFault, ActingFaults
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel
from vmfailover.records.events import Event, Kind
from vmfailover.scenario.failover import Failure, RandomInstant

#: The event_log's event with which each phase of an epoch begins. The fault strikes half-way through what it announces.
PHASES = {
    "mid-scan": Kind.FINAL_SCAN,
    "mid-harvest": Kind.HARVEST,
    "mid-transfer": Kind.TRANSFER,
    "after-staging": Kind.LINES_SENT,
    "between-commit-and-ack": Kind.COMMIT,
}
#: The event_log's event at which each step of a failover begins.
STEPS = {
    "failure": Kind.FAILURE,
    "detection": Kind.DETECT,
    "fencing": Kind.FENCE,
    "takeover": Kind.TAKEOVER,
    "synchronisation": Kind.SYNCHRONISE,
    "re-protection": Kind.PROTECTED,
    "failback": Kind.FAILBACK,
}


class Targets(Protocol):
    """What faults can strike."""

    @property
    def hosted(self) -> Mapping[str, HostedVm]:
        """The hosts by their names, and by their roles `active` and `standby`."""

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The directions of the link between the hosts, by the names `forward` and `backward`."""

    def report(self, host: str) -> None:
        """Let the other host know at once that this one has failed."""


class Injector:
    """Injects one fault, once or again and again."""

    def __init__(
        self,
        env: simpy.Environment,
        event_log: EventLog,
        failure: Failure,
        targets: Targets,
        acting: ActingFaults,
        random: np.random.Generator,
    ) -> None:
        """Arm the fault; `acting` are those that act already, of all injectors of the run."""
        self.env = env
        self._event_log = event_log
        self._failure = failure
        self._targets = targets
        self._acting = acting
        self._armed = True
        if failure.at_phase in PHASES:
            event_log.on(PHASES[failure.at_phase], self._on_phase)
        elif failure.at_phase is not None:
            event_log.on(STEPS[failure.at_phase], self._on_step)
        else:
            at = instant(failure.at_random, random) if failure.at_random else failure.at or 0
            env.process(self._strike_after(at + failure.delay))

    def _on_phase(self, event: Event) -> None:
        if event.epoch == self._failure.epoch:
            self.env.process(self._strike_after(event.duration_ns // 2 + self._failure.delay))

    def _on_step(self, event: Event) -> None:
        """Strike at the first such step only."""
        del event
        if self._armed:
            self._armed = False
            self.env.process(self._strike_after(self._failure.delay))

    def _strike_after(self, delay_ns: int) -> Steps:
        yield self.env.timeout(delay_ns)
        for number in range(self._failure.repeat):
            if number:
                yield self.env.timeout(self._failure.every or 0)
            self.env.process(self._strike())

    def _strike(self) -> Steps:
        """Do the damage, and take it back if it passes."""
        struck = list(self._damage())
        for fault in struck:
            self._acting.begin(fault)
        if struck and not self._lasting:
            yield self.env.timeout(self._failure.lasts or 0)
            for fault in struck:
                self._end(fault)
        else:
            yield self.env.timeout(0)

    @property
    def _lasting(self) -> bool:
        return self._failure.lasts is None

    def _end(self, fault: ActingFault) -> None:
        for passed in self._acting.end(fault):
            self._event_log.record(Kind.PASSED, passed.struck, detail=passed.kind)
        for undo in fault.undo:
            undo()

    def _damage(self) -> Iterator[ActingFault]:
        """Do the damage to whatever is there to be damaged."""
        if self._failure.strikes_link:
            self._record(self._failure.struck)
            yield self._struck(self._failure.struck, self._struck_channels())
            return
        hosts = self._struck_hosts()
        for host in hosts:
            self._record(host.name)
        for host in hosts:
            yield self._struck(host.name, (host,))

    def _struck(self, name: str, parts: tuple[Host | Channel, ...]) -> ActingFault:
        undone = [self._failure.strike(part, self._targets.report) for part in parts]
        undo = tuple(each for each in undone if each is not None)
        return ActingFault(self._failure.kind, name, parts, self._lasting, undo)

    def _record(self, struck: str) -> None:
        """Write down a failure if the VM loses its host by it, a fault if not."""
        fatal = self._failure.fatal and struck == self._targets.hosted["active"].host.name
        self._event_log.record(Kind.FAILURE if fatal else Kind.FAULT, struck, detail=self._failure.kind)

    def _struck_hosts(self) -> list[Host]:
        hosted, struck = self._targets.hosted, self._failure.struck
        names = ("active", "standby") if struck == "both" else (struck,)
        return [hosted[name].host for name in names if name in hosted and hosted[name].host.up]

    def _struck_channels(self) -> tuple[Channel, ...]:
        channels = self._targets.channels
        return tuple(channels.values()) if self._failure.struck == "both" else (channels[self._failure.struck],)


def instant(spec: RandomInstant, random: np.random.Generator) -> int:
    """Draw an instant, nanoseconds from the start of the run."""
    if spec.distribution == "instants":
        return int(random.choice(np.array(spec.instants, np.int64)))
    if spec.distribution == "uniform":
        return int(random.uniform(0, 2 * spec.mean))
    if spec.distribution == "weibull":
        return int(random.weibull(spec.shape) * spec.mean / gamma(1 + 1 / spec.shape))
    return int(random.exponential(spec.mean))
