"""How long a run lasts: as long as it says, or until the takeover that is under way then."""

from typing import Any

import pytest
from runs_for_tests import happened
from scenarios_for_tests import small

from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

COLD: dict[str, Any] = {"replication.restart.boot": "40 ms"}
STAGES = {"6500 us": "detection", "7700 us": "fencing", "7950 us": "activation"}


def cold(**overrides: object) -> RunResult:
    return run(small("cold-restart", **{**COLD, **overrides}))


def test_a_run_ends_when_it_says_whatever_is_under_way() -> None:
    found = cold()
    assert found.end_ns == found.scenario.duration
    assert happened(found, "takeover") == []
    assert max(request.sent_ns for request in found.requests) <= found.end_ns
    assert found.values["exposure.total_ns"] == found.end_ns - happened(found, "failure")[0].time_ns


def test_a_takeover_is_waited_for_to_its_very_instant() -> None:
    found = cold(extend="until-takeover")
    (takeover,) = happened(found, "takeover")
    assert found.end_ns == takeover.time_ns > found.scenario.duration
    assert found.values["failover.activation_ns"] == 40_000_000 + found.scenario.hypervisor.redirect
    assert not found.interrupted


def test_another_fault_that_passes_does_not_end_the_waiting() -> None:
    crash = {"at": "6300 us", "kind": "host-crash", "target": "primary"}
    slow = {"at": "6400 us", "kind": "link-slow", "factor": 2.0, "target": "both", "lasts": "300 us"}
    found = run(small(duration="7 ms", extend="until-takeover", failures=[crash, slow]))
    assert [event.time_ns for event in happened(found, "takeover")] == [found.end_ns]


HANG: dict[str, Any] = {"at": "6 ms", "kind": "hypervisor-hang", "target": "primary", "lasts": "1500 us"}
CRASH: dict[str, Any] = {"at": "6300 us", "kind": "host-crash", "target": "primary"}


def test_a_further_failure_of_a_host_that_was_given_up_is_part_of_the_same_failover() -> None:
    failures = [{**HANG, "lasts": "3 ms"}, {**CRASH, "at": "7100 us"}]
    found = run(small(duration="7200 us", failures=failures))
    assert happened(found, "detect")[0].time_ns < 7_100_000
    assert found.remarks[-1].startswith("the run ended in the fencing of a failover")


def test_what_is_over_by_the_end_is_not_waited_for() -> None:
    found = run(small(extend="until-takeover"))
    assert found.end_ns == found.scenario.duration
    assert {name: value for name, value in found.values.items() if not name.startswith("run.")} == {
        name: value for name, value in run(small()).values.items() if not name.startswith("run.")
    }


@pytest.mark.parametrize(
    "overrides",
    [
        {"fencing.failure_probability": "100 %"},
        {"failures": []},
        {"failures": [{"at": "6300 us", "kind": "host-crash", "target": name} for name in ("primary", "secondary")]},
    ],
)
def test_what_never_comes_is_not_waited_for(overrides: dict[str, object]) -> None:
    found = cold(extend="until-takeover", duration="30 ms", **overrides)
    assert found.end_ns == found.scenario.duration
    assert happened(found, "takeover") == []


#: How far a number written with three digits may be from what it is.
THREE_DIGITS = 0.005


def test_votes_elections_and_promotions_are_part_of_what_a_failover_needs() -> None:
    steps = {step: {"mean": "2 ms"} for step in ("election", "promotion")}
    quorum = {"kind": "witness", "vote": "3 ms"}
    (first, *_), (longer, *_) = (
        [
            ns_of(remark.split("at least ")[1].split(" more")[0])
            for remark in run(scenario).remarks
            if "at least" in remark
        ]
        for scenario in (small(duration="6500 us"), small(duration="6500 us", failover=steps, quorum=quorum))
    )
    assert longer == pytest.approx(first + 7_000_000, rel=THREE_DIGITS)


@pytest.mark.parametrize(("duration", "stage"), STAGES.items())
def test_a_run_says_in_which_stage_a_failover_was_and_how_much_it_needs_at_least(duration: str, stage: str) -> None:
    found = run(small(duration=duration))
    whole = run(small(extend="until-takeover", duration=duration))
    assert found.remarks[-1].startswith(f"the run ended in the {stage} of a failover, which needs at least ")
    assert "'extend: until-takeover' waits for it" in found.remarks[-1]
    said = found.remarks[-1].split("at least ")[1].split(" more")[0]
    remaining_ns = whole.end_ns - found.end_ns
    assert 0 < ns_of(said) <= remaining_ns * (1 + THREE_DIGITS)
    assert len(said) <= len("99.9 ms")
    if stage != "detection":
        assert ns_of(said) == pytest.approx(remaining_ns, rel=THREE_DIGITS)


def ns_of(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]


def test_a_failure_that_no_host_is_left_to_notice_is_not_waited_for() -> None:
    failures = [{"at": f"{at} us", "kind": "host-crash", "target": "active"} for at in (6300, 11000)]
    found = run(small(failures=failures, extend="until-takeover"))
    assert [event.kind for event in happened(found, "takeover")] == ["takeover"]
    assert len(happened(found, "down")) == 2
    assert found.end_ns == found.scenario.duration
    assert not any("failover" in remark for remark in found.remarks)
