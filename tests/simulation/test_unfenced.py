"""Hosts that are given up and cannot be fenced: nobody goes on without them, and the run says so."""

from typing import Any

import pytest
from runs_for_tests import happened
from scenarios_for_tests import small

from vmfailover.results.outcome import headline
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

CRASH, HANG, CUT = ({"at": "4 ms", "kind": kind} for kind in ("host-crash", "hypervisor-hang", "link-cut"))
UNFENCED = "could not be fenced: the VM does not go on without it"


def unfenced(*failures: dict[str, Any], **overrides: Any) -> RunResult:
    """Run a scenario in which every order to fence fails."""
    fencing = {"kind": "stonith", "delay": "300 us", "failure_probability": "100 %", "attempts": 2}
    return run(small(failures=list(failures), fencing=fencing, **overrides))


def told(found: RunResult) -> list[str]:
    """Return the remarks on a host that could not be fenced."""
    return [remark for remark in found.remarks if "fenced" in remark]


def test_a_vm_that_waits_for_a_secondary_that_cannot_be_fenced() -> None:
    found = unfenced({**CRASH, "target": "secondary"}, extend="until-takeover")
    (failed,) = happened(found, "fencing-failed")
    assert (failed.host, failed.detail) == ("primary", "secondary")
    assert headline(found) == (
        "The secondary was given up and could not be fenced; the VM did not go on without it. Every invariant holds."
    )
    assert told(found) == [f"the secondary was given up and {UNFENCED}"]
    assert found.end_ns == found.scenario.duration
    blackout_ns = found.values["client.blackout_ns"]
    assert blackout_ns is not None
    assert blackout_ns > 7_000_000


def test_a_secondary_that_comes_back_ends_the_outage() -> None:
    found = unfenced({**HANG, "target": "secondary", "lasts": "4 ms"})
    assert happened(found, "fencing-failed")
    assert happened(found, "alone") == []
    blackout_ns = found.values["client.blackout_ns"]
    assert blackout_ns is not None
    assert 3_500_000 < blackout_ns < 5_500_000
    assert found.values["client.after.requests"]


@pytest.mark.parametrize("target", ["primary", "active"])
def test_a_primary_that_cannot_be_fenced(target: str) -> None:
    found = unfenced({**CRASH, "target": target})
    (failed,) = happened(found, "fencing-failed")
    assert (failed.host, failed.detail) == ("secondary", "primary")
    assert "; as it could not be fenced, the secondary did not take over." in headline(found)
    assert told(found) == []


def test_two_hosts_that_cannot_fence_each_other() -> None:
    found = unfenced(CUT)
    assert {event.detail for event in happened(found, "fencing-failed")} == {"primary", "secondary"}
    assert headline(found).startswith("Neither host could fence the other: ")
    assert told(found) == [f"the secondary was given up and {UNFENCED}"]


def test_what_happens_after_a_secondary_could_not_be_fenced_is_told_as_without_that() -> None:
    found = unfenced({**CUT, "target": "backward", "lasts": "4 ms"}, {**CRASH, "at": "9 ms"})
    assert [event.host for event in happened(found, "fencing-failed")] == ["primary", "secondary"]
    assert "; as it could not be fenced, the secondary did not take over." in headline(found)
    assert told(found) == []


def test_an_order_of_the_host_with_the_vm_does_not_end_a_failover() -> None:
    """Both give each other up: the secondary fences in vain for longer, and is waited for until it stops."""
    found = run(
        small(
            failures=[CUT],
            fencing={
                "kind": "stonith",
                "delay": "300 us",
                "failure_probability": "100 %",
                "attempts": 2,
                "host_delay": {"secondary": "9 ms"},
            },
            extend="until-takeover",
        )
    )
    first, second = happened(found, "fencing-failed")
    assert (first.host, second.host) == ("primary", "secondary")
    assert found.end_ns == second.time_ns > found.scenario.duration
