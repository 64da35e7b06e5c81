"""The names that scripts hold on to: none may go, change, or move."""

from scenarios_for_tests import small

from vmfailover.results.names import METRICS
from vmfailover.simulation import run

FIXED = [
    "failover.latency_ns",
    "failover.detection_ns",
    "failover.fencing_ns",
    "failover.apply_ns",
    "failover.activation_ns",
    "failover.count",
    "failover.false_alarms",
    "failover.warmup_ns",
    "exposure.total_ns",
    "exposure.longest_ns",
    "reprotection.count",
    "reprotection.synchronisation_ns",
    "reprotection.stopped_ns",
    "reprotection.bytes",
    "failback.count",
    "failback.latency_ns",
    "failback.blackout_ns",
    "client.blackout_ns",
    "client.latency_mean_ns",
    "client.latency_p50_ns",
    "client.latency_p99_ns",
    "client.latency_p999_ns",
    "loss.work_ns",
    "loss.outputs",
    "loss.split_brain_ns",
    "loss.split_brain_outputs",
    "loss.diverged_lines",
    "image.consistent",
    "image.mismatched_lines",
    "guest.slowdown",
    "guest.pause_fraction",
    "guest.stall_fraction",
    "guest.fault_fraction",
    "checkpoint.count",
    "checkpoint.pause_p50_ns",
    "checkpoint.pause_p99_ns",
    "checkpoint.period_mean_ns",
    "checkpoint.commit_latency_p50_ns",
    "checkpoint.commit_latency_p99_ns",
    "replication.bytes",
    "replication.lines",
    "replication.bandwidth_bps",
    "replication.amplification",
    "replication.memory_bytes",
    "log.entries",
    "log.castout",
    "log.scan",
    "log.transfer",
    "log.duplicates",
    "log.peak_fill",
    "log.interrupts",
    "log.stall_ns",
    "run.accesses",
    "run.wall_seconds",
    "run.accesses_per_second",
]


def test_every_name_is_there_in_its_order() -> None:
    assert list(METRICS) == FIXED


def test_every_name_says_what_it_means() -> None:
    assert all(METRICS.values())
    assert len(set(METRICS.values())) == len(METRICS)


def test_a_run_has_a_value_for_each_name_in_order() -> None:
    assert list(run(small()).values) == FIXED
