"""What the counters of a run say at the instants at which something of the VM ends or begins."""

from dataclasses import dataclass

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.hardware.cache.state import Counter
from vmfailover.hardware.processor import FS_PER_NS
from vmfailover.records.events import Event

#: Events at which the counters of the pair that has the VM are read; they are read at the end of the run too.
READ_AT = ("failure", "detect", "down", "switchover", "alone", "takeover", "protected")


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of the VM on the primary of a pair, and of its protection, from the start of the run to an instant.

    Times lost on several cores are means over those that work.
    """

    time_ns: int
    #: The kind of the event at which they were read, or `end`.
    event: str
    #: Number of the pair, from 0.
    pair: int
    #: Time that the VM has executed.
    guest_ns: int
    #: Instructions executed by all virtual processors.
    instructions: int
    #: Cores that have executed anything.
    working_cores: int
    #: Guest time that the vCPU that serves requests has spent on them, and its program did not have.
    served_ns: int
    #: Time by which writing the address log delays the guest. One that waits for an instant anyway, having nothing to
    #: do before, has made up for what it lost until then; so it is with the next two.
    logging_ns: float
    #: Time by which faults and exits delay the guest that are taken to track its stores.
    tracking_ns: float
    #: Time by which other users of the memory's bandwidth delay the guest.
    contention_ns: float
    #: Guest time of the state that the secondary can go on from.
    committed_guest_ns: int
    #: Payload that has left over the link for replication, in bytes.
    bytes_sent: int
    lines_received: int
    memory_bytes: int
    log_castout: int
    log_scan: int
    log_transfer: int
    log_software: int
    log_duplicates: int
    log_peak_fill: float
    log_interrupts: int
    log_stall_ns: int

    @property
    def program_ns(self) -> float:
        """Time that the guest's own program would have taken without protection for what it has executed."""
        return self.unprotected_ns - self.served_ns / self.working_cores

    @property
    def unprotected_ns(self) -> float:
        """Time that the guest would have taken without protection for what it has executed."""
        return self.guest_ns - self.logging_ns - self.tracking_ns - self.contention_ns


class Readings(Observer):
    """Reads the counters as a run goes on, which does not notice."""

    def __init__(self, cluster: Cluster) -> None:
        """Read at the instants of `READ_AT`."""
        self._cluster = cluster
        self.taken: list[Reading] = []

    def event(self, event: Event) -> None:
        """Read the counters of the pair that has the VM."""
        if event.kind in READ_AT:
            self._read(event.kind, len(self._cluster.pairs) - 1)

    def end(self) -> None:
        """Read the counters of every pair."""
        for number in range(len(self._cluster.pairs)):
            self._read("end", number)

    def _read(self, event: str, number: int) -> None:
        self.taken.append(_reading(self._cluster.pairs[number], event, number, int(self._cluster.env.now)))


def _reading(pair: ProtectedPair, event: str, number: int, now_ns: int) -> Reading:
    vm, protection = pair.primary.vm, pair.protection
    count, cores = vm.processor.count, vm.processor.working_cores
    lost_ns = {
        "logging_ns": count(Counter.LOG_WRITE_FS) / FS_PER_NS,
        "tracking_ns": count(Counter.TRACKING_FS) / FS_PER_NS,
        "contention_ns": vm.contention_ns,
    }
    delaying = _share_left(sum(lost_ns.values()), count(Counter.MADE_UP_FS) / FS_PER_NS)
    return Reading(
        time_ns=now_ns,
        event=event,
        pair=number,
        guest_ns=vm.guest_ns(now_ns),
        instructions=vm.instructions,
        working_cores=cores,
        served_ns=pair.primary.guest.served_ns,
        **{name: lost / cores * delaying for name, lost in lost_ns.items()},
        committed_guest_ns=protection.committed.guest_ns,
        bytes_sent=pair.bytes_sent,
        lines_received=protection.lines_received * pair.primary.host.memory.cache_lines,
        memory_bytes=protection.memory_bytes,
        log_castout=count(Counter.LOG_CASTOUT),
        log_scan=count(Counter.LOG_SCAN),
        log_transfer=count(Counter.LOG_TRANSFER),
        log_software=count(Counter.LOG_SOFTWARE),
        log_duplicates=sum(epoch.duplicates for epoch in pair.epochs),
        log_peak_fill=vm.log.peak_fill,
        log_interrupts=protection.interrupts,
        log_stall_ns=protection.log_stall_ns,
    )


def _share_left(lost_ns: float, made_up_ns: float) -> float:
    """Return which share of what was lost has not been made up for; of each cause it is the same."""
    return max(0.0, 1 - made_up_ns / lost_ns) if lost_ns else 1.0
