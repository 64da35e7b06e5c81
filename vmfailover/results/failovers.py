"""Every move of the VM from one host to another, and every time without a second host, in the order of a run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vmfailover.records.events import Event
from vmfailover.records.roles import Role
from vmfailover.results.standing_faults import StandingFaults, without_late_recoveries

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


#: Kinds of events of moves that name an epoch.
_WITH_EPOCH = ("takeover", "image-complete")


def moves(events: Sequence[Event]) -> Iterator[Move]:
    """Yield the moves that came to their end, from all events of a run."""
    return (move for move in _begun_moves(events) if move.running_ns >= 0)


def first_move(events: Sequence[Event]) -> Move:
    """Return the first move, as far as it came by the end of the run; without one nothing has an instant."""
    return next(_begun_moves(events))


def _begun_moves(events: Sequence[Event]) -> Iterator[Move]:
    """Yield the moves, and at last what the run ended in; what fails after the verdict does not lead to a move."""
    standing = StandingFaults()
    seen: dict[str, int] = {}
    failed_ns: int | None = None
    host = Role.PRIMARY.value
    for event in events:
        if event.epoch >= 0 and event.kind not in _WITH_EPOCH:
            continue
        standing.note(event)
        seen.setdefault(event.kind, event.time_ns)
        if "detect" not in seen:
            failed_ns = standing.failed_ns(host)
        if event.kind in ("takeover", "returned"):
            yield _move(host, event, seen, failed_ns)
            host = event.host
        if event.kind in ("takeover", "returned", "protected"):
            seen.clear()
    yield _move(host, None, seen, failed_ns)


def _move(origin: str, arrival: Event | None, seen: dict[str, int], failed_ns: int | None) -> Move:
    returned = arrival is not None and arrival.kind == "returned"
    planned = returned or "switchover" in seen
    stopped_ns = seen.get("failback" if returned else "switchover") if planned else failed_ns
    return Move(
        origin=origin,
        destination=arrival.host if arrival else "",
        planned=planned,
        stopped_ns=-1 if stopped_ns is None else stopped_ns,
        detected_ns=seen.get("detect", -1),
        fenced_ns=seen.get("fence", -1),
        image_complete_ns=seen.get("image-complete", -1),
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
    told = list(without_late_recoveries(events))
    beginnings = [pair.begun_ns for pair in pairs[1:]] + [end_ns]
    for pair, next_ns in zip(pairs, beginnings, strict=True):
        began_ns = _parted_ns(told, pair, next_ns)
        if began_ns is not None:
            yield Exposure(began_ns, next_ns)


def _parted_ns(events: Iterable[Event], pair: Tenure, next_ns: int) -> int | None:
    """Return when a pair was one no more, None if it lasted; a fault that passes before that counts for nothing."""
    standing = StandingFaults()
    parted_ns: int | None = None
    for event in events:
        if pair.begun_ns <= event.time_ns <= next_ns and event.host in (pair.primary, pair.secondary):
            standing.note(event)
            if event.kind in _PARTED:
                parted_ns = event.time_ns
                break
    failed = (standing.failed_ns(host) for host in (pair.primary, pair.secondary))
    return min((time_ns for time_ns in failed if time_ns is not None), default=parted_ns)
