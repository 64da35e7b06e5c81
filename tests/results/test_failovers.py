"""Moves and exposures, read from what happened."""

from vmfailover.journal import Event
from vmfailover.results.failovers import moves


def events(*happened: tuple[int, str, str]) -> list[Event]:
    return [Event(time_ns, kind, host) for time_ns, kind, host in happened]


FAILOVER = (
    (10, "failure", "primary"),
    (30, "detect", "secondary"),
    (35, "fence", "secondary"),
    (36, "image-complete", "secondary"),
    (40, "takeover", "secondary"),
)


def test_a_takeover_has_its_parts() -> None:
    (move,) = moves(events(*FAILOVER))
    assert (move.origin, move.destination, move.planned) == ("primary", "secondary", False)
    assert (move.stopped_ns, move.detected_ns, move.fenced_ns, move.image_complete_ns) == (10, 30, 35, 36)
    assert move.latency_ns == 30


def test_a_false_alarm_has_no_latency() -> None:
    (move,) = moves(events(*FAILOVER[1:]))
    assert move.stopped_ns == move.latency_ns == -1


def test_each_move_is_told_by_what_happened_since_the_last() -> None:
    back = ((60, "protected", "primary"), (70, "failback", "secondary"), (75, "returned", "primary"))
    again = ((90, "failure", "primary"), (99, "detect", "secondary"), (101, "takeover", "secondary"))
    _, second, third = moves(events(*FAILOVER, *back, *again))
    assert (second.origin, second.destination, second.planned, second.latency_ns) == ("secondary", "primary", True, 5)
    assert (third.origin, third.stopped_ns, third.fenced_ns, third.latency_ns) == ("primary", 90, -1, 11)


def test_a_failback_that_a_failure_cuts_short_is_a_failover() -> None:
    back = ((60, "protected", "primary"), (70, "failback", "secondary"), (71, "failure", "secondary"))
    _, second = moves(events(*FAILOVER, *back, (80, "detect", "primary"), (85, "takeover", "primary")))
    assert (second.planned, second.stopped_ns) == (False, 71)
