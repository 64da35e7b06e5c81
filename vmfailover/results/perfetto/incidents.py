"""What went wrong in a trace, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vmfailover.records.events import Event
from vmfailover.results.failovers import Move, moves, synchronisations
from vmfailover.results.perfetto.events import Details, Instant, Part, Slice, Track
from vmfailover.results.perfetto.names import ANSWERS, CLIENTS, FAILOVER, FAULTS, LINK, TRACKING

if TYPE_CHECKING:
    from vmfailover.results.run_record import RunRecord

#: Events that are shown as they happen, by the thread that shows them.
_SHOWN = {
    FAULTS: ("failure", "fault", "passed", "down", "standby-down", "repaired"),
    FAILOVER: (
        "suspect", "forgive", "detect", "detect-loss", "fence", "fencing-failed", "no-quorum", "image-complete",
        "takeover", "alone", "switchover", "synchronise", "synchronisation-failed", "protected", "failback", "returned",
    ),
    TRACKING: ("scan", "log-limit"),
}  # fmt: skip
_THREAD_OF = {kind: thread for thread, kinds in _SHOWN.items() for kind in kinds}


def incidents(result: RunRecord) -> Iterator[Part]:
    """Yield failures and all that followed, checks for modified lines, and the clients' longest wait."""
    for move in moves(result.event_rows):
        yield from _moved(move)
    for host, began_ns, ended_ns in synchronisations(result.event_rows, result.end_ns):
        yield Slice(Track(host, FAILOVER), "synchronisation", began_ns, ended_ns)
    yield from _happened(result)
    yield from _waited(result)


def _moved(move: Move) -> Iterator[Slice]:
    """Yield a move of the VM with its parts, on the host to which it came."""
    track = Track(move.destination, FAILOVER)
    details: Details = {"from": move.origin, "to": move.destination, "latency_ns": move.latency_ns}
    parts = move.parts
    yield Slice(track, _kind(move), parts[0][1], parts[-1][2], details)
    for name, began_ns, ended_ns in parts:
        if ended_ns > began_ns:
            yield Slice(track, name, began_ns, ended_ns)


def _kind(move: Move) -> str:
    if move.planned:
        return "planned move"
    return "failover" if move.stopped_ns >= 0 else "failover by a false alarm"


def _happened(result: RunRecord) -> Iterator[Instant]:
    """Yield events; one about a direction is shown on the link."""
    for event in result.event_rows:
        if event.kind in _THREAD_OF:
            track = Track(event.host if event.host in result.spans else LINK, _THREAD_OF[event.kind])
            yield Instant(track, _title(event), event.time_ns, _details(event))


def _title(event: Event) -> str:
    return f"{event.kind}: {event.detail}" if _THREAD_OF[event.kind] == FAULTS and event.detail else event.kind


def _details(event: Event) -> Details:
    about: dict[str, int | float | str | bool] = {"host": event.host}
    if event.epoch >= 0:
        about["epoch"] = event.epoch
    if event.duration_ns:
        about["duration_ns"] = event.duration_ns
    return about | ({"detail": event.detail} if event.detail else {})


def _waited(result: RunRecord) -> Iterator[Slice]:
    """Yield the longest time without an answer across the end of the first host, if there was one."""
    gap = result.blackout
    if gap is not None:
        yield Slice(Track(CLIENTS, ANSWERS), "no answer", *gap)
