"""Expectations of metrics."""

import pytest

from vmfailover.records.metric_names import METRICS
from vmfailover.scenario.expectation import Expectation


@pytest.mark.parametrize(
    ("metric", "text", "expected"),
    [
        ("failover.latency", "p99 < 60 ms", Expectation("failover.latency_ns", "p99", "<", 60e6)),
        ("failover.latency_ns", "p99.9<60ms", Expectation("failover.latency_ns", "p99.9", "<", 60e6)),
        ("guest.slowdown", "mean <= 3 %", Expectation("guest.slowdown", "mean", "<=", 0.03)),
        ("guest.slowdown", "max < 0.5", Expectation("guest.slowdown", "max", "<", 0.5)),
        ("loss.outputs", "== 0", Expectation("loss.outputs", None, "==", 0)),
        ("image.consistent", "== true", Expectation("image.consistent", None, "==", 1)),
        ("replication.bytes", "mean > 1 MiB", Expectation("replication.bytes", "mean", ">", 2**20)),
        ("replication.bandwidth", "median >= 1 Gbit/s", Expectation("replication.bandwidth_bps", "median", ">=", 1e9)),
        ("loss.split_brain", "== 0", Expectation("loss.split_brain_ns", None, "==", 0)),
    ],
)
def test_parses(metric: str, text: str, expected: Expectation) -> None:
    assert Expectation.parse(metric, text) == expected


@pytest.mark.parametrize(
    ("metric", "text", "words"),
    [
        ("failover.latencey", "< 1 ms", "unknown metric; did you mean 'failover.latency_ns'?"),
        ("zzz", "< 1 ms", "unknown metric; the nearest are "),
        ("failover.latency", "p99", "'p99' is not an expectation; write for example"),
        ("failover.latency", "< ", "is not an expectation"),
        ("failover.latency", "p100 < 1 ms", "is not an expectation"),
        ("failover.latency", "most < 1 ms", "is not an expectation"),
        ("failover.latency", "p99 < 60", "is not a duration"),
        ("failover.latency", "p99 < 60 MB", "is not a duration"),
        ("loss.outputs", "== none", "'none' is not a number"),
        ("loss.outputs", "== nan", "'nan' is not a number"),
        ("loss.outputs", "== 1e999", "'1e999' is not a number"),
    ],
)
def test_refuses(metric: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"(?s).*") as caught:
        Expectation.parse(metric, text)
    assert words in str(caught.value)


def test_every_metric_can_be_expected() -> None:
    assert all(Expectation.parse(metric, "== 0").metric == metric for metric in METRICS)
