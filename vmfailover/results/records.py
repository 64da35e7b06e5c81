"""What a run leaves: plain records, from which every metric can be computed, then or later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from vmfailover.audit.judge import Judge
from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.guest.clients import Request, Response
from vmfailover.records.events import Event
from vmfailover.records.roles import Role
from vmfailover.replication.epoch import Epoch
from vmfailover.results.failovers import Tenure
from vmfailover.results.intervals import Interval
from vmfailover.results.outage import Outage, blackout, first_outage
from vmfailover.results.readings import Reading
from vmfailover.results.warm_up import Progress
from vmfailover.scenario import Scenario


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One epoch; instants and durations in nanoseconds, -1 for an instant that never came."""

    epoch: int
    #: Number of the pair of hosts that it belongs to, from 0; of a synchronisation, the pair that it leads to.
    pair: int
    started_ns: int
    paused_ns: int
    captured_ns: int
    resumed_ns: int
    sent_ns: int
    committed_ns: int
    applied_ns: int
    acknowledged_ns: int
    quiesce_ns: int
    scan_ns: int
    capture_ns: int
    deduplication_ns: int
    harvest_ns: int
    #: Time for which the core of the VM copied lines early, the VM standing still.
    early_copy_ns: int
    log_entries: int
    duplicates: int
    lines: int
    residue: int
    shipped_bytes: int
    #: Bytes of distinct 64-byte blocks that the guest had modified in it, 0 unless it was committed.
    dirtied_bytes: int
    outputs: int
    forced: bool
    #: Whether it is a round in which all of memory is copied.
    whole_memory: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What the audit has found by executing the guest's program a second time."""

    outputs_lost: int
    split_brain_ns: int
    split_brain_outputs: int
    diverged_lines: int
    mismatched_lines: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one direction of a link between two hosts has carried, and lost."""

    sender: str
    receiver: str
    messages: int
    #: Payload of the reliable stream, and of datagrams that were sent; of each byte once.
    stream_bytes: int
    datagram_bytes: int
    #: All of it with framing and retransmissions.
    wire_bytes: int
    busy_ns: int
    retransmitted_frames: int
    lost_datagrams: int


@dataclass(frozen=True)
class Records:
    """What a run that has ended leaves of one VM."""

    scenario: Scenario
    seed: int
    epoch_rows: tuple[EpochRow, ...]
    event_rows: tuple[Event, ...]
    requests: tuple[Request, ...]
    readings: tuple[Reading, ...]
    progress: tuple[Progress, ...]
    findings: Findings
    #: A row for each direction of each link; none of a run that was saved before this was.
    traffic: tuple[Traffic, ...]
    #: (from, to) in nanoseconds in which the VM ran, by host.
    spans: dict[str, tuple[tuple[int, int], ...]]
    #: Memory accesses simulated, on all hosts.
    accesses: int
    #: Simulated time reached, nanoseconds.
    end_ns: int

    @cached_property
    def responses(self) -> tuple[Response, ...]:
        """The answers that have reached their clients, in order of their arrival."""
        answered = (
            Response(each.request, each.sent_ns, each.received_ns)
            for each in self.requests
            if each.received_ns is not None
        )
        return tuple(sorted(answered, key=lambda response: response.received_ns))

    @property
    def unanswered(self) -> int:
        """Requests sent of which no answer had come back by the end."""
        return len(self.requests) - len(self.responses)

    @property
    def pairs(self) -> tuple[Tenure, ...]:
        """The pairs of hosts that have protected the VM, in order."""
        later = (each for each in self.event_rows if each.kind == "protected")
        return (
            Tenure(Role.PRIMARY.value, Role.SECONDARY.value, 0),
            *(Tenure(each.detail, each.host, each.time_ns) for each in later),
        )

    @property
    def home(self) -> str:
        """The host on which the VM started."""
        return self.pairs[0].primary

    @property
    def blackout(self) -> Interval | None:
        """The longest time without an answer across the first outage; None without an outage, or without clients."""
        return self.blackout_across(first_outage(self.event_rows))

    def blackout_across(self, outage: Outage | None) -> Interval | None:
        """Return the longest time without an answer across an outage; None without one, or without clients."""
        return blackout(self.responses, outage, self.end_ns) if self.scenario.clients else None

    def first_ns(self, kind: str) -> int | None:
        """Return when an event of a kind happened first, None if none did."""
        return next((event.time_ns for event in self.event_rows if event.kind == kind), None)


def records_of(
    cluster: Cluster, audit: Judge, readings: tuple[Reading, ...], progress: tuple[Progress, ...]
) -> Records:
    """Collect the records of a run that has ended, and that has been judged."""
    return Records(
        scenario=cluster.scenario,
        seed=cluster.scenario.seed,
        epoch_rows=tuple(_epoch_rows(cluster, audit)),
        event_rows=tuple(cluster.event_log.events),
        requests=tuple(cluster.clients.requests) if cluster.clients else (),
        readings=readings,
        progress=progress,
        findings=Findings(**{field.name: getattr(audit, field.name) for field in fields(Findings)}),
        traffic=tuple(_traffic(cluster)),
        spans=_spans(cluster),
        accesses=sum(node.vm.accesses for node in cluster.inventory.built),
        end_ns=int(cluster.env.now),
    )


def _traffic(cluster: Cluster) -> Iterator[Traffic]:
    for sender, receiver, channel in cluster.inventory.channels():
        yield Traffic(sender, receiver, **asdict(channel.statistics))


def _spans(cluster: Cluster) -> dict[str, tuple[tuple[int, int], ...]]:
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    for node in cluster.inventory.built:
        spans[node.host.name] = spans.get(node.host.name, ()) + tuple(node.vm.spans)
    return spans


def _epoch_rows(cluster: Cluster, audit: Judge) -> Iterator[EpochRow]:
    cache_lines = cluster.primary.host.memory.cache_lines
    committed, applied = cluster.event_log.times("commit"), cluster.event_log.times("apply")
    for epoch in cluster.epochs:
        yield EpochRow(
            epoch=epoch.number,
            pair=_pair_of(epoch, cluster.pairs),
            committed_ns=_or_never(committed.get(epoch.number)),
            applied_ns=_or_never(applied.get(epoch.number)),
            log_entries=epoch.entries,
            outputs=len(epoch.outputs),
            dirtied_bytes=audit.dirtied_bytes.get(epoch.number, 0),
            lines=epoch.lines * cache_lines,
            residue=epoch.residue * cache_lines,
            **_copied(epoch),
        )


def _copied(epoch: Epoch) -> dict[str, Any]:
    """Return the columns that an epoch has under the same names."""
    instants = {name: _or_never(getattr(epoch, name)) for name in _INSTANTS}
    return {name: getattr(epoch, name) for name in _COPIED} | instants


def _or_never(instant_ns: int | None) -> int:
    """Return an instant as a table has it, -1 for never."""
    return -1 if instant_ns is None else instant_ns


def _pair_of(epoch: Epoch, pairs: list[ProtectedPair]) -> int:
    """Return the number of the pair that an epoch belongs to; of a synchronisation, the one that it leads to."""
    number = sum(pair.protection.first_epoch <= epoch.number for pair in pairs) - 1
    last = pairs[number].last_epoch
    return number if last is None or epoch.number < last else number + 1


_COMPUTED = (
    *("epoch", "pair", "committed_ns", "applied_ns", "log_entries", "outputs", "dirtied_bytes"),
    *("lines", "residue"),
)
_INSTANTS = ("paused_ns", "captured_ns", "resumed_ns", "sent_ns", "acknowledged_ns")
_COPIED = tuple(field.name for field in fields(EpochRow) if field.name not in (*_COMPUTED, *_INSTANTS))
