"""VMware FT, 2010: what a logging channel does to a VM that receives (table 2), and what logging alone costs (table 1).

Fitted to table 2: bytes of log for each byte received and sent. Input: the bandwidth of the log, of table 1 for each
workload, of table 2 for what the channel could take. Predicted: how much a VM can receive, and how fast it runs.
"""

from functools import cache

import pytest

from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario, load
from vmfailover.simulation import run

from .published import SCENARIOS, RecordProperty, Row, report, scenario, table

RECEIVE, TRANSMIT = (row for row in table("vmware_ft_2010") if row["table"] == "2")
STEADY_NS = 300_000_000


@cache
def receiving() -> Scenario:
    return load(SCENARIOS / "vmware-ft-receive.yaml")


def answers_mbps(result: RunResult, size: int) -> float:
    """Return the megabits per second of requests, or answers, of so many bytes, once the first queues have filled."""
    answers = sum(response.received_ns >= STEADY_NS for response in result.responses)
    return answers * size * 8e3 / (result.scenario.duration - STEADY_NS)


def received_mbps(**keys: object) -> float:
    result = run(receiving().with_(**keys))
    assert result.scenario.clients is not None
    return answers_mbps(result, result.scenario.clients.request)


def log_mbps(result: RunResult) -> float:
    return (result.values["replication.bandwidth_bps"] or 0) / 1e6


@pytest.mark.slow
def test_receiving(record_property: RecordProperty) -> None:
    """All that is received is logged; the channel's raw bandwidth alone would let more in than was measured."""
    unprotected = received_mbps(**{"replication.protocol": "cold-restart"})
    raw = received_mbps(link={"bandwidth": "1 Gbit/s", "latency": "50 us"})
    published = float(RECEIVE["ft_mbps"])
    rows = [
        Row("without protection, Mbit/s", float(RECEIVE["base_mbps"]), unprotected, "input", 0.03),
        Row("log of 730 Mbit/s, Mbit/s", published, received_mbps(), "predicted", 0.03),
        Row("log of 1 Gbit/s less framing, Mbit/s", published, raw, "predicted"),
    ]
    report("VMware FT, table 2, receive", rows, record_property)


@pytest.mark.slow
def test_transmitting(record_property: RecordProperty) -> None:
    """What is sent is hardly logged."""
    block = 128 * 1024
    blocks_per_s = float(TRANSMIT["ft_mbps"]) * 1e6 / 8 / block
    clients = {"rate": f"{blocks_per_s} /s", "request": "64 B", "response": f"{block} B", "service": "10 us"}
    result = run(receiving().with_(clients=clients))
    rows = [
        Row("sent, Mbit/s", float(TRANSMIT["ft_mbps"]), answers_mbps(result, block), "input", 0.05),
        Row("log, Mbit/s", float(TRANSMIT["log_mbps"]), log_mbps(result), "fitted", 0.05),
    ]
    report("VMware FT, table 2, transmit", rows, record_property)


@pytest.mark.slow
def test_workloads(record_property: RecordProperty) -> None:
    """The log of each workload as it was measured; only interrupts cost time here, not the processor's own work."""
    rows = []
    for row in (row for row in table("vmware_ft_2010") if row["table"] == "1"):
        result = run(
            scenario(
                duration="500 ms",
                workload={"kind": "zipf", "working_set": "1 MiB", "instructions_per_access": 300.0},
                link={"bandwidth": "1 Gbit/s", "latency": "50 us"},
                replication={
                    "protocol": "record-replay",
                    "checkpoint_interval": "25 ms",
                    "record_replay": {"rate": f"{row['log_mbps']} Mbit/s", "interval": "10 ms"},
                },
            )
        )
        speed = 1 / (1 + (result.values["guest.slowdown"] or 0))
        published = float(row["ft_over_nonft"])
        tolerance = 0.03 if published >= 0.98 else None
        rows.append(Row(f"{row['workload']}, log Mbit/s", float(row["log_mbps"]), log_mbps(result), "input", 0.1))
        rows.append(Row(f"{row['workload']}, speed", published, speed, "predicted", tolerance))
    report("VMware FT, table 1", rows, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, pytest.param(1.5, marks=pytest.mark.slow)])
def test_the_cap_is_that_of_the_channel(share: float) -> None:
    """Half the log for each byte lets twice as much in, up to what clients send."""
    halved = received_mbps(**{"replication.record_replay.per_received_byte": 1.21 / share})
    assert halved == pytest.approx(min(603 * share, 905), rel=0.05)
