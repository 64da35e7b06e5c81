"""Metrics on axes: names, units, and values."""

import pytest
from matplotlib.figure import Figure

from vmfailover.errors import InputError
from vmfailover.report.figures.metric_axis import MetricAxis, go_logarithmic, is_wide, known_metric


@pytest.mark.parametrize(
    ("metric", "greatest", "label", "written"),
    [
        ("failover.latency_ns", 34e6, "failover latency (ms)", "34.0"),
        ("failover.latency_ns", 837e3, "failover latency (µs)", "837"),
        ("client.latency_p99_ns", 0.0, "client latency p99 (ns)", "0"),
        ("replication.bandwidth_bps", 5.37e9, "replication bandwidth (Gbit/s)", "5.37"),
        ("replication.memory_bytes", 69.2e6, "replication memory bytes (MB)", "69.2"),
        ("guest.slowdown", 0.0626, "guest slowdown (%)", "6.26"),
        ("guest.pause_fraction", 0.5, "guest pause fraction (%)", "50.0"),
        ("replication.amplification", 4.5, "replication amplification (×)", "4.50"),
        ("loss.outputs", 7.0, "outputs lost (number)", "7.00"),
    ],
)
def test_each_metric_has_its_unit(metric: str, greatest: float, label: str, written: str) -> None:
    axis = MetricAxis.of(metric, [None, float("nan"), greatest / 2, greatest])
    assert axis.label == label
    assert axis.written(greatest) == written


def test_names_may_lack_their_unit() -> None:
    assert known_metric("failover.latency") == "failover.latency_ns"
    with pytest.raises(InputError, match="unknown metric"):
        known_metric("failover.latencyy")


@pytest.mark.parametrize(
    ("values", "wide"), [([1, 31], True), ([1, 30], False), ([0, 100], False), ([], False), ([float("nan")], False)]
)
def test_values_far_apart_are_wide(values: list[float], wide: bool) -> None:
    assert is_wide(values) is wide


@pytest.mark.parametrize(("high", "ticks"), [(20, [1, 2, 5, 10, 20]), (20_000, [1, 10, 100, 1000, 10_000])])
def test_a_logarithmic_axis_has_few_ticks(high: float, ticks: list[float]) -> None:
    axes = Figure().add_subplot()
    axes.set_ylim(0.9, high * 1.1)
    go_logarithmic(axes, "y")
    assert [tick for tick in axes.get_yticks() if 0.9 <= tick <= high * 1.1] == pytest.approx(ticks)
