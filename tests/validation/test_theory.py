"""Closed forms that a discrete-event run has to meet."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run
from vmfailover.studies.statistics import Statistic, statistic

from .published import RecordProperty, Row, meets, report, scenario, table

#: Crashes, in groups that are spread evenly each.
GROUPS, IN_A_GROUP = 4, 15
SMALL = {"vm.memory": "1 MiB", "workload": {"kind": "idle", "working_set": "256 KiB"}}
CRASH = {"kind": "host-crash", "target": "primary"}


def expected(name: str) -> list[dict[str, str]]:
    return [row for row in table("theory") if row["name"] == name]


# Queues.


@pytest.mark.parametrize(
    ("load", "waits", "runs", "widest"),
    [
        pytest.param(0.5, 0.5, 12, 0.05, marks=pytest.mark.slow),
        pytest.param(0.8, 2.0, 32, 0.04, marks=pytest.mark.slow),
        pytest.param(0.9, 4.5, 48, 0.06, marks=pytest.mark.slow),
    ],
)
def test_md1_wait(load: float, waits: float, runs: int, widest: float, record_property: RecordProperty) -> None:
    """Requests with a fixed service time wait as Pollaczek and Khinchine say; the VM is not protected."""
    means = []
    for seed in range(runs):
        result = run(
            scenario(
                **SMALL,
                seed=seed,
                duration="5 s",
                clients={"rate": f"{load * 2000} /s", "service": "500 us", "request": "0 B", "latency": "1 us"},
                **{"replication.protocol": "cold-restart"},
            )
        )
        late = result.responses[len(result.responses) // 10 :]
        means.append(float(np.mean([(each.received_ns - each.sent_ns - 2000) / 500_000 - 1 for each in late])))
    assert f"{waits} S" in {row["expected"] for row in expected("md1_wait")}
    report(
        "M/D/1, mean wait in service times",
        [meets(f"load {load}", waits, statistic(means), widest=widest)],
        record_property,
    )


# Detection, output commit, lost work.


@cache
def crashed() -> list[RunResult]:
    """Return runs that crash at instants spread over many heartbeats and checkpoints."""
    base = scenario(
        **SMALL,
        duration="130 ms",
        detection={"interval": "10 ms", "timeout": "30 ms"},
        fencing={"delay": "1 ms"},
        **{"replication.checkpoint_interval": "5 ms", "replication.protocol": "cacheline-flags"},
    )
    return [run(base.with_(failures=[{"at": f"{instant} ns", **CRASH}])) for instant in instants()]


def instants() -> list[int]:
    """Return instants of four checkpoints and two heartbeats: as often as `GROUPS`, one in each n-th of that time."""
    random = np.random.default_rng(5)
    shares = (np.arange(IN_A_GROUP) + random.random((GROUPS, IN_A_GROUP))) / IN_A_GROUP
    drawn: list[int] = (60_000_000 + 20_000_000 * shares).astype(int).ravel().tolist()
    return drawn


def mean_of_groups(values: Sequence[float]) -> Statistic:
    """Return the mean of values at `instants`, whose groups are independent of each other, and so are their means."""
    return statistic(np.reshape(values, (GROUPS, IN_A_GROUP)).mean(axis=1).tolist())


@pytest.mark.slow
def test_fixed_timeout_detection(record_property: RecordProperty) -> None:
    detection_ms = [(result.values["failover.detection_ns"] or 0) / 1e6 for result in crashed()]
    latency_ms = 0.01
    assert all(20 <= each - latency_ms <= 30.001 for each in detection_ms)
    row = meets("heartbeats 10 ms, timeout 30 ms", 30 - 10 / 2 + latency_ms, mean_of_groups(detection_ms), widest=0.03)
    report("Detection by a fixed timeout, mean ms", [row], record_property)


@pytest.mark.slow
def test_lost_work(record_property: RecordProperty) -> None:
    """Uniform on [X, X + P], in guest time, for commits that take X and periods of P."""
    lost_ms = [(result.values["loss.work_ns"] or 0) / 1e6 for result in crashed()]
    commit_ms = np.mean([(result.values["checkpoint.commit_latency_p50_ns"] or 0) for result in crashed()]) / 1e6
    pause_ms = np.mean([(result.values["checkpoint.pause_p50_ns"] or 0) for result in crashed()]) / 1e6
    period_ms = 5.0
    assert all(-pause_ms <= each <= commit_ms + period_ms for each in lost_ms)
    row = meets("period 5 ms", float(commit_ms + period_ms / 2), mean_of_groups(lost_ms), widest=0.12)
    report("Work lost, mean ms", [row], record_property)


@pytest.mark.slow
def test_output_commit_delay(record_property: RecordProperty) -> None:
    """An output waits half an interval, the pause, the sending and a round trip."""
    delays_ms, parts_ms = [], []
    for seed in range(8):
        result = run(
            scenario(
                **{**SMALL, "workload": {"kind": "zipf", "working_set": "1 MiB", "instructions_per_access": 300.0}},
                seed=seed,
                clients={"rate": "1000 /s", "service": "10 us", "request": "0 B", "latency": "1 us"},
                link={"bandwidth": "10 Gbit/s", "latency": "100 us"},
                **{"replication.checkpoint_interval": "5 ms"},
            )
        )
        answers = [(each.received_ns - each.sent_ns - 2000 - 10_000) / 1e6 for each in result.responses]
        delays_ms.append(float(np.mean(answers)))
        sent = result.epochs[result.epochs.sent_ns > 0]
        pause, send = (sent.resumed_ns - sent.paused_ns).mean(), (sent.sent_ns - sent.resumed_ns).mean()
        parts_ms.append(5 / 2 + (pause + send) / 1e6 + 0.2)
    row = meets("E/2 + p + s + r, E = 5 ms", float(np.mean(parts_ms)), statistic(delays_ms), widest=0.03)
    report("Delay of outputs, mean ms", [row], record_property)


# Pre-copy.


def test_precopy_rounds(record_property: RecordProperty) -> None:
    """Each round is a quarter of the one before if memory is modified at a quarter of the bandwidth.

    The published case, 50 GiB over 800 Mbit/s, is run 1/10,240 as long: 50 MiB over 8 Gbit/s.
    """
    pages, shrink = 50 * 2**20 // 4096, 50 * 2**30 / 800e6 / (50 * 2**20 / 8e9)
    page_ns = 4096 / 0.25  # a byte takes a nanosecond
    spec = {
        "kind": "sequential",
        "working_set": f"{pages * 4096} B",
        "stride": "4096 B",
        "store_fraction": "100 %",
        "instructions_per_access": page_ns - 20,
    }
    host = {"preset": "xeon", "clock": "1 GHz", "base_cpi": 1.0}
    result = run(
        scenario(
            workload=spec,
            duration="400 ms",
            vm={"memory": "64 MiB"},
            hosts={"primary": host, "secondary": host},
            link={"bandwidth": "8 Gbit/s", "latency": "1 us", "overhead": "0 B"},
            replication={
                "protocol": "live-precopy",
                "checkpoint_interval": "25 ms",
                "precopy": {"lead": "120 ms", "least": 1, "rounds": 6},
                "page_tracking": {"fault": "0 ns"},
            },
        )
    )
    lasted_s = [event.duration_ns / 1e9 * shrink for event in result.event_rows if event.kind == "transfer"]
    (row,) = expected("precopy")
    assert "537 s, 134 s, 34 s" in row["expected"]
    rows = [
        Row(f"round {number}, s", published, simulated, "predicted", 0.03)
        for number, (published, simulated) in enumerate(zip((537, 134, 34), lasted_s, strict=False), 1)
    ]
    report("Pre-copy of 50 GiB over 800 Mbit/s, a quarter of it modified meanwhile", rows, record_property)
