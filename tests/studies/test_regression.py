"""The gate: what it lets pass, and what it does not."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any
from unittest import mock

import pytest
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.failover.detection.heartbeat import HeartbeatDetector
from vmfailover.results.metric_values import Metrics
from vmfailover.scenario import Scenario
from vmfailover.studies.baseline import Entry
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.regression import DEFAULT_LIMITS, GATED, Check, Checked, Limit, check
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.runs import StudyRun

SCENARIO = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
N = 3


@cache
def baseline() -> dict[str, Entry]:
    found = replicate(SCENARIO, N, executor=InThisProcess())
    return {SCENARIO.name: Entry.of(found, GATED)}


@pytest.fixture(autouse=True, scope="module")
def baseline_of_the_program_as_it_is() -> None:
    """Make the baseline before any test changes the program, whichever test is the first."""
    baseline()


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


def test_fewer_replications_than_the_baseline_has_are_held_against_the_same_ones() -> None:
    found = checked(replications=1)
    assert found.passed
    assert found.changes == ()


def test_one_run_with_another_seed_is_not_told_from_chance() -> None:
    found = checked(SCENARIO.with_(seed=99), replications=1)
    assert found.passed
    assert found.changes == ()
    assert found.other_seeds


def replications(latencies: Sequence[float | None], error: str = "") -> Replications:
    """Replications with these latencies, and 1 for every other metric; the first of them fails if there is an error."""
    runs = []
    for number, latency in enumerate(latencies):
        values: Metrics = {**dict.fromkeys(GATED, 1.0), "failover.latency_ns": latency}
        failed = bool(error) and number == 0
        runs.append(StudyRun("", number, 7 + number, {} if failed else values, error=error if failed else ""))
    return Replications(SCENARIO, tuple(runs), "")


def held_against(before: Sequence[float | None], now: Replications, *limits: Limit) -> Checked:
    entry = Entry.of(replications(before), GATED)
    with mock.patch("vmfailover.studies.regression.replicate", return_value=now):
        return check([SCENARIO], {SCENARIO.name: entry}, limits=limits or DEFAULT_LIMITS).checked[0]


def test_a_failover_that_no_longer_happens_in_one_replication_is_a_regression() -> None:
    found = held_against([100.0] * 10, replications([100.0] * 9 + [None]))
    assert [(change.metric, change.now, change.lost) for change in found.regressions] == [
        ("failover.latency_ns", None, 1)
    ]


def test_a_failed_run_is_told_once_and_not_as_lost_metrics() -> None:
    found = held_against([100.0] * 3, replications([100.0] * 3, error="OSError: no"))
    assert found.faults == ("seed 7: OSError: no",)
    assert found.changes == ()
    assert not found.passed


def test_a_limit_that_is_exceeded_counts_though_another_statistic_is_better() -> None:
    now = replications([80.0] * 19 + [150.0])
    (change,) = held_against([100.0] * 20, now, Limit("mean", 0.05), Limit("p99", 0.05)).regressions
    assert (change.statistic, change.before, change.now) == ("p99", 100.0, 150.0)


def test_a_change_beyond_the_limit_but_within_chance_passes() -> None:
    assert held_against([100.0, 100.0, 100.0], replications([160.0, 70.0, 100.0])).changes == ()


def test_metrics_that_a_baseline_does_not_tell_of_are_named() -> None:
    entry = Entry.of(replications([100.0]), GATED[1:])
    with mock.patch("vmfailover.studies.regression.replicate", return_value=replications([500.0])):
        found = check([SCENARIO], {SCENARIO.name: entry}).checked[0]
    assert found.ungated == ("failover.latency_ns",)


def test_json_tells_a_regression_from_an_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_down(monkeypatch, 1.1)
    (document,) = json.loads(gate().to_json())["scenarios"]
    (change,) = [each for each in document["changes"] if each["metric"] == "failover.latency_ns"]
    assert change["worse"] is True
    assert change["relative"] == pytest.approx((change["now"] - change["before"]) / change["before"])


def test_json_of_a_lost_metric_has_no_infinity() -> None:
    found = gate(SCENARIO.with_(failures=[])).to_dict()["scenarios"][0]
    assert {change["relative"] for change in found["changes"] if change["now"] is None} == {None}


def test_a_scenario_that_the_baseline_does_not_have_is_not_gated() -> None:
    found = check([SCENARIO], {}, replications=1, executor=InThisProcess()).checked[0]
    assert found.passed
    assert found.known is False


def test_without_a_baseline_nothing_is_said_of_one() -> None:
    assert check([SCENARIO], replications=1, executor=InThisProcess()).checked[0].known is None


@pytest.mark.parametrize("text", ["p99", "p99:x%", "p101:5%", "mean:5", "worst:5%", ":5%", "p99:-5%", "p٩٩:5%"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--fail-on"):
        Limit.parse(text)


def test_limits() -> None:
    assert Limit.parse("p99.9: 2.5 %") == Limit("p99.9", 0.025)
