"""The gate: what it lets pass, and what it does not."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.records.metric_names import METRICS
from vmfailover.records.metric_values import Metrics
from vmfailover.report.check_lines import note_lines
from vmfailover.scenario import Scenario, load
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.baseline import Entry, read_baseline
from vmfailover.studies.baseline_comparison import BaselineComparison
from vmfailover.studies.changes import DEFAULT_LIMITS, GATED, Change, Limit, changes_beyond, every_change
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.regression import Check, Checked, Refused, check
from vmfailover.studies.renewal import Renewal, renewal
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.vanished import Vanished

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


def test_one_run_with_another_seed_proves_nothing_and_does_not_pass() -> None:
    found = checked(SCENARIO.with_(seed=99), replications=1)
    assert found.changes == ()
    assert found.incomparable
    assert not found.passed
    assert not checked(SCENARIO.with_(seed=99), replications=2).incomparable


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


def test_metrics_that_a_baseline_does_not_tell_of_fail() -> None:
    entry = Entry.of(replications([100.0]), GATED[1:])
    with mock.patch("vmfailover.studies.regression.replicate", return_value=replications([500.0])):
        found = check([SCENARIO], {SCENARIO.name: entry}).checked[0]
    assert found.untold == ("failover.latency_ns",)
    assert not found.passed


def test_json_tells_a_regression_from_an_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_down(monkeypatch, 1.1)
    (document,) = json.loads(gate().to_json())["scenarios"]
    (change,) = [each for each in document["changes"] if each["metric"] == "failover.latency_ns"]
    assert change["worse"] is True
    assert change["relative"] == pytest.approx((change["now"] - change["before"]) / change["before"])


def test_json_of_a_lost_metric_has_no_infinity() -> None:
    found = gate(SCENARIO.with_(failures=[])).to_dict()["scenarios"][0]
    assert {change["relative"] for change in found["changes"] if change["now"] is None} == {None}


def test_a_scenario_that_the_baseline_does_not_have_fails() -> None:
    found = check([SCENARIO], {}, replications=1, executor=InThisProcess()).checked[0]
    assert found.known is False
    assert not found.passed


def test_a_check_that_gates_nothing_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"give a `baseline`, write `expect:` into a scenario, or ask for `invariants_only`"
    ):
        check([SCENARIO], executor=InThisProcess())


def test_too_little_time_before_the_end_is_noted() -> None:
    near = SCENARIO.with_(duration="2300 us")
    for replications, told in ((1, 0), (2, 1)):
        options: dict[str, Any] = {"invariants_only": True, "executor": InThisProcess()}
        (found,) = check([near], replications=replications, **options).checked
        assert sum("replications move the failures by up to 100 µs" in line for line in note_lines(found)) == told


def test_invariants_alone() -> None:
    unmet = SCENARIO.with_(expect={"failover.count": "== 0"})
    found = check([unmet], baseline(), replications=1, invariants_only=True, executor=InThisProcess())
    assert found.passed
    assert found.invariants_only
    assert (found.checked[0].known, found.checked[0].expectations) == (None, 0)


@pytest.fixture
def files(tmp_path: Path) -> list[Scenario]:
    """Return two scenarios that are in files."""
    for name in ("a", "b"):
        write_scenario(SCENARIO.with_(name=name), tmp_path / f"{name}.yaml")
    return [load(tmp_path / f"{name}.yaml") for name in ("a", "b")]


def entries(*scenarios: Scenario) -> dict[str, Entry]:
    (entry,) = baseline().values()
    return {each.name: replace(entry, hash=each.hash, path=each.path) for each in scenarios}


def test_one_of_many_may_be_checked_alone(files: list[Scenario]) -> None:
    found = check(files[:1], entries(*files), replications=N, executor=InThisProcess())
    assert found.passed
    assert found.left_out == 1


def test_a_scenario_whose_file_is_gone_fails(files: list[Scenario]) -> None:
    assert files[1].path
    files[1].path.unlink()
    found = check(files[:1], entries(*files), replications=N, executor=InThisProcess())
    assert found.vanished == (Vanished("b", str(files[1].path), None),)
    assert not found.passed
    assert found.left_out == 0


def test_a_renamed_scenario_fails_under_both_names(files: list[Scenario]) -> None:
    renamed = files[0].with_(name="c")
    found = check([renamed], entries(*files[:1]), replications=N, executor=InThisProcess())
    assert found.vanished == (Vanished("a", str(renamed.path), "c"),)
    assert found.checked[0].known is False
    assert not found.passed


def test_a_moved_scenario_is_the_same(files: list[Scenario], tmp_path: Path) -> None:
    moved = entries(*files[:1])
    write_scenario(files[0], tmp_path / "moved.yaml")
    assert files[0].path
    files[0].path.unlink()
    assert check([load(tmp_path / "moved.yaml")], moved, replications=N, executor=InThisProcess()).passed


def test_what_a_scenario_is_worse_at_has_to_be_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "baseline.json"
    only_now: dict[str, Any] = {"replications": N, "invariants_only": True, "executor": InThisProcess()}
    check([SCENARIO], **only_now).write_baseline(path)
    before = path.read_bytes()
    slow_down(monkeypatch, 1.01)
    found = check([SCENARIO], **only_now)
    assert found.renewal(path).worse
    with pytest.raises(InputError, match="something got worse"):
        found.write_baseline(path)
    assert path.read_bytes() == before
    found.write_baseline(path, accept=True)
    assert found.renewal(path) == Renewal((), (), (), (), ())
    slow_down(monkeypatch, 0.99)
    better = check([SCENARIO], **only_now)
    assert "failover.detection_ns" in {change.metric for _, change in better.renewal(path).changes}
    better.write_baseline(path)


def test_fewer_runs_have_to_be_accepted() -> None:
    (entry,) = baseline().values()
    renewed = renewal([replicate(SCENARIO, 1, executor=InThisProcess())], {SCENARIO.name: entry})
    assert renewed.fewer == ((SCENARIO.name, N, 1),)
    assert renewed.changes == ()
    assert renewed.worse


def test_a_scenario_that_is_gone_has_to_be_accepted(files: list[Scenario], tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    options: dict[str, Any] = {"replications": 2, "invariants_only": True, "executor": InThisProcess()}
    check(files, **options).write_baseline(path)
    assert files[1].path
    files[1].path.unlink()
    one = check(files[:1], **options)
    with pytest.raises(InputError, match="something got worse"):
        one.write_baseline(path)
    one.write_baseline(path, accept=True)
    assert read_baseline(path).keys() == {"a"}


def test_a_scenario_that_cannot_be_run_does_not_keep_others_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def replicate_some(scenario: Scenario, *args: Any, **options: Any) -> Replications:
        if scenario.name == "bad":
            raise InputError("bad: no\nbad: no again")
        return replicate(scenario, *args, **options)

    monkeypatch.setattr("vmfailover.studies.regression.replicate", replicate_some)
    both = [SCENARIO.with_(name="bad"), SCENARIO]
    found = check(both, replications=1, invariants_only=True, executor=InThisProcess())
    assert found.refused == (Refused("bad", ("bad: no", "bad: no again")),)
    assert [each.name for each in found.checked] == [SCENARIO.name]
    assert not found.passed


P99, CUT_OFF = "client.latency_p99_ns", "client.latency_p99_at_least_ns"


def cut_off_against(before: Metrics, now: Metrics) -> list[Change]:
    """Return what has changed of two runs that are alike but for these values."""

    def runs(values: Metrics) -> Replications:
        alike = {**dict.fromkeys(GATED, 1.0), "client.latency_p99_ns": None}
        return Replications(SCENARIO, tuple(StudyRun("", n, n, {**alike, **values}) for n in range(N)), "")

    return list(changes_beyond(runs(now), Entry.of(runs(before), GATED), DEFAULT_LIMITS))


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        ({"client.latency_p99_ns": 5.0}, {CUT_OFF: 97.0}, True),
        ({"client.latency_p99_ns": 5.0}, {CUT_OFF: 4.0}, True),
        ({"client.latency_p99_ns": 5.0}, {}, True),
        ({CUT_OFF: 97.0}, {CUT_OFF: 150.0}, True),
        ({CUT_OFF: 97.0}, {CUT_OFF: 90.0}, False),
        ({CUT_OFF: 97.0}, {"client.latency_p99_ns": 5.0}, False),
        ({CUT_OFF: 97.0}, {}, True),
    ],
)
def test_a_metric_that_was_cut_off_is_compared_by_its_bound(before: Metrics, now: Metrics, worse: bool) -> None:
    (change,) = cut_off_against(before, now)
    assert change.metric == "client.latency_p99_ns"
    assert change.worse == worse


@pytest.mark.parametrize(("bound", "worse"), [(5.0, False), (5.01, False), (4.9, False), (5.3, True), (4.7, True)])
@pytest.mark.parametrize("cut", [1, N])
def test_a_bound_within_the_limit_is_not_worse_than_the_value(bound: float, cut: int, worse: bool) -> None:
    """However many replications were cut off; what is shown in their place is within 5 %."""
    before, now = [5.0] * N, [5.0] * (N - cut) + [None] * cut
    bounds = [None] * (N - cut) + [bound] * cut
    alike = {**dict.fromkeys(GATED, 1.0), CUT_OFF: None}
    runs = (
        Replications(SCENARIO, tuple(StudyRun("", n, n, {**alike, P99: v, CUT_OFF: b}) for n, (v, b) in pairs), "")
        for pairs in (enumerate(zip(before, [None] * N, strict=True)), enumerate(zip(now, bounds, strict=True)))
    )
    entry, found = Entry.of(next(runs), GATED), next(runs)
    assert [change.worse for change in changes_beyond(found, entry, DEFAULT_LIMITS)] == [True] * worse
    assert [change.worse for change in changes_beyond(found, entry, [Limit("mean", 0.0)])] == [True]
    assert [change.worse for change in every_change(found, entry)] == [True]


def test_a_bound_below_what_was_known_is_no_improvement() -> None:
    """Nine replications became better; of the mean of ten, one of which was cut off, only a bound is known."""
    alike = dict.fromkeys(GATED, 1.0)
    before = tuple(StudyRun("", n, n, {**alike, P99: 5.0}) for n in range(10))
    now = (*(replace(run, values={**alike, P99: 4.0 + n / 99}) for n, run in enumerate(before[1:])),)
    cut = replace(before[0], values={**alike, P99: None, CUT_OFF: 4.9})
    entry = Entry.of(Replications(SCENARIO, before, ""), GATED)
    assert not list(changes_beyond(Replications(SCENARIO, (cut, *now), ""), entry, DEFAULT_LIMITS))


def test_the_same_bounds_are_no_change() -> None:
    assert cut_off_against({CUT_OFF: 97.0}, {CUT_OFF: 97.0}) == []
    assert cut_off_against({}, {}) == []


@pytest.mark.parametrize(("without", "lost"), [(1, 0), (2, 0), (9, 9), (10, 10)])
def test_what_other_seeds_have_lost_is_more_than_chance(without: int, lost: int) -> None:
    now = [1.0] * (10 - without) + [None] * without
    runs = tuple(StudyRun("", n, 100 + n, {"guest.slowdown": value}) for n, value in enumerate(now))
    sides = BaselineComparison.of(
        Replications(SCENARIO, runs, ""), Entry("", tuple(range(4)), {"guest.slowdown": (1.0,) * 4}), "guest.slowdown"
    )
    assert not sides.paired
    assert sides.lost(0.0) == lost


def test_every_gated_metric_is_one() -> None:
    assert set(GATED) <= METRICS.keys()


@pytest.mark.parametrize("text", ["p99", "p99:x%", "p101:5%", "mean:5", "worst:5%", ":5%", "p99:-5%", "p٩٩:5%"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="limits: "):
        Limit.parse(text)


def test_limits() -> None:
    assert Limit.parse("p99.9: 2.5 %") == Limit("p99.9", 0.025)
