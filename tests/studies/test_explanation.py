"""What a scenario is said to add up to, held against runs of it."""

from pathlib import Path
from typing import Any

import pytest
from marks import mostly_slow
from scenarios_for_tests import small

from vmfailover.scenario import load
from vmfailover.simulation import run
from vmfailover.studies.explanation import explain

HOSTS = ("primary", "secondary")
SCENARIOS = Path(__file__).parents[2] / "scenarios"
CHANCE = {"distribution": "uniform", "mean": "300 us", "spread": "200 us"}
#: What a takeover waits for: detectors, ways to fence, votes, and steps that are left to chance.
WAITS: dict[str, dict[str, Any]] = {
    "heartbeat": {"detection": {"interval": "400 us", "timeout": "1 ms", "confirmation": "300 us"}},
    "phi-accrual": {"detection": {"kind": "phi-accrual", "interval": "200 us"}},
    "swim": {"detection": {"kind": "swim", "swim": {"period": "400 us", "probe_timeout": "100 us"}}},
    "token": {"detection": {"kind": "token", "token": {"token": "1 ms", "hold": "300 us"}}},
    "hardware": {"detection": {"kind": "hardware", "delay": "700 us"}},
    "witness": {"detection": {"kind": "witness", "witness": {"interval": "500 us", "timeout": "40 ms"}}},
    "steps": {"failover": {"election": CHANCE, "promotion": CHANCE}},
    "delays": {"fencing": {"kind": "stonith", "delay": "200 us", "random_delay": "1 ms", "spread": "300 us"}},
    "attempts": {"fencing": {"kind": "stonith", "delay": "200 us", "failure_probability": "30 %", "attempts": 40}},
    "vote": {"quorum": {"kind": "witness", "vote": "500 us"}, "fencing": {"kind": "witness", "lease": "2 ms"}},
    "watchdog": {"quorum": {"kind": "witness", "vote": "500 us"}, "fencing": {"kind": "watchdog", "timeout": "1 ms"}},
    "none": {"fencing": {"kind": "none"}},
}


@pytest.mark.parametrize("name", mostly_slow(WAITS, "swim", "delays", "vote", "steps"))
def test_a_failover_lies_within_its_bounds(name: str) -> None:
    for seed in range(3):
        scenario = small("no-clients", seed=seed, extend="until-takeover", expect={}, **WAITS[name])
        shortest_ns, longest_ns = explain(scenario).failover_ns
        found = run(scenario, samples=0).values
        took_ns = int(found["failover.latency_ns"] or 0) - int(found["failover.apply_ns"] or 0)
        assert shortest_ns <= took_ns <= longest_ns, (seed, shortest_ns, took_ns, longest_ns)


def test_bounds_are_as_near_as_the_interval_of_heartbeats() -> None:
    scenario = small("no-clients")
    shortest_ns, longest_ns = explain(scenario).failover_ns
    assert longest_ns - shortest_ns <= scenario.detection.interval + 2 * scenario.link.latency


def test_a_delay_of_the_other_host_is_none_of_this_failover() -> None:
    scenario = small("no-clients")
    delayed = {host: scenario.with_(fencing={"kind": "stonith", "host_delay": {host: "9 ms"}}) for host in HOSTS}
    lengths = {host: [term for term in explain(delayed[host]).failover if term.name == "fencing"] for host in HOSTS}
    (of_primary,), (of_secondary,) = lengths["primary"], lengths["secondary"]
    assert of_secondary.longest_ns == of_primary.longest_ns + 9_000_000
    assert of_secondary.shortest_ns == of_primary.shortest_ns + 9_000_000


def test_a_restart_boots_or_reads_its_image() -> None:
    boots = explain(small("cold-restart"))
    assert "boot" in [term.name for term in boots.failover]
    reads = explain(small("cold-restart", **{"replication.restart": {"kind": "restore", "storage": "1 GB/s"}}))
    (read,) = (term for term in reads.failover if term.name == "read")
    assert read.longest_ns == reads.scenario.in_use
    assert (boots.epoch, [term.longest_ns for term in boots.loss]) == ((), [boots.scenario.duration])


def test_a_vm_that_is_moved_has_no_failover() -> None:
    assert explain(small("live-precopy-rounds")).failover == ()


@pytest.mark.parametrize("name", mostly_slow(["quickstart-short", "hot-sets"], "quickstart-short"))
def test_a_checkpoint_stops_no_shorter_and_loses_no_more(name: str) -> None:
    scenario = load(SCENARIOS / f"{name}.yaml")
    found, result = explain(scenario), run(scenario, samples=0)
    terms = {term.name: term for term in (*found.epoch, *found.loss)}
    assert terms["stop"].shortest_ns <= int(result.values["checkpoint.pause_p50_ns"] or 0)
    assert 0.5 < terms["sending"].longest_ns * scenario.link.bandwidth / 8e9 / _epoch_bytes(result.values) < 2


def _epoch_bytes(values: Any) -> float:
    return float(values["replication.bytes"] / values["checkpoint.count"])
