"""In which stage a failover is, as it is told by events."""

import pytest
import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.records.events import Kind
from vmfailover.results.stage import StageWatch

HANG, CRASH = "hypervisor-hang", "host-crash"


def stage_after(*told: tuple[str, str, str]) -> str | None:
    """Return the stage once events have happened, each given by its kind, host and detail."""
    env = simpy.Environment()
    event_log = EventLog(env)
    watch = StageWatch(env)
    event_log.watch(watch.event)
    for kind, host, detail in told:
        event_log.record(Kind(kind), host, detail=detail)
    return watch.stage.name if watch.stage else None


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        ([("failure", "primary", HANG)], "detection"),
        ([("failure", "primary", HANG), ("passed", "primary", HANG)], None),
        ([("failure", "primary", HANG), ("passed", "both", "link-slow")], "detection"),
        ([("fault", "secondary", HANG), ("failure", "primary", HANG), ("passed", "secondary", HANG)], "detection"),
        ([*[("failure", "primary", HANG)] * 2, ("passed", "primary", HANG)], "detection"),
        ([*[("failure", "primary", HANG)] * 2, *[("passed", "primary", HANG)] * 2], None),
        ([("failure", "primary", HANG), ("detect", "secondary", "primary"), ("passed", "primary", HANG)], "fencing"),
        ([("failure", "primary", HANG), ("detect", "secondary", "primary"), ("failure", "primary", CRASH)], "fencing"),
        ([("failback", "secondary", ""), ("failure", "secondary", CRASH)], "detection"),
    ],
)
def test_a_failover_is_under_way_as_long_as_a_failure_stands(
    told: list[tuple[str, str, str]], stage: str | None
) -> None:
    assert stage_after(*told) == stage


def test_a_host_that_was_given_up_in_vain_fails_anew_only_once_it_is_protected_again() -> None:
    refused = [("detect", "secondary", "primary"), ("fencing-failed", "secondary", "primary")]
    failure = ("failure", "primary", CRASH)
    assert stage_after(*refused, failure) is None
    assert stage_after(*refused, ("protected", "secondary", "primary"), failure) == "detection"
