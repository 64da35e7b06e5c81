"""Every move of the VM from one host to another, and every time without a second host, in the order of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vmfailover.records.events import Event
from vmfailover.scenario.failover import is_fatal

#: The parts of a move, in order.
PARTS = ("detection", "fencing", "apply", "activation")
#: Events with which a pair of hosts is one no more.
_PARTED = ("down", "standby-down", "alone", "takeover")


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
    def began_ns(self) -> int:
        """When the host with the VM failed, or was stopped as planned; of a false alarm, when that was raised."""
        return self.stopped_ns if self.stopped_ns >= 0 else self.detected_ns

    @property
    def parts(self) -> tuple[tuple[str, int, int], ...]:
        """Name, begin and end of each part, one following the other; nothing is detected for a planned move."""
        began = self.began_ns
        detected, fenced = (began, began) if self.planned else (self.detected_ns, self.fenced_ns)
        instants = pairwise((began, detected, fenced, self.image_complete_ns, self.running_ns))
        return tuple((name, *stretch) for name, stretch in zip(PARTS, instants, strict=True))


@dataclass(frozen=True, slots=True)
class Tenure:
    """A pair of hosts, from the instant at which the second protected the VM of the first."""

    primary: str
    secondary: str
    begun_ns: int


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
    return (move for move in _begun_moves(events) if move.running_ns >= 0)


def first_move(events: Sequence[Event]) -> Move:
    """Return the first move, as far as it came by the end of the run; without one nothing has an instant."""
    return next(_begun_moves(events))


def _begun_moves(events: Sequence[Event]) -> Iterator[Move]:
    """Yield the moves, and at last what the run ended in."""
    seen: dict[str, Event] = {}
    host = "primary"
    for event in events:
        _note(event, seen)
        if event.kind in ("takeover", "returned"):
            yield _move(host, event, seen)
            host = event.host
        if event.kind in ("takeover", "returned", "protected"):
            seen.clear()
    yield _move(host, None, seen)


def _note(event: Event, seen: dict[str, Event]) -> None:
    """Remember the first event of each kind; a failure that passes before the verdict, or comes after, is none."""
    if event.kind in ("failure", "passed") and "detect" in seen:
        return
    failure = seen.get("failure")
    if event.kind == "passed" and failure and (failure.host, failure.detail) == (event.host, event.detail):
        del seen["failure"]
    seen.setdefault(event.kind, event)


def _move(origin: str, arrival: Event | None, seen: dict[str, Event]) -> Move:
    def instant(kind: str) -> int:
        return seen[kind].time_ns if kind in seen else -1

    returned = arrival is not None and arrival.kind == "returned"
    planned = returned or "switchover" in seen
    return Move(
        origin=origin,
        destination=arrival.host if arrival else "",
        planned=planned,
        stopped_ns=instant(("failback" if returned else "switchover") if planned else "failure"),
        detected_ns=instant("detect"),
        fenced_ns=instant("fence"),
        image_complete_ns=instant("image-complete"),
        running_ns=arrival.time_ns if arrival else -1,
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
    """Yield the times without a second host: from the failure of either host of a pair until the next pair.

    Where none failed, it is from when the one was given up: it was silenced, or the VM went on alone or elsewhere.
    """
    beginnings = [pair.begun_ns for pair in pairs[1:]] + [end_ns]
    for pair, next_ns in zip(pairs, beginnings, strict=True):
        began_ns = _parted_ns(events, pair, next_ns)
        if began_ns is not None:
            yield Exposure(began_ns, next_ns)


def _parted_ns(events: Sequence[Event], pair: Tenure, next_ns: int) -> int | None:
    """Return when a pair was one no more, None if it lasted; a fault that passes before that counts for nothing."""
    names = {pair.primary, pair.secondary}
    struck: dict[tuple[str, str], int] = {}
    for event in events:
        if not pair.begun_ns <= event.time_ns <= next_ns or event.host not in names:
            continue
        if event.kind in ("failure", "fault") and is_fatal(event.detail):
            struck.setdefault((event.host, event.detail), event.time_ns)
        elif event.kind == "passed":
            struck.pop((event.host, event.detail), None)
        elif event.kind in _PARTED:
            return min(struck.values(), default=event.time_ns)
    return min(struck.values(), default=None)
