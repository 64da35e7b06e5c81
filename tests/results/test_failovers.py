"""Moves and exposures, read from what happened."""

import pytest

from results.told import event
from vmfailover.records.events import Event
from vmfailover.results.failovers import Tenure, exposures, first_move, moves


def events(*happened: tuple[int, str, str]) -> list[Event]:
    return [event(*each) for each in happened]


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
    paired = ((50, "synchronise", "primary"), (60, "protected", "primary"))
    back = (*paired, (70, "failback", "secondary"), (75, "returned", "primary"))
    again = ((90, "failure", "primary"), (99, "detect", "secondary"), (101, "takeover", "secondary"))
    _, second, third = moves(events(*FAILOVER, *back, *again))
    assert (second.origin, second.destination, second.planned, second.latency_ns) == ("secondary", "primary", True, 5)
    assert (third.origin, third.stopped_ns, third.fenced_ns, third.latency_ns) == ("primary", 90, -1, 11)


def test_a_failback_that_a_failure_cuts_short_is_a_failover() -> None:
    back = ((60, "protected", "primary"), (70, "failback", "secondary"), (71, "failure", "secondary"))
    _, second = moves(events(*FAILOVER, *back, (80, "detect", "primary"), (85, "takeover", "primary")))
    assert (second.planned, second.stopped_ns) == (False, 71)


HANG = (
    event(3, "failure", "primary", "hypervisor-hang"),
    event(5, "passed", "primary", "hypervisor-hang"),
)
GIVEN_UP = event(4, "detect", "secondary", "primary")


def test_a_failure_that_passes_before_the_verdict_leads_to_no_takeover() -> None:
    assert next(moves((*HANG, *events(*FAILOVER)))).stopped_ns == 10
    assert next(moves((*HANG, *events(*FAILOVER[1:])))).stopped_ns == -1
    (late,) = moves((HANG[0], *events((4, "detect", "secondary")), HANG[1], *events(*FAILOVER[2:])))
    assert (late.stopped_ns, late.latency_ns) == (3, 37)


def test_a_takeover_follows_from_a_failure_that_stands_when_another_has_passed() -> None:
    crash = (event(4, "failure", "primary", "host-crash"), event(4, "down", "primary"))
    (move,) = moves((HANG[0], *crash, HANG[1], *events(*FAILOVER[1:])))
    assert (move.stopped_ns, move.latency_ns) == (3, 37)


def test_a_takeover_that_was_refused_is_no_part_of_a_later_one() -> None:
    refused = ((1, "detect", "secondary"), (2, "fencing-failed", "secondary"), (3, "alone", "primary"))
    move = first_move(events(*refused, (8, "protected", "spare-1"), *FAILOVER))
    assert (move.stopped_ns, move.detected_ns, move.latency_ns) == (10, 30, 30)


def test_the_other_host_may_take_over_though_the_first_goes_on_alone() -> None:
    (move,) = moves(events(*FAILOVER[1:3], (35, "alone", "primary"), *FAILOVER[3:]))
    assert (move.detected_ns, move.fenced_ns) == (30, 35)


@pytest.mark.parametrize("length", range(len(FAILOVER)))
def test_what_a_run_ended_in_has_the_instants_that_came(length: int) -> None:
    move = first_move(events(*FAILOVER[:length]))
    instants = (move.stopped_ns, move.detected_ns, move.fenced_ns, move.image_complete_ns, move.running_ns)
    assert instants == tuple(time_ns for time_ns, _, _ in FAILOVER[:length]) + (-1,) * (5 - length)
    assert list(moves(events(*FAILOVER[:length]))) == []


@pytest.mark.parametrize(
    ("happened", "exposed_ns"),
    [
        ([], 0),
        ([*HANG], 0),
        ([HANG[0]], 97),
        ([HANG[0], event(4, "takeover", "secondary"), HANG[1]], 97),
        ([HANG[0], GIVEN_UP, HANG[1], event(6, "down", "primary")], 97),
        ([HANG[0], GIVEN_UP, HANG[1], event(6, "fencing-failed", "secondary")], 0),
        ([HANG[0], HANG[1], event(6, "down", "primary")], 94),
        ([event(9, "alone", "primary"), event(11, "takeover", "secondary")], 91),
        ([event(9, "standby-down", "secondary")], 91),
        ([event(7, "fault", "secondary", "host-crash"), event(7, "standby-down", "secondary")], 93),
        ([event(7, "fault", "both", "link-cut"), event(8, "down", "spare-1")], 0),
    ],
)
def test_a_vm_is_exposed_from_when_its_pair_of_hosts_is_one_no_more(happened: list[Event], exposed_ns: int) -> None:
    found = exposures(happened, [Tenure("primary", "secondary", 0)], 100)
    assert sum(exposure.duration_ns for exposure in found) == exposed_ns
