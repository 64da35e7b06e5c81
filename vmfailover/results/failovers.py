"""Every move of the VM from one host to another, and every time without a second host, in the order of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vmfailover.failover.faults import FATAL
from vmfailover.journal import Event
from vmfailover.results.records import Tenure

#: The parts of a move, in order.
PARTS = ("detection", "fencing", "apply", "activation")


@dataclass(frozen=True, slots=True)
class Move:
    """The VM goes from one host to another; instants in nanoseconds, -1 for what there was not."""

    origin: str
    destination: str
    #: Whether it was a failback, which nothing had to fail for.
    planned: bool
    #: When the host with the VM failed, or was stopped as planned; -1 for a false alarm.
    stopped_ns: int
    detected_ns: int
    fenced_ns: int
    image_complete_ns: int
    running_ns: int

    @property
    def latency_ns(self) -> int:
        """From the failure, or the planned stop, to the first instruction on the other host; -1 for a false alarm."""
        return self.running_ns - self.stopped_ns if self.stopped_ns >= 0 else -1

    @property
    def parts(self) -> tuple[tuple[str, int, int], ...]:
        """Name, begin and end of each part, one following the other; nothing is detected for a planned move."""
        stopped = self.stopped_ns if self.stopped_ns >= 0 else self.detected_ns
        detected, fenced = (stopped, stopped) if self.planned else (self.detected_ns, self.fenced_ns)
        instants = pairwise((stopped, detected, fenced, self.image_complete_ns, self.running_ns))
        return tuple((name, *stretch) for name, stretch in zip(PARTS, instants, strict=True))


@dataclass(frozen=True, slots=True)
class Exposure:
    """A time in which no second host could take over, nanoseconds."""

    began_ns: int
    ended_ns: int

    @property
    def duration_ns(self) -> int:
        """How long it was."""
        return self.ended_ns - self.began_ns


def moves(events: Sequence[Event]) -> Iterator[Move]:
    """Yield the moves that came to their end, from all events of a run."""
    instants: dict[str, int] = {}
    host = "primary"
    for event in events:
        instants.setdefault(event.kind, event.time_ns)
        if event.kind in ("takeover", "returned"):
            yield _move(host, event, instants)
            host = event.host
        if event.kind in ("takeover", "returned", "alone", "protected"):
            instants.clear()


def _move(origin: str, arrival: Event, instants: dict[str, int]) -> Move:
    planned = arrival.kind == "returned" or "switchover" in instants
    detected = instants.get("detect", -1)
    stopped = instants.get("failback", instants.get("switchover", -1)) if planned else instants.get("failure", -1)
    return Move(
        origin=origin,
        destination=arrival.host,
        planned=planned,
        stopped_ns=stopped if planned or stopped <= detected else -1,
        detected_ns=detected,
        fenced_ns=instants.get("fence", -1),
        image_complete_ns=instants.get("image-complete", -1),
        running_ns=arrival.time_ns,
    )


def synchronisations(events: Sequence[Event], end_ns: int) -> Iterator[tuple[str, int, int]]:
    """Yield (host, from, to) of each time in which a host was copied to, in nanoseconds, also where that failed."""
    copied: Event | None = None
    for event in events:
        if event.kind == "synchronise":
            copied = event
        elif copied and event.kind in ("protected", "synchronisation-failed", "down"):
            yield copied.host, copied.time_ns, event.time_ns
            copied = None
    if copied:
        yield copied.host, copied.time_ns, end_ns


def exposures(events: Sequence[Event], pairs: Sequence[Tenure], end_ns: int) -> Iterator[Exposure]:
    """Yield the times without a second host: from the failure of either host of a pair until the next pair."""
    beginnings = [pair.begun_ns for pair in pairs[1:]] + [end_ns]
    for pair, next_ns in zip(pairs, beginnings, strict=True):
        began_ns = _failure_ns(events, pair, next_ns)
        if began_ns is not None:
            yield Exposure(began_ns, next_ns)


def _failure_ns(events: Sequence[Event], pair: Tenure, next_ns: int) -> int | None:
    """Return when the first host of a pair failed that then went down before there was another pair."""
    names = {pair.primary, pair.secondary}
    struck: dict[str, int] = {}
    for event in events:
        if not pair.begun_ns <= event.time_ns <= next_ns or event.host not in names:
            continue
        if event.kind in ("failure", "fault") and event.detail in FATAL:
            struck.setdefault(event.host, event.time_ns)
        elif event.kind == "passed":
            struck.pop(event.host, None)
        elif event.kind in ("down", "standby-down"):
            return struck.get(event.host, event.time_ns)
    return None
