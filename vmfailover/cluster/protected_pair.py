"""Two hosts that protect a VM together."""

from collections.abc import Callable
from functools import partial

import numpy as np

from vmfailover.engine.streams import generator
from vmfailover.failover.detection.detector import Detector
from vmfailover.failover.detection.messages import FailureReport
from vmfailover.failover.detection.watching import watch_each_other
from vmfailover.failover.fencing.fencing import new_fencing
from vmfailover.failover.quorum import Quorum
from vmfailover.failover.secondary_loss import LossOfSecondary
from vmfailover.failover.split_brain import Advertisements
from vmfailover.failover.takeover import Takeover
from vmfailover.failover.watchdog import Watchdog
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.outlet import Release
from vmfailover.hardware.host import Host
from vmfailover.records.events import Event, Kind
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.protection import Protection, protection_class
from vmfailover.replication.standalone import StandaloneVm


class ProtectedPair:
    """Two hosts in their roles for as long as they keep them: the primary runs the VM, the secondary may take over."""

    def __init__(self, context: ProtectionContext, number: int) -> None:
        """Prepare the `number`-th pair of a run, counted from 0; nothing runs yet."""
        self.context = context
        self._prefix = f"pair-{number}." if number else ""
        self.begun_ns = int(context.env.now)
        #: When the primary went down with the VM, nanoseconds.
        self.down_ns: int | None = None
        self._watchdogs: list[Watchdog] = []
        self._left_before = context.link.forward.stream_bytes_left
        #: Number of the first epoch after those of this pair; None while it is the last pair.
        self.last_epoch: int | None = None
        self.protection: Protection = protection_class(context.scenario.replication)(context)

    def __repr__(self) -> str:
        """Return the hosts in their roles."""
        primary, secondary = (hosted.host.name for hosted in self.hosted)
        return f"<ProtectedPair: {primary}, protected by {secondary}: {self.protection!r}>"

    def start(self) -> None:
        """Let the VM run protected, and both hosts watch each other."""
        self.protection.start()
        context, scenario = self.context, self.context.scenario
        primary, secondary = context.primary.host, context.secondary.host
        fencing = new_fencing(context.env, scenario.fencing, self.random("fencing"))
        self.detector, self.detector_of_secondary = watch_each_other(
            context.env, scenario.detection, primary, secondary, self.random
        )
        self.detector.write_to(context.event_log)
        self.detector_of_secondary.write_to(context.event_log)
        quorum = Quorum(context.env, scenario.quorum, self.random("quorum"))
        takeover = Takeover(
            self.protection, fencing, quorum, context.event_log, secondary, scenario.fencing.priority_delay
        )
        secondary.run_agent(takeover.run(self.detector.declared, primary))
        loss = LossOfSecondary(self.protection, fencing, quorum, context.event_log, primary)
        primary.run_agent(loss.run(self.detector_of_secondary.declared, secondary))
        if scenario.fencing.old_host_yields:
            context.event_log.on(Kind.TAKEOVER, self._advertise)
        self._watch_over(primary, partial(self._is_quorate, quorum, self.detector_of_secondary))
        self._watch_over(secondary, partial(self._is_quorate, quorum, self.detector))

    def _advertise(self, event: Event) -> None:
        """Let the old host of the VM hear that this pair's secondary has taken over."""
        primary, secondary = (hosted.host for hosted in self.hosted)
        if event.host == secondary.name and not self.ended:
            detection = self.context.scenario.detection
            Advertisements(self.context.env, primary, secondary, detection.interval, detection.message)

    @staticmethod
    def _is_quorate(quorum: Quorum, detector: Detector) -> bool:
        """Whether the host on which a detector is may go on: with the other, or as the only one with quorum."""
        if detector.declared.triggered:
            return quorum.has_quorum(detector.watcher, detector.watched)
        return not quorum.is_voted_out(detector.watcher)

    def _watch_over(self, host: Host, is_quorate: Callable[[], bool]) -> None:
        """Give a host its watchdog, where hosts have one."""
        timeout_ns = self.context.scenario.fencing.watchdog_ns
        if timeout_ns is not None:
            self._watchdogs.append(Watchdog(self.context.env, host, timeout_ns, is_quorate))

    def end(self) -> None:
        """Note what has been done so far: the hosts are about to be paired anew."""
        if not self.ended:
            self.last_epoch = len(self.protection.epochs)
            for watchdog in self._watchdogs:
                watchdog.disarm()

    @property
    def ended(self) -> bool:
        """Whether the hosts have been paired anew, or are about to be."""
        return self.last_epoch is not None

    def random(self, component: str) -> np.random.Generator:
        """Return the stream of random numbers of one of the pair's components."""
        return generator(self.context.scenario.seed, self._prefix + component)

    @property
    def primary(self) -> HostedVm:
        """The host that runs the VM at first."""
        return self.context.primary

    @property
    def secondary(self) -> HostedVm:
        """The host that can take over."""
        return self.context.secondary

    @property
    def releases(self) -> list[Release]:
        """Outputs that have left the primary as the protocol allowed."""
        return self.context.outlet.releases

    @property
    def answers_alone(self) -> list[int]:
        """Instants at which the primary let an answer leave that it had not shared with the secondary, nanoseconds."""
        return self.context.outlet.alone_ns

    @property
    def hosted(self) -> tuple[HostedVm, HostedVm]:
        """Both hosts, the primary first."""
        return self.primary, self.secondary

    @property
    def active(self) -> HostedVm:
        """The host that runs the VM, or did at last."""
        return self.primary if self.protection.on_primary else self.secondary

    @property
    def standby(self) -> HostedVm:
        """The other host."""
        return self.secondary if self.protection.on_primary else self.primary

    def lose(self, hosted: HostedVm) -> None:
        """Note that a host that ran the VM has gone down."""
        if hosted is self.primary and self.down_ns is None:
            self.down_ns = int(self.context.env.now)

    @property
    def unprotected(self) -> StandaloneVm | None:
        """The VM once it runs on one host only."""
        return self.protection.unprotected or self.protection.alone

    @property
    def epochs(self) -> list[Epoch]:
        """The epochs of this pair."""
        return self.protection.epochs[self.protection.first_epoch : self.last_epoch]

    @property
    def synchronisation(self) -> list[Epoch]:
        """The rounds in which all memory was copied to the secondary before; none for the first pair, or a failback."""
        first = last = self.protection.first_epoch
        epochs = self.protection.epochs
        while first and epochs[first - 1].whole_memory:
            first -= 1
        return epochs[first:last]

    @property
    def bytes_sent(self) -> int:
        """Bytes that have left over the link for replication by now, while the hosts are this pair."""
        return self.context.link.forward.stream_bytes_left - self._left_before

    def report(self, failed: str) -> None:
        """Let the primary, should it be the one that has failed, tell the secondary."""
        if failed == self.primary.host.name:
            report = FailureReport(self.context.scenario.detection.message)
            self.context.link.forward.send_datagram(report, self.detector.endpoint)
