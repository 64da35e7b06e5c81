"""What the hardware of a run is doing, looked at again and again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.hardware.cache.state import FLAG
from vmfailover.hardware.link import Channel
from vmfailover.hardware.processor import Processor

#: Groups of neighbouring sets of the L2, at most, in which flagged rows are counted.
SET_GROUPS = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """The state of the host that has the VM, and of its links, at an instant."""

    time_ns: int
    host: str
    #: Entries of the address log in use.
    log_entries: int
    #: Dirty rows in the L2s of all cores.
    dirty_lines: int
    #: Rows with a flag in the L2s of all cores.
    flagged_lines: int
    #: Time for which links from the host that had the VM have carried something since the beginning.
    forward_busy_ns: int
    #: The same of links to it.
    backward_busy_ns: int
    #: Flagged rows by groups of neighbouring sets, the first sets first.
    flagged_by_sets: tuple[int, ...]


class Sampler(Observer):
    """Looks at a cluster, which does not notice."""

    def __init__(self, cluster: Cluster, count: int) -> None:
        """Look at a run that begins now so many times, evenly, or never."""
        self._cluster = cluster
        #: Time from one look to the next, nanoseconds; the whole run if there is none.
        self.every_ns = max(1, cluster.scenario.duration // max(1, count))
        self._due_ns = 0 if count else cluster.scenario.duration + 1
        self._busy_ns = {True: 0, False: 0}
        self._seen_ns: dict[int, int] = {}
        self.samples: list[Sample] = []
        self.look(0)

    def look(self, now_ns: int) -> None:
        """Take a sample if one is due."""
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + self.every_ns
        node = self._cluster.active
        links = list(self._cluster.inventory.links(node.host.name))
        by_sets = flagged_by_sets(node.host.processor)
        self.samples.append(
            Sample(
                time_ns=now_ns,
                host=node.host.name,
                log_entries=node.vm.log.entries,
                dirty_lines=node.host.processor.dirty_rows,
                flagged_lines=sum(by_sets),
                forward_busy_ns=self._busy([link.forward for link in links], forward=True),
                backward_busy_ns=self._busy([link.backward for link in links], forward=False),
                flagged_by_sets=by_sets,
            )
        )

    def _busy(self, channels: Sequence[Channel], *, forward: bool) -> int:
        """Add to the time of a direction what its channels have been busy since they were looked at last."""
        for channel in channels:
            occupied_ns = channel.occupied_ns
            self._busy_ns[forward] += occupied_ns - self._seen_ns.get(id(channel), 0)
            self._seen_ns[id(channel)] = occupied_ns
        return self._busy_ns[forward]


def flagged_by_sets(processor: Processor) -> tuple[int, ...]:
    """Return the flagged rows of all cores' L2s by groups of neighbouring sets."""
    flagged = np.count_nonzero(processor.state.l2 & FLAG, axis=(0, 2))
    return tuple(flagged.reshape(min(SET_GROUPS, flagged.size), -1).sum(axis=1).tolist())
