"""Faults that stand, and recoveries that come too late."""

import pytest

from results.told import event
from vmfailover.records.events import Event
from vmfailover.results.standing_faults import StandingFaults, without_late_recoveries

HANG, CRASH = "hypervisor-hang", "host-crash"
#: An event by its time, kind, host and detail.
Told = tuple[int, str, str, str]


def events(*told: Told) -> list[Event]:
    return [event(*each) for each in told]


def after(*told: Told) -> StandingFaults:
    standing = StandingFaults()
    for each in events(*told):
        standing.note(each)
    return standing


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ((), None),
        (((2, "failure", "a", HANG),), 2),
        (((2, "fault", "a", HANG),), 2),
        (((2, "fault", "a", "slow-host"),), None),
        (((2, "failure", "b", HANG),), None),
        (((2, "failure", "a", HANG), (3, "passed", "a", HANG)), None),
        (((2, "failure", "a", HANG), (3, "passed", "a", "slow-host")), 2),
        (((2, "failure", "a", HANG), (3, "passed", "b", HANG)), 2),
        (((2, "failure", "a", HANG), (3, "failure", "a", HANG), (4, "passed", "a", HANG)), 2),
        (((2, "failure", "a", HANG), (3, "failure", "a", HANG), *[(4, "passed", "a", HANG)] * 2), None),
        (((2, "failure", "a", HANG), (3, "passed", "a", HANG), (4, "failure", "a", CRASH)), 4),
        (((2, "failure", "a", HANG), (3, "failure", "a", CRASH), (3, "down", "a", ""), (4, "passed", "a", HANG)), 2),
        (((2, "failure", "a", CRASH), (2, "down", "a", ""), (5, "repaired", "a", "")), 2),
        (((2, "failure", "a", CRASH), (2, "down", "a", ""), (6, "synchronise", "a", "b")), None),
    ],
)
def test_a_host_has_failed_since_the_first_fault_that_stands(told: tuple[Told, ...], since: int | None) -> None:
    assert after(*told).failed_ns("a") == since


def test_a_host_that_is_down_does_not_serve_until_it_is_put_into_service_again() -> None:
    silenced: tuple[Told, ...] = ((2, "standby-down", "a", ""), (3, "repaired", "a", ""))
    assert after().serves("a")
    assert not after(*silenced).serves("a")
    assert after(*silenced, (4, "synchronise", "a", "b")).serves("a")
    assert not after((2, "fault", "a", HANG)).serves("a")


def test_faults_of_the_link_stand_until_as_many_have_passed_as_have_struck() -> None:
    cut: tuple[Told, ...] = ((2, "fault", "both", "link-cut"), (3, "fault", "both", "link-cut"))
    passed: Told = (4, "passed", "both", "link-cut")
    assert after(*cut, passed).stands("both", "link-cut")
    assert not after(*cut, passed, passed).stands("both", "link-cut")
    assert not after(*cut).stands("both", "link-slow")


@pytest.mark.parametrize(
    ("later", "late"),
    [
        ((), False),
        (((8, "down", "a", ""),), True),
        (((8, "standby-down", "a", ""),), True),
        (((8, "down", "b", ""),), False),
        (((8, "fence", "b", ""),), True),
        (((8, "fence", "c", ""),), False),
        (((8, "fencing-failed", "b", ""), (9, "down", "a", "")), False),
        (((8, "fencing-failed", "a", ""), (9, "down", "a", "")), True),
    ],
)
def test_what_passes_is_too_late_for_a_host_that_was_given_up_and_is_silenced(
    later: tuple[Told, ...], late: bool
) -> None:
    before: tuple[Told, ...] = ((2, "failure", "a", HANG), (5, "detect", "b", "a"))
    passed: Told = (6, "passed", "a", HANG)
    told = events(*before, passed, *later)
    assert list(without_late_recoveries(told)) == (events(*before, *later) if late else told)


def test_it_is_not_too_late_before_a_verdict_or_after_fencing_has_failed() -> None:
    passed: Told = (6, "passed", "a", HANG)
    early = events((2, "failure", "a", HANG), passed, (7, "detect", "b", "a"), (8, "down", "a", ""))
    refused = events((2, "detect", "b", "a"), (3, "fencing-failed", "b", ""), passed, (8, "down", "a", ""))
    assert list(without_late_recoveries(early)) == early
    assert list(without_late_recoveries(refused)) == refused
