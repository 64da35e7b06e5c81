"""Comparisons: paired by their random numbers, and honest about what is missing."""

import json
from dataclasses import replace
from functools import cache

import pytest
from scenarios_for_tests import brief, small

from vmfailover import compare
from vmfailover.errors import InputError
from vmfailover.records.metric_values import Metrics
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.scenario.replication import Replication
from vmfailover.simulation import run
from vmfailover.studies.comparison import (
    Comparison,
    all_protocols,
    under_protocols,
)
from vmfailover.studies.executors import InThisProcess, local_processes
from vmfailover.studies.runs import MEASURED, StudyRun, end_remark, replica
from vmfailover.studies.statistics import Statistic

FAILING = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])


@cache
def compared() -> Comparison:
    columns, _ = under_protocols(FAILING, ["cacheline-flags", "page-write-protect", "record-replay"])
    return compare(columns, replications=3, executor=InThisProcess())


def handmade(**columns: list[float | None]) -> Comparison:
    """Return a comparison whose columns have these latencies; the first is the baseline."""
    runs = [
        StudyRun(name, number, number, {"failover.latency_ns": value})
        for name, values in columns.items()
        for number, value in enumerate(values)
    ]
    scenarios = dict.fromkeys(columns, FAILING)
    return Comparison(scenarios, next(iter(columns)), max(map(len, columns.values())), tuple(runs))


def test_the_first_replication_is_the_scenario_itself() -> None:
    assert replica(FAILING, 0) is FAILING
    values = run(FAILING).values
    for metric in MEASURED:
        assert compared().values("cacheline-flags", metric)[0] == values[metric]


def test_replications_differ_in_seed_and_instant_and_are_alike_for_all_columns() -> None:
    columns, _ = under_protocols(FAILING, all_protocols())
    assert columns.keys() == Replication.kinds.keys()
    for number in (1, 2):
        replicas = [replica(scenario, number) for scenario in columns.values()]
        assert {each.seed for each in replicas} == {FAILING.seed + number}
        (instant,) = {each.failures[0].at for each in replicas}
        assert instant is not None
        assert 0 < instant - 2_200_000 < 400_000
    assert replica(FAILING, 1).failures != replica(FAILING, 2).failures


@pytest.mark.parametrize("at_us", [3900, 4190, 4199])
def test_failures_near_the_end_come_later_and_within_the_run(at_us: int) -> None:
    late = FAILING.with_(**{"failures.0.at": f"{at_us} us"})
    instants = [replica(late, number).failures[0].at or 0 for number in range(1, 200)]
    room = late.duration - at_us * 1000
    places = [(instant - at_us * 1000) / room for instant in instants]
    assert all(0 <= place < 1 for place in places)
    assert sum(places) / len(places) == pytest.approx(0.5, abs=4 / (12 * len(places)) ** 0.5)


def test_the_end_of_a_run_changes_only_the_failures_that_would_be_beyond_it() -> None:
    far, near = FAILING, FAILING.with_(duration=f"{2_200_000 + 300_000} ns")
    both = [(replica(far, number).failures[0].at or 0, replica(near, number).failures[0].at) for number in range(99)]
    assert all(one == other for one, other in both if one < near.duration)
    assert any(one >= near.duration for one, _ in both)


def test_failures_keep_their_order_and_distance() -> None:
    crash = {"kind": "host-crash", "target": "primary"}
    two = FAILING.with_(failures=[{"at": "3800 us", "kind": "vm-crash"}, {**crash, "at": "4100 us"}])
    for number in range(1, 20):
        first, second = (failure.at or 0 for failure in replica(two, number).failures)
        assert (first >= 3_800_000, second - first, second < two.duration) == (True, 300_000, True)


def test_too_little_room_before_the_end_is_told() -> None:
    near = FAILING.with_(**{"failures.0.at": "4100 us"})
    assert end_remark(FAILING) == end_remark(near.with_(**{"failures.0.fixed": True})) == ""
    assert end_remark(near).startswith("replications move the failures by up to 100 µs instead of 400 µs")
    assert end_remark(near.with_(duration="4500 us")) == ""


def test_differences_are_paired() -> None:
    comparison = handmade(base=[10.0, 20.0, 30.0], other=[11.0, 21.0, 31.0])
    difference = comparison.difference("other", "failover.latency_ns")
    assert (difference.mean, difference.half_width, difference.n) == (1.0, 0.0, 3)
    assert (comparison.statistic("other", "failover.latency_ns").half_width or 0) > 20


def test_pairs_without_a_value_do_not_count() -> None:
    comparison = handmade(base=[10.0, None, 30.0], other=[11.0, 21.0, None])
    assert comparison.difference("other", "failover.latency_ns").n == 1
    assert comparison.statistic("base", "failover.latency_ns").n == 2


