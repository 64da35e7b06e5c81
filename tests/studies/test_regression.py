"""The gate: what it lets pass, and what it does not."""

from functools import cache
from typing import Any

import pytest
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.failover.detection.heartbeat import HeartbeatDetector
from vmfailover.scenario import Scenario
from vmfailover.studies.baseline import Entry
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.regression import GATED, Check, Checked, Limit, check
from vmfailover.studies.replication import replicate

SCENARIO = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
N = 3


@cache
def baseline() -> dict[str, Entry]:
    found = replicate(SCENARIO, N, executor=InThisProcess())
    return {SCENARIO.name: Entry.of(found, GATED)}


def checked(scenario: Scenario = SCENARIO, **options: Any) -> Checked:
    return gate(scenario, **options).checked[0]


def gate(scenario: Scenario = SCENARIO, **options: Any) -> Check:
    return check([scenario], baseline(), **{"replications": N, "executor": InThisProcess(), **options})


def slow_down(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Let the detector wait longer than the scenario says."""

    def patience_ns(detector: HeartbeatDetector) -> int:
        return round(detector.spec.timeout * factor)

    monkeypatch.setattr(HeartbeatDetector, "patience_ns", property(patience_ns))


def test_an_unchanged_program_passes() -> None:
    for _ in range(3):
        found = checked()
        assert found.passed
        assert found.changes == ()
        assert (found.known, found.scenario_changed) == (True, False)


@pytest.mark.slow
def test_an_unchanged_program_passes_a_hundred_times() -> None:
    assert all(checked().passed for _ in range(100))


def test_a_detector_that_is_ten_percent_slower_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_down(monkeypatch, 1.1)
    found = gate()
    assert not found.passed
    (only,) = found.checked
    change = next(change for change in only.regressions if change.metric == "failover.latency_ns")
    before = sum(baseline()[SCENARIO.name].numbers(change.metric)) / N
    assert change.before == before
    assert change.now == pytest.approx(before + 0.1 * SCENARIO.detection.timeout, abs=2)
    assert change.component == "detection"
    assert only.name == SCENARIO.name


def test_a_faster_detector_makes_the_baseline_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_down(monkeypatch, 0.8)
    found = checked()
    assert found.passed
    assert "failover.detection_ns" in {change.metric for change in found.improvements}


def test_a_change_within_the_limit_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_down(monkeypatch, 1.02)
    assert checked().passed
    assert not checked(limits=[Limit("p99", 0.005)]).passed


def test_a_changed_scenario_is_told_and_gated_all_the_same() -> None:
    found = checked(SCENARIO.with_(**{"detection.timeout": "1800 us"}))
    assert found.scenario_changed
    assert "failover.latency_ns" in {change.metric for change in found.regressions}


def test_other_seeds_are_compared_by_their_intervals() -> None:
    assert checked(SCENARIO.with_(seed=99)).passed
    slower = SCENARIO.with_(seed=99, **{"detection.timeout": "6 ms", "duration": "14 ms"})
    assert "failover.detection_ns" in {change.metric for change in checked(slower).regressions}


def test_a_failover_that_no_longer_happens_is_a_regression() -> None:
    found = checked(SCENARIO.with_(failures=[]))
    change = next(change for change in found.regressions if change.metric == "failover.latency_ns")
    assert change.now is None


@pytest.mark.parametrize(
    ("expected", "met"),
    [
        ({"failover.latency": "p99 < 60 ms"}, True),
        ({"failover.latency": "p99 < 1 us"}, False),
        ({"failover.count": "== 1"}, True),
        ({"failover.count": "== 0"}, False),
        ({"guest.slowdown": "mean <= 90 %", "image.consistent": "== true"}, True),
        ({"failback.latency": "< 1 s"}, False),
    ],
)
def test_what_a_scenario_expects(expected: dict[str, str], met: bool) -> None:
    found = checked(SCENARIO.with_(expect=expected))
    assert found.passed == met
    assert len(found.unmet) == (0 if met else 1)


def test_a_scenario_that_the_baseline_does_not_have_is_not_gated() -> None:
    found = check([SCENARIO], {}, replications=1, executor=InThisProcess()).checked[0]
    assert found.passed
    assert not found.known


@pytest.mark.parametrize("text", ["p99", "p99:x%", "p101:5%", "mean:5", "worst:5%", ":5%", "p99:-5%"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--fail-on"):
        Limit.parse(text)


def test_limits() -> None:
    assert Limit.parse("p99.9: 2.5 %") == Limit("p99.9", 0.025)
