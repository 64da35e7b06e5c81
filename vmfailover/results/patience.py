"""How long a run that has come to its end waits for the failover that is under way."""

from math import inf

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.records.events import Event, Kind
from vmfailover.results.stage import Stage
from vmfailover.scenario.units import DURATION

#: A failover that is not over so much simulated time after the end of the run is not waited for, nanoseconds: an hour.
MOST_EXTENSION_NS = 3600 * 10**9
#: A verdict is waited for so many times as long as the detector can need.
FACTOR = 2
_FAULTS = (Kind.FAILURE, Kind.FAULT, Kind.PASSED)
_BEGINNINGS = (Kind.DETECT, Kind.SWITCHOVER, Kind.FAILBACK)


class Patience(Observer):
    """Knows whether a failover may still come to its end.

    What follows a verdict takes as long as it takes, and comes to an end while the host that takes over works, and
    while the link does if the VM is moved as planned. A verdict may never come: no report tells of a host that hangs.
    It is waited for as long as the detector can need from the instant at which the last message has arrived, and the
    last fault has struck a host or passed there; one that is still heard may report its failure later. A hang that
    passes is waited for.
    """

    def __init__(self, cluster: Cluster) -> None:
        """Follow a run from its beginning."""
        self._cluster = cluster
        self._last_fault_ns = 0
        self._planned = False

    def event(self, event: Event) -> None:
        """Note what has to be waited for from now on."""
        if event.kind in _FAULTS and event.host in self._cluster.inventory.hosted:
            self._last_fault_ns = event.time_ns
        elif event.kind in _BEGINNINGS:
            self._planned = event.kind != Kind.DETECT

    def given_up(self, stage: Stage) -> str:
        """Say why a failover in this stage is not waited for any longer; nothing while it is."""
        cluster = self._cluster
        heir, forward = cluster.pair.standby.host, cluster.pair.context.link.forward
        if cluster.faults.keep_for_ever(heir.thaw):
            return f"the {heir.name} hangs for ever, and no other host can take over"
        if self._planned and stage.name == "apply" and cluster.faults.keep_for_ever(forward.restore):
            return "the link is cut for ever, and the VM cannot be moved"
        if stage.name == "detection" and int(cluster.env.now) >= self._noticed_by_ns(stage):
            longest = DURATION.format(cluster.pair.detector.longest_ns)
            return f"nothing has noticed the failure, for which detection needs {longest} at most"
        if cluster.env.peek() > cluster.scenario.duration + MOST_EXTENSION_NS:
            return f"it would take more than {DURATION.format(MOST_EXTENSION_NS)} beyond the end"
        return ""

    def _noticed_by_ns(self, stage: Stage) -> float:
        """Return when the failure must have been noticed if it ever is; while a hang has to pass first, never."""
        pair = self._cluster.pair
        if pair.standby.host.frozen or not pair.protection.needs_takeover:
            return inf
        watched = pair.detector.watched
        silent_ns = max(stage.since_ns, self._last_fault_ns)
        if watched.up and not watched.frozen and not watched.out.is_cut:
            reported_ns = max((each.reported_ns for each in self._cluster.scenario.failures), default=0)
            return silent_ns + reported_ns + FACTOR * pair.detector.longest_ns
        return max(silent_ns, watched.out.silent_from_ns) + FACTOR * pair.detector.longest_ns