@pytest.mark.parametrize(
    ("columns", "winners"),
    [
        ({"a": [3.0, 4.0], "b": [2.0, 3.0], "c": [2.0, 3.0]}, ("b", "c")),
        ({"a": [3.0, 3.0], "b": [3.0, 3.0]}, ()),
        ({"a": [3.0, 4.0], "b": [None, None]}, ()),
        ({"a": [None], "b": [None]}, ()),
        ({"a": [0.0, 1.0], "b": [1.0, 2.0], "c": [None, None]}, ("a",)),
        ({"a": [9.0, 10.0], "b": [2.0, 3.0], "c": [1.0, 4.5]}, ("b", "c")),
        ({"a": [9.0, 2.0], "b": [2.0, 8.0]}, ()),
        ({"a": [1.0], "b": [2.0]}, ()),
    ],
)
def test_the_lowest_wins_with_those_that_chance_may_have_put_behind_it(
    columns: dict[str, list[float | None]], winners: tuple[str, ...]
) -> None:
    assert handmade(**columns).winners("failover.latency_ns") == winners


def test_a_column_that_was_cut_off_has_a_lower_bound_and_wins_nothing() -> None:
    seen: list[Metrics] = [{"client.latency_p99_ns": 5.0}, {"client.latency_p99_ns": 6.0}]
    cut: list[Metrics] = [{"client.latency_p99_ns": 1.0}, {"client.latency_p99_at_least_ns": 2.0}]
    slow: list[Metrics] = [{"client.latency_p99_ns": 50.0}, {"client.latency_p99_ns": 51.0}]
    runs = [
        StudyRun(name, n, n, each)
        for name, column in zip("abc", (seen, cut, slow), strict=True)
        for n, each in enumerate(column)
    ]
    comparison = Comparison(dict.fromkeys("abc", FAILING), "a", 2, tuple(runs))
    assert comparison.statistic("b", "client.latency_p99_ns") == Statistic(1.5, None, 2, at_least=True)
    assert comparison.difference("b", "client.latency_p99_ns") == Statistic(-4.0, None, 2, at_least=True)
    assert comparison.winners("client.latency_p99_ns") == ("a",)
    swapped = replace(comparison, baseline="b")
    assert swapped.difference("a", "client.latency_p99_ns").mean is None


@pytest.mark.slow
def test_a_comparison_is_the_same_in_other_processes() -> None:
    columns, _ = under_protocols(FAILING, ["cacheline-flags", "page-write-protect", "record-replay"])
    with local_processes(2) as executor:
        assert compare(columns, replications=3, executor=executor).to_json() == compared().to_json()


def test_progress_is_told_run_by_run() -> None:
    told: list[tuple[int, int]] = []
    compare([FAILING], replications=2, executor=InThisProcess(), progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]


def test_json_has_every_column_and_metric_and_no_nan() -> None:
    content = json.loads(compared().to_json())
    assert list(content["columns"]) == list(compared().names)
    for column in content["columns"].values():
        assert list(column["metrics"]) == list(column["difference"]) == list(MEASURED)
        assert all(len(metric["values"]) == 3 for metric in column["metrics"].values())
    assert not set(MEASURED) & set(WALL_CLOCK)


def test_a_table_has_a_row_for_each_run() -> None:
    frame = compared().frame
    assert len(frame) == 9
    assert list(frame["column"].unique()) == list(compared().names)


def test_a_run_that_fails_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, **options: object) -> None:  # noqa: ARG001 - what a study calls
        raise ValueError("no luck")

    monkeypatch.setattr("vmfailover.studies.runs.run", fail)
    comparison = compare([FAILING], replications=1, executor=InThisProcess())
    assert [each.error for each in comparison.runs] == ["ValueError: no luck"]
    assert not comparison.consistent
    assert json.loads(comparison.to_json())["columns"][FAILING.name]["errors"] == ["ValueError: no luck"]


def test_protocols_that_cannot_protect_say_why() -> None:
    possible, impossible = under_protocols(small("two-vcpus"), all_protocols())
    assert impossible.keys() == {"record-replay"}
    assert "vm.vcpus: record-replay protects VMs of 1 vCPU" in impossible["record-replay"]
    assert possible.keys() == Replication.kinds.keys() - impossible.keys()


def test_names_have_to_be_unique_and_known() -> None:
    with pytest.raises(InputError, match="name of two scenarios"):
        compare([FAILING, FAILING.with_(seed=3)])
    with pytest.raises(InputError, match="'x' is not compared"):
        compare([FAILING], baseline="x")
