"""What faults leave behind: nothing, once the last of them has passed."""

from collections import Counter
from collections.abc import Iterator

from vmfailover.cluster.cluster import Cluster
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel
from vmfailover.records.planes import Plane, Way

#: Name under which it is told.
REMAINS = "what_has_passed_leaves_nothing_behind"


def remains(cluster: Cluster) -> Iterator[str]:
    """Yield each host and direction of a link that is not as configured, although no fault acts there."""
    acting = _acting(cluster)
    hosts = {name: hosted.host for name, hosted in cluster.inventory.hosted.items()}
    for name, host in hosts.items():
        if host.up and not acting[name] and not _is_well(host):
            yield f"the {name} hangs or is {host.processor.slowdown:g} times as slow"
        if not (acting[name] or name in _downed(cluster)) and _is_cut_off(host):
            yield f"the {name} is cut off: {host.planes!r}"
    if not any(map(_is_cut_off, hosts.values())) and not any(
        acting[direction] for direction in ("forward", "backward", "both")
    ):
        for channel in _channels(cluster):
            if not _carries(channel):
                yield f"a link is cut, loses {channel.loss:g} or is {channel.slowdown:g} times as slow"


def _acting(cluster: Cluster) -> Counter[str]:
    """Return how many faults act on each host, since it went down last, and on each direction of the link."""
    acting: Counter[str] = Counter()
    for event in cluster.event_log.events:
        if event.kind in ("failure", "fault", "passed"):
            acting[event.host] += -1 if event.kind == "passed" else 1
        elif event.kind in ("down", "standby-down"):
            acting[event.host] = 0
    return acting


def _channels(cluster: Cluster) -> Iterator[Channel]:
    for name in cluster.inventory.hosted:
        for link in cluster.inventory.links(name):
            yield from (link.forward, link.backward)


def _downed(cluster: Cluster) -> set[str]:
    """Return the hosts that have been down, whose network faults end unseen."""
    return {event.host for event in cluster.event_log.events if event.kind in ("down", "standby-down")}


def _is_cut_off(host: Host) -> bool:
    return not all(host.planes.lets(plane, way) for plane in Plane for way in Way)


def _is_well(host: Host) -> bool:
    return not host.frozen and host.processor.slowdown == 1


def _carries(channel: Channel) -> bool:
    return not channel.is_cut and (channel.loss, channel.slowdown) == (channel.spec.loss, 1)
