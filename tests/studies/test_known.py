"""Values, or lower bounds where a run ended too early to see them."""

from math import inf

import pytest

from vmfailover.records.metric_names import bound_name
from vmfailover.records.metric_values import Metrics
from vmfailover.studies.known import Known, known, known_statistic

P99 = "client.latency_p99_ns"


@pytest.mark.parametrize(
    ("metric", "bound"),
    [
        (P99, "client.latency_p99_at_least_ns"),
        ("client.latency_mean_ns", "client.latency_mean_at_least_ns"),
        ("client.after.latency_p50_ns", "client.after.latency_p50_at_least_ns"),
    ],
)
def test_the_name_of_a_bound(metric: str, bound: str) -> None:
    assert bound_name(metric) == bound


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({P99: 5}, Known(5.0, 5.0)),
        ({P99: 5, bound_name(P99): 5}, Known(5.0, inf)),
        ({P99: None, bound_name(P99): 7}, Known(7.0, inf)),
        ({bound_name(P99): 0}, Known(0.0, inf)),
        ({P99: None, bound_name(P99): None}, None),
        ({}, None),
    ],
)
def test_what_values_tell(values: Metrics, found: Known | None) -> None:
    assert known(values, P99) == found
    assert found is None or found.exact == (values.get(bound_name(P99)) is None)


def test_truth_values_are_numbers() -> None:
    assert known({"image.consistent": True}, "image.consistent") == Known(1.0, 1.0)


EXACT, CUT_OFF = [Known(float(n), float(n)) for n in range(1, 10)], [Known(20.0, inf)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("median", Known(5.0, 5.0)),
        ("min", Known(1.0, 1.0)),
        ("max", Known(20.0, inf)),
        ("p99", Known(20.0, inf)),
        ("p90", Known(9.0, 9.0)),
        ("mean", Known(6.5, inf)),
    ],
)
def test_a_bound_leaves_those_statistics_exact_that_do_not_reach_it(name: str, found: Known) -> None:
    assert known_statistic(EXACT + CUT_OFF, name) == found


def test_nothing_is_known_of_nothing() -> None:
    assert known_statistic([], "mean") is None
