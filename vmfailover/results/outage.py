"""The first time in a run in which clients were without the VM, or would have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vmfailover.guest.clients import Response
from vmfailover.records.events import Event
from vmfailover.results.standing_faults import StandingFaults, without_late_recoveries

#: Events that end the service of the VM where it ran.
_BEGINNINGS = ("failure", "switchover", "down")
#: Events after which the VM serves again: on the other host, or on its own without one.
_ENDS = ("takeover", "alone")


@dataclass(frozen=True, slots=True)
class Outage:
    """From the failure of a host, or the stop of an evacuation, until the VM serves again; nanoseconds."""

    began_ns: int
    #: None if the VM did not serve again before the end of the run.
    ended_ns: int | None


def first_outage(events: Sequence[Event]) -> Outage | None:
    """Return the first outage; the loss of the other host is one too, since answers wait for it.

    If that host cannot be fenced, they wait until it is back.
    """
    cause = _cause(events)
    return Outage(cause.time_ns, _ended_ns(events, cause)) if cause else None


def _cause(events: Sequence[Event]) -> Event | None:
    own = next((each for each in events if each.kind in _BEGINNINGS), None)
    loss = next((each for each in events if each.kind == "detect-loss"), None)
    if loss is None or (own is not None and own.time_ns <= loss.time_ns):
        return own
    cause = _cause_of_loss(events, loss)
    waits = cause is not loss and any(each.kind == "fencing-failed" and each.host == loss.host for each in events)
    return cause if waits or any(each.kind == "alone" for each in events) else own


def _cause_of_loss(events: Sequence[Event], loss: Event) -> Event:
    """Return that for which the other host was given up; of a false alarm, the alarm."""
    causes = (
        each
        for each in events
        if each.time_ns <= loss.time_ns
        and (each.kind == "standby-down" or (each.kind == "fault" and _reaches(each, loss.detail)))
    )
    return next(causes, loss)


def _reaches(fault: Event, host: str) -> bool:
    """Whether a fault is of a host, or of the link."""
    return fault.host == host or fault.detail.startswith("link")


def _ended_ns(events: Sequence[Event], cause: Event) -> int | None:
    """Return when the VM served again, None if it did not; what passes ends the outage, unless it passes too late."""
    standing = StandingFaults()
    for event in without_late_recoveries(events):
        standing.note(event)
        passed = event.kind == "passed" and (event.host, event.detail) == (cause.host, cause.detail)
        over = event.kind in _ENDS or (passed and not standing.stands(event.host, event.detail))
        if over and event.time_ns >= cause.time_ns:
            return event.time_ns
    return None


def blackout(responses: Sequence[Response], outage: Outage | None, end_ns: int) -> tuple[int, int] | None:
    """Return the longest time (from, to) without a response that has part of an outage in it; None without an outage.

    `responses` are in order of arrival. It begins with the run if no response came before, and ends with it at
    `end_ns` if none came after.
    """
    if outage is None:
        return None
    until_ns = end_ns if outage.ended_ns is None else outage.ended_ns
    times = [0, *(response.received_ns for response in responses), end_ns]
    gaps = [(start, end) for start, end in pairwise(times) if end > outage.began_ns and start < until_ns]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)
