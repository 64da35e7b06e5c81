"""Two hosts that protect a VM together."""

import numpy as np

from vmfailover.failover.alone import LossOfSecondary
from vmfailover.failover.detection import Detector, new_detector
from vmfailover.failover.fencing import new_fencing
from vmfailover.failover.takeover import Takeover
from vmfailover.hardware.host import Host
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.protection import Protection
from vmfailover.replication.protocols import protection_class
from vmfailover.replication.release import Release
from vmfailover.replication.site import Node, Site
from vmfailover.replication.unprotected import UnprotectedVm
from vmfailover.streams import generator


class Pair:
    """Two hosts in their roles for as long as they keep them: the primary runs the VM, the secondary may take over."""

    def __init__(self, site: Site, number: int) -> None:
        """Prepare the `number`-th pair of a run, counted from 0; nothing runs yet."""
        self.site = site
        self._prefix = f"pair-{number}." if number else ""
        self.begun_ns = int(site.env.now)
        #: Instructions that the VM had executed on the primary before.
        self.instructions_before = site.primary.vm.instructions
        #: When the primary went down with the VM, nanoseconds.
        self.down_ns: int | None = None
        self.releases: list[Release] = []
        #: Instants at which the primary let an answer leave that it had not shared with the secondary, nanoseconds.
        self.answers_alone: list[int] = []
        self._left_before = site.link.forward.stream_bytes_left
        #: Number of the first epoch after those of this pair; None while it is the last pair.
        self.last_epoch: int | None = None
        self.protection: Protection = protection_class(site.scenario.replication.protocol)(site)

    def start(self) -> None:
        """Let the VM run protected, and both hosts watch each other."""
        self.protection.start()
        site, scenario = self.site, self.site.scenario
        primary, secondary = site.primary.host, site.secondary.host
        fencing = new_fencing(site.env, scenario.fencing, self.random("fencing"))
        self.detector = self._new_detector(primary, secondary)
        takeover = Takeover(self.protection, fencing, site.journal, secondary, scenario.fencing.priority_delay)
        secondary.run_agent(takeover.run(self.detector.declared, primary))
        self.detector_of_secondary = self._new_detector(secondary, primary)
        loss = LossOfSecondary(self.protection, fencing, site.journal, primary)
        primary.run_agent(loss.run(self.detector_of_secondary.declared, secondary))

    def end(self) -> None:
        """Note what has been done so far: the hosts are about to be paired anew."""
        if not self.ended:
            self.last_epoch = len(self.protection.epochs)

    @property
    def ended(self) -> bool:
        """Whether the hosts have been paired anew, or are about to be."""
        return self.last_epoch is not None

    def random(self, component: str) -> np.random.Generator:
        """Return the stream of random numbers of one of the pair's components."""
        return generator(self.site.scenario.seed, self._prefix + component)

    def _new_detector(self, watched: Host, watcher: Host) -> Detector:
        return new_detector(
            self.site.env, self.site.scenario.detection, watched, watcher, self.random(f"detection.{watched.name}")
        )

    @property
    def primary(self) -> Node:
        """The host that runs the VM at first."""
        return self.site.primary

    @property
    def secondary(self) -> Node:
        """The host that can take over."""
        return self.site.secondary

    @property
    def nodes(self) -> tuple[Node, Node]:
        """Both hosts, the primary first."""
        return self.primary, self.secondary

    @property
    def active(self) -> Node:
        """The host that runs the VM, or did at last."""
        return self.primary if self.protection.on_primary else self.secondary

    @property
    def standby(self) -> Node:
        """The other host."""
        return self.secondary if self.protection.on_primary else self.primary

    def lose(self, node: Node) -> None:
        """Note that a host that ran the VM has gone down."""
        if node is self.primary and self.down_ns is None:
            self.down_ns = int(self.site.env.now)

    @property
    def unprotected(self) -> UnprotectedVm | None:
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
        return self.site.link.forward.stream_bytes_left - self._left_before

    def report(self, failed: str) -> None:
        """Let the primary, should it be the one that has failed, tell the secondary."""
        if failed == self.primary.host.name:
            self.site.link.forward.send_datagram(self.site.scenario.detection.message, self.detector.declare)
