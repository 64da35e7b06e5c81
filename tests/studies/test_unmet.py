"""What is expected of runs, some of which have no value, or were cut off."""

from collections.abc import Sequence

import pytest

from vmfailover.records.metric_values import Metrics
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.unmet import Unmet, unmet

P99, BOUND = "client.latency_p99_ns", "client.latency_p99_at_least_ns"
SEEN: Metrics = {P99: 5e6}


def judged(text: str, *values: Metrics, error: str = "") -> list[Unmet]:
    runs = [StudyRun("", number, number, each) for number, each in enumerate(values)]
    failed = [StudyRun("", 99, 99, {}, error=error)] if error else []
    return list(unmet({"client.latency_p99": text}, [*runs, *failed]))


def cut_off(milliseconds: float) -> Metrics:
    return {P99: None, BOUND: milliseconds * 1e6}


@pytest.mark.parametrize("text", ["max < 10 ms", "< 10 ms", "p99 <= 10 ms", "mean < 10 ms"])
def test_a_bound_above_the_limit_is_wrong(text: str) -> None:
    (found,) = judged(text, SEEN, cut_off(97))
    assert found.at_least
    assert not found.open
    assert (found.value or 0) > 10e6


@pytest.mark.parametrize("text", ["max < 10 ms", "< 10 ms", "mean < 10 ms", "== 7 ms", "!= 8 ms"])
def test_a_bound_that_leaves_it_open_does_not_meet_it(text: str) -> None:
    (found,) = judged(text, cut_off(7))
    assert (found.value, found.at_least, found.open) == (7e6, True, True)


def test_what_is_certainly_wrong_is_told_before_what_is_open() -> None:
    (found,) = judged("< 10 ms", cut_off(7), {P99: 12e6})
    assert (found.value, found.at_least, found.open) == (12e6, False, False)


@pytest.mark.parametrize("text", ["> 5 ms", ">= 7 ms", "min > 6 ms", "!= 6 ms"])
def test_a_bound_meets_what_everything_from_there_on_meets(text: str) -> None:
    assert judged(text, cut_off(7)) == []


def test_a_statistic_below_what_was_cut_off_is_known() -> None:
    assert judged("median < 10 ms", SEEN, SEEN, cut_off(97)) == []
    assert judged("max < 10 ms", SEEN, SEEN, cut_off(97)) != []


@pytest.mark.parametrize("text", ["max < 10 ms", "> 0 ms", "median < 10 ms", "!= 3 ms"])
@pytest.mark.parametrize("values", [[{}], [SEEN, {}], [SEEN, {P99: None, BOUND: None}]])
def test_a_run_without_a_value_meets_nothing(text: str, values: Sequence[Metrics]) -> None:
    (found,) = judged(text, *values)
    assert (found.value, found.without) == (None, 1)


def test_runs_that_failed_are_told_elsewhere() -> None:
    assert judged("max < 10 ms", SEEN, error="OSError: no") == []
    (found,) = judged("max < 10 ms", error="OSError: no")
    assert (found.value, found.without) == (None, 0)
