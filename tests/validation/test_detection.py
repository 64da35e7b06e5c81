"""Detectors against closed forms, and against real programs that were killed or cut off."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from failover.detection.watch import Pair
from marks import mostly_slow

from vmfailover.failover.detection.token import Token
from vmfailover.studies.statistics import statistic

from .published import RecordProperty, Row, report, table

MS = 1_000_000


def expected(name: str) -> str:
    (row,) = (row for row in table("theory") if row["name"] == name)
    return row["expected"]


def predicted(name: str, wanted: float, found: Sequence[float], widest: float, rounding: float = 0.0) -> Row:
    """Return a row that has to lie within the confidence interval of what was found, which is narrow enough."""
    interval = statistic(found)
    assert interval.mean is not None
    assert interval.half_width is not None
    share = interval.half_width / wanted
    assert share <= widest, f"{name}: ± {share:.1%} is too wide"
    return Row(
        f"{name}, n = {interval.n}, ± {share:.2%}", wanted, interval.mean, "predicted", share + rounding / wanted
    )


@pytest.mark.parametrize(
    ("threshold", "deviations"), mostly_slow([(1, 1.28), (3, 3.09), (8, 5.61), (12, 7.03)], (8, 5.61))
)
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
    wanted = mean_ms + deviations * deviation_ms
    row = predicted(f"threshold {threshold}, ms", wanted, found, 0.005, rounding=0.005 * deviation_ms)
    report("Phi accrual, m = 100 ms, s = 8 ms", [row], record_property)


def first_probe(members: int) -> float:
    """Return the mean time to the first probe of a host, in periods: each of n others probes it in one of n periods.

    Within a period P(later than t) = (1 - t/n)^n, and it goes on to a further one with (1 - 1/n)^n.
    """
    n = members - 1
    within = n / (n + 1) * (1 - (1 - 1 / n) ** (n + 1))
    return float(within / (1 - (1 - 1 / n) ** n))


@pytest.mark.slow
@pytest.mark.parametrize("members", [10, 50])
def test_swim(members: int, record_property: RecordProperty) -> None:
    """The first detection takes the wait for a probe and its two timeouts, less than 1.582 periods on the mean."""
    assert "<= 1.582 T'" in expected("swim_detection")
    rng, found = np.random.default_rng(3), []
    for seed in range(800):
        swim = {"members": members, "period": "1 s", "probe_timeout": "100 ms"}
        found.append(Pair(seed, kind="swim", swim=swim).after(int(rng.integers(1_000, 2_000)) * MS, "crash") / 1e9)
    row = predicted(f"{members} members, periods", first_probe(members) + 0.2, found, 0.06)
    assert row.simulated <= 1.582
    report("SWIM, first detection (at most 1.582)", [row], record_property)


#: The preset corosync-3 as each setup has it; what happens to a node; and whether numbers were fitted on it.
COROSYNC = {
    "b": ({"members": 3, "token": "1 s"}, "crash", "fitted"),
    "c": ({}, "crash", "predicted"),
    "f": ({"members": 3, "token": "1 s"}, "cut", "predicted"),
    "g": ({"members": 3, "token": "1 s"}, "cut", "predicted"),
}


@pytest.mark.parametrize("setup", mostly_slow(COROSYNC, "b"))
def test_corosync(setup: str, record_property: RecordProperty) -> None:
    """From the fault to the new membership; on setup b the rounds of joins have been fitted."""
    measured = [float(row["membership_formed_s"]) for row in table("corosync") if row["setup"] == setup]
    token, what, kind = COROSYNC[setup]
    rng = np.random.default_rng(3)
    found = [
        Pair(seed, preset="corosync-3", token=token).after(int(rng.integers(2_000, 4_000)) * MS, what) / 1e9
        for seed in range(200)
    ]
    interval, mean = statistic(found), float(np.mean(measured))
    assert interval.half_width is not None
    assert interval.half_width <= 0.005 * mean
    name = f"setup {setup} (n = {len(measured)}), s; n = {len(found)}, ± {interval.half_width / mean:.1%}"
    report("Corosync 3.1.7, mean", [Row(name, mean, float(np.mean(found)), kind, 0.03)], record_property)
    least, most = np.quantile(measured, (0.05, 0.95))
    assert min(found) <= least <= most <= max(found)


def test_timeouts_are_those_that_corosync_computes() -> None:
    spec = Token.model_validate({"members": 3})
    assert f"token {spec.timeout_ns / 1e9} s" in expected("corosync_membership")
    assert f"consensus {spec.consensus_ns / 1e9} s" in expected("corosync_membership")
    for row in table("corosync"):
        token = {"token": f"{row['token_cfg_ms']} ms"} if row["token_cfg_ms"] != "default" else {}
        spec = Token.model_validate({"members": int(row["nodes"]), **token})
        assert spec.timeout_ns == int(row["token_runtime_ms"]) * MS
        assert spec.consensus_ns == int(row["consensus_runtime_ms"]) * MS


@pytest.mark.parametrize("kind", mostly_slow(["kill", "cut"], "cut"))
def test_keepalived(kind: str, record_property: RecordProperty) -> None:
    """VRRP is a heartbeat: three advertisements and the skew (256 - priority) / 256 of one pass in silence."""
    rows = [row for row in table("keepalived") if row["kind"] == kind]
    measured = [float(row["takeover_s"]) for row in rows]
    advertisement_s, priority = float(rows[0]["advert_s"]), int(rows[0]["backup_prio"])
    timeout_s = (3 + (256 - priority) / 256) * advertisement_s
    keys: dict[str, Any] = {"interval": f"{advertisement_s} s", "timeout": f"{timeout_s * 1e9:.0f} ns"}
    rng = np.random.default_rng(3)
    what = {"kill": "crash", "cut": "cut"}[kind]
    instants = rng.integers(2_000 * MS, 4_000 * MS, 400).tolist()
    found = [Pair(kind="heartbeat", **keys).after(instant, what) / 1e9 for instant in instants]
    interval, mean = statistic(found), float(np.mean(measured))
    assert interval.half_width is not None
    assert interval.half_width <= 0.01 * mean
    name = f"{kind} (n = {len(measured)}), s; n = {len(found)}, ± {interval.half_width / mean:.1%}"
    report("keepalived 2.2.7", [Row(name, mean, float(np.mean(found)), "predicted", 0.03)], record_property)
    least, most = np.quantile(measured, (0.05, 0.95))
    assert min(found) <= least <= most <= max(found)
