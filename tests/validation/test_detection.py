"""Detectors against what is published of them."""

import numpy as np
import pytest
from failover.detection.watch import Pair

from vmfailover.studies.statistics import statistic

from .published import RecordProperty, Row, report, table

MS = 1_000_000


def expected(name: str) -> str:
    (row,) = (row for row in table("theory") if row["name"] == name)
    return row["expected"]


@pytest.mark.parametrize(("threshold", "deviations"), [(1, 1.28), (3, 3.09), (8, 5.61), (12, 7.03)])
def test_phi_accrual(threshold: int, deviations: float, record_property: RecordProperty) -> None:
    """Silence after the last of many heartbeats whose arrivals are normal: m + z s, by estimates of both."""
    assert f"m+{deviations}s" in expected("phi_accrual")
    mean_ms, deviation_ms, rng = 100.0, 8.0, np.random.default_rng(7)
    found = []
    for _ in range(40):
        phi = {"threshold": float(threshold), "window": 1000, "least_deviation": "0 ns"}
        pair = Pair(kind="phi-accrual", interval="1 h", phi=phi)
        for gap in (rng.normal(mean_ms, deviation_ms, 1000) * MS).astype(int).tolist():
            pair.env.run(until=int(pair.env.now) + gap)
            pair.detector.hear()  # type: ignore[attr-defined]
        found.append(pair.detector.patience_ns / MS)  # type: ignore[attr-defined]
    interval = statistic(found)
    assert interval.half_width is not None
    wanted = mean_ms + deviations * deviation_ms
    rounding_ms = 0.005 * deviation_ms
    tolerance = (interval.half_width + rounding_ms) / wanted
    row = Row(f"threshold {threshold}, ms", wanted, float(np.mean(found)), "predicted", tolerance)
    report("Phi accrual, m = 100 ms, s = 8 ms", [row], record_property)


@pytest.mark.parametrize("members", [10, 50])
def test_swim(members: int, record_property: RecordProperty) -> None:
    """The first detection takes no longer than 1.582 periods, on the mean over crashes at random phases."""
    assert "<= 1.582 T'" in expected("swim_detection")
    rng, found = np.random.default_rng(3), []
    for seed in range(400):
        swim = {"members": members, "period": "1 s", "probe_timeout": "100 ms"}
        found.append(Pair(seed, kind="swim", swim=swim).after(int(rng.integers(5_000, 9_000)) * MS, "crash") / 1e9)
    interval = statistic(found)
    assert interval.mean is not None
    assert interval.half_width is not None
    assert interval.mean - interval.half_width <= 1.582
    first_probe = 1.0 + 0.2
    tolerance = interval.half_width / first_probe
    row = Row(f"{members} members, of periods", first_probe, interval.mean, "predicted", tolerance)
    report("SWIM, first detection (at most 1.582): wait for a probe and its two timeouts", [row], record_property)


def test_corosync(record_property: RecordProperty) -> None:
    """The token of three nodes, and the reform of the membership."""
    assert expected("corosync_token") == "3.65 s + reform about 50 ms"
    rng, interval_ms = np.random.default_rng(3), 20
    token = {"members": 3, "token": "3 s", "coefficient": "650 ms", "reform": "50 ms"}
    found = []
    for _ in range(100):
        crash_ns = 10_000 * MS + int(rng.integers(0, interval_ms * MS))
        found.append(Pair(kind="token", interval=f"{interval_ms} ms", token=token).after(crash_ns, "crash") / 1e9)
    interval = statistic(found)
    assert interval.half_width is not None
    wanted = 3.65 + 0.05 - interval_ms / 2e3
    row = Row("three nodes, s", wanted, float(np.mean(found)), "predicted", interval.half_width / wanted)
    report("Corosync, from the crash to the new membership", [row], record_property)
