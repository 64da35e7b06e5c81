"""Presets of clusters, run whole, against real programs and published recoveries."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from vmfailover.results.failover_stages import FailoverStage, failover_stages
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

from .published import RecordProperty, Row, report, table

S = 1_000_000_000
RUNS = 120


def scenario(preset: str, kind: str = "vm-crash", **keys: Any) -> Scenario:
    """Return a VM that starts again in no time, and whose host, or process, fails at a random instant."""
    return Scenario.model_validate(
        {
            "name": preset,
            "duration": "20 s",
            "extend": "until-takeover",
            "hosts": {"primary": {"preset": "xeon"}, "secondary": {"preset": "xeon"}},
            "vm": {"memory": "1 MiB"},
            "workload": {"kind": "idle"},
            "replication": {"protocol": "cold-restart", "restart": {"boot": "0 s"}},
            "hypervisor": {"redirect": "0 ns"},
            "link": {"bandwidth": "10 Gbit/s", "latency": "50 us"},
            "failures": [{"at_random": {"distribution": "uniform", "mean": "7500 ms"}, "delay": "2 s", "kind": kind}],
            **keys,
            "detection": {"preset": preset, **keys.get("detection", {})},
        }
    )


@cache
def replications(preset: str, members: int = 0, down_after: str = "") -> list[tuple[FailoverStage, ...]]:
    """Return the stages of each of many runs."""
    keys: dict[str, Any] = {"token": {"members": members, "token": "1 s"}} if members else {}
    keys |= {"sentinel": {"down_after": down_after}} if down_after else {}
    fencing = {"kind": "none"}
    wanted = scenario(preset, detection=keys, fencing=fencing)
    return [failover_stages(run(wanted.with_(seed=seed), samples=0)) for seed in range(RUNS)]


def until(stages: tuple[FailoverStage, ...], name: str) -> float:
    """Return the seconds from the failure to the end of a stage."""
    (ended_ns,) = (stage.ended_ns for stage in stages if stage.name == name)
    return (ended_ns - stages[0].began_ns) / S


def compare(name: str, measured: list[float], found: list[float], kind: str, record: RecordProperty) -> None:
    """Hold the mean within 3 %, and the measured range from 5 to 95 % within the simulated one."""
    row = Row(f"{name} (n = {len(measured)}), s", float(np.mean(measured)), float(np.mean(found)), kind, 0.03)
    report("takeovers", [row], record)
    least, most = np.quantile(measured, (0.05, 0.95))
    assert min(found) <= least <= most <= max(found)


@pytest.mark.parametrize(
    ("stage", "column", "kind"),
    [
        ("down-after", "sdown_s", "predicted"),
        ("agreement", "odown_s", "predicted"),
        ("election", "elected_s", "predicted"),
        ("promotion", "switch_s", "fitted"),
    ],
)
@pytest.mark.slow
def test_sentinels(stage: str, column: str, kind: str, record_property: RecordProperty) -> None:
    measured = [float(row[column]) for row in table("redis_sentinel")]
    found = [until(stages, stage) for stages in replications("sentinel", down_after="1 s")]
    compare(f"Redis Sentinel 7.0.15, {stage}", measured, found, kind, record_property)


@pytest.mark.slow
def test_pacemaker_starts_a_resource(record_property: RecordProperty) -> None:
    rows = [row for row in table("corosync") if row["setup"] == "p"]
    measured = [float(row["resource_started_s"]) for row in rows]
    found = [until(stages, "election") for stages in replications("pacemaker-2-node", members=3)]
    compare("Pacemaker 2.1.5, start of a resource", measured, found, "fitted", record_property)


def recovery(name: str) -> list[float]:
    return [float(row["seconds"]) for row in table("recoveries") if row["name"] == name]


@pytest.mark.slow
def test_proxmox(record_property: RecordProperty) -> None:
    """From the fault to the start: the lock expires, and the manager notices at its next round."""
    found = [until(failover_stages(run(scenario("proxmox-ha", seed=seed), samples=0)), "boot") for seed in range(3)]
    row = Row("proxmox-ha, s", recovery("proxmox-ha")[0], float(np.median(found)), "predicted", 0.05)
    report("recoveries", [row], record_property)


@pytest.mark.parametrize(
    ("preset", "keys", "seconds", "tolerance"),
    [
        ("kubernetes", {"confirmation": "10 s"}, recovery("kubernetes")[1], 0.06),
        ("hyper-v", {}, recovery("hyper-v")[0], 0.18),
        ("vsphere-ha", {}, recovery("vsphere-ha")[0], 0.05),
    ],
)
@pytest.mark.slow
def test_published_recoveries(
    preset: str, keys: dict[str, str], seconds: float, tolerance: float, record_property: RecordProperty
) -> None:
    result = run(scenario(preset, "host-crash", detection=keys), samples=0)
    found = until(failover_stages(result), "fencing")
    report("recoveries", [Row(f"{preset}, s", seconds, found, "predicted", tolerance)], record_property)
